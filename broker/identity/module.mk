# broker/identity: who is asking. May use base, os, crypto, http, store, audit, registry.
noinst_LIBRARIES += %D%/libidentity.a
%C%_libidentity_a_SOURCES = \
	%D%/mfa.c %D%/mfa.h %D%/signin.c %D%/signin.h \
	%D%/discovery.h %D%/logins.h %D%/oidc.h
