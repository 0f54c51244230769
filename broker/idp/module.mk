# broker/idp: the built-in identity provider. May use base, crypto, http, store, audit.
noinst_LIBRARIES += %D%/libidp.a
%C%_libidp_a_SOURCES = \
	%D%/accounts.c %D%/accounts.h %D%/keys.c %D%/keys.h \
	%D%/ticket.c %D%/ticket.h %D%/provider.c %D%/provider.h %D%/provider_internal.h \
	%D%/authorize.c %D%/token.c

check_PROGRAMS += tests/unit/%D%/test_provider
tests_unit_%C%_test_provider_SOURCES = tests/unit/%D%/test_provider.c
