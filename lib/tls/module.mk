# lib/tls: TLS on wolfSSL, without sockets. May use lib/base, lib/os, lib/crypto.
noinst_LIBRARIES += %D%/libtls.a
%C%_libtls_a_SOURCES = \
	%D%/authority.c %D%/authority.h \
	%D%/context.c %D%/context.h %D%/conn.c %D%/conn.h %D%/envelope.c %D%/tls_internal.h \
	%D%/hello.c %D%/hello.h %D%/expiry.c %D%/expiry.h %D%/look.c %D%/look.h %D%/peek.c %D%/peek.h %D%/foreign.c %D%/foreign.h

check_PROGRAMS += tests/unit/%D%/test_authority tests/unit/%D%/test_look tests/unit/%D%/test_peek \
	tests/unit/%D%/test_handshake tests/unit/%D%/test_foreign
tests_unit_%C%_test_foreign_SOURCES = tests/unit/%D%/test_foreign.c tests/unit/check.h
tests_unit_%C%_test_handshake_SOURCES = tests/unit/%D%/test_handshake.c tests/unit/check.h
tests_unit_%C%_test_look_SOURCES = tests/unit/%D%/test_look.c
tests_unit_%C%_test_peek_SOURCES = tests/unit/%D%/test_peek.c
tests_unit_%C%_test_authority_SOURCES = tests/unit/%D%/test_authority.c
