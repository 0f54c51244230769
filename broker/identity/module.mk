# broker/identity: who is asking. May use base, os, crypto, http, store, audit, registry.
noinst_LIBRARIES += %D%/libidentity.a
%C%_libidentity_a_SOURCES = \
	%D%/bootstrap.c %D%/bootstrap.h %D%/discovery.c %D%/discovery.h %D%/logins.c %D%/logins.h %D%/logins_codes.c \
	%D%/logins_cookie.c %D%/logins_device.c %D%/logins_internal.h %D%/logins_waits.c %D%/mfa.c %D%/mfa.h \
	%D%/oidc.c %D%/oidc.h %D%/oidc_internal.h %D%/person.c %D%/providers.c %D%/signin.c \
	%D%/signin.h %D%/tickets.c %D%/tickets.h
check_PROGRAMS += tests/unit/%D%/test_bootstrap tests/unit/%D%/test_mfa tests/unit/%D%/test_signin
tests_unit_%C%_test_bootstrap_SOURCES = tests/unit/%D%/test_bootstrap.c
tests_unit_%C%_test_mfa_SOURCES = tests/unit/%D%/test_mfa.c
tests_unit_%C%_test_signin_SOURCES = tests/unit/%D%/test_signin.c
check_PROGRAMS += tests/unit/%D%/test_oidc tests/unit/%D%/test_oidc_keys
tests_unit_%C%_test_oidc_SOURCES = tests/unit/%D%/test_oidc.c tests/unit/%D%/provider.h \
	tests/unit/lib/http/harness.c tests/unit/lib/http/harness.h
tests_unit_%C%_test_oidc_keys_SOURCES = tests/unit/%D%/test_oidc_keys.c tests/unit/%D%/provider.h \
	tests/unit/lib/http/harness.c tests/unit/lib/http/harness.h
check_PROGRAMS += tests/unit/%D%/test_logins tests/unit/%D%/test_waits
tests_unit_%C%_test_waits_SOURCES = tests/unit/%D%/test_waits.c tests/unit/lib/http/harness.c \
	tests/unit/lib/http/harness.h
tests_unit_%C%_test_logins_SOURCES = tests/unit/%D%/test_logins.c tests/unit/lib/http/harness.c \
	tests/unit/lib/http/harness.h
