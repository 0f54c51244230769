# client/login: the person's part of a login: browser, loopback redirect, PKCE. May use lib.
noinst_LIBRARIES += %D%/liblogin.a
%C%_liblogin_a_SOURCES = \
	%D%/bind.c %D%/bind.h \
	%D%/browser.c %D%/browser.h \
	%D%/judge.c \
	%D%/loopback.c %D%/loopback.h

check_PROGRAMS += tests/unit/%D%/test_login
tests_unit_%C%_test_login_SOURCES = tests/unit/%D%/test_login.c
tests_unit_%C%_test_login_LDADD = %D%/liblogin.a $(LDADD)
