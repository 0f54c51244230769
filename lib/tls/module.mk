# lib/tls: TLS on wolfSSL, without sockets. May use lib/base, lib/os, lib/crypto.
noinst_LIBRARIES += %D%/libtls.a
%C%_libtls_a_SOURCES = \
	%D%/context.h %D%/conn.h %D%/hello.h %D%/peek.h %D%/foreign.h
