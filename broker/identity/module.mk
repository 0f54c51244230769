# broker/identity: who is asking. May use base, os, crypto, http, store, audit, registry.
noinst_LIBRARIES += %D%/libidentity.a
%C%_libidentity_a_SOURCES = \
	%D%/discovery.h %D%/logins.h %D%/mfa.h %D%/oidc.h %D%/signin.h
