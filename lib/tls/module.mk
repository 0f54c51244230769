# lib/tls
noinst_LIBRARIES += %D%/libtls.a
%C%_libtls_a_SOURCES =
