# lib/crypto
noinst_LIBRARIES += %D%/libcrypto.a
%C%_libcrypto_a_SOURCES =
