# lib/crypto: keys and primitives; no file, no socket. May use base.
noinst_LIBRARIES += %D%/libcrypto.a
%C%_libcrypto_a_SOURCES = \
	%D%/aead.h %D%/hash.h %D%/jwk.h %D%/jwt.h %D%/key.h %D%/paseto.h %D%/password.h \
	%D%/random.h %D%/secret.h %D%/totp.h
