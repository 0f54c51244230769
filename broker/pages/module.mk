# broker/pages: what a person sees besides the console. May use base, qr, http, identity, policy,
# session.
noinst_LIBRARIES += %D%/libpages.a
%C%_libpages_a_SOURCES = \
	%D%/approve.c %D%/code.c %D%/denied.c %D%/home.c %D%/login.c %D%/mine.c %D%/pages.c %D%/pages.h \
	%D%/pages_internal.h %D%/totp.c

check_PROGRAMS += tests/unit/%D%/test_pages
tests_unit_%C%_test_pages_SOURCES = tests/unit/%D%/test_pages.c tests/unit/lib/http/harness.c \
	tests/unit/lib/http/harness.h
