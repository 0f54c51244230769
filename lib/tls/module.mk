# lib/tls: TLS on wolfSSL, without sockets. May use lib/base, lib/os, lib/crypto.
noinst_LIBRARIES += %D%/libtls.a
%C%_libtls_a_SOURCES = \
	%D%/context.c %D%/context.h %D%/conn.c %D%/conn.h %D%/envelope.c %D%/tls_internal.h \
	%D%/hello.c %D%/hello.h %D%/peek.h %D%/foreign.c %D%/foreign.h
