# lib/crypto: keys and primitives; no file, no socket. May use base.
noinst_LIBRARIES += %D%/libcrypto.a
%C%_libcrypto_a_SOURCES = \
	%D%/aead.c %D%/aead.h %D%/hash.c %D%/hash.h %D%/jwk.c %D%/jwk.h %D%/jwt.c %D%/jwt_claims.c \
	%D%/jwt.h %D%/key.c %D%/key.h %D%/p256.c %D%/p256.h %D%/paseto.c %D%/paseto.h \
	%D%/password.c %D%/password.h %D%/random.c %D%/random.h %D%/secret.c %D%/secret.h \
	%D%/totp.c %D%/totp.h

check_PROGRAMS += tests/unit/%D%/test_primitives tests/unit/%D%/test_key \
	tests/unit/%D%/test_paseto tests/unit/%D%/test_totp
tests_unit_%C%_test_primitives_SOURCES = tests/unit/%D%/test_primitives.c
tests_unit_%C%_test_totp_SOURCES = tests/unit/%D%/test_totp.c
tests_unit_%C%_test_key_SOURCES = tests/unit/%D%/test_key.c tests/unit/%D%/vectors.c \
	tests/unit/%D%/vectors.h
tests_unit_%C%_test_key_CPPFLAGS = $(AM_CPPFLAGS) \
	-DSP_TEST_VECTORS='"$(abs_top_srcdir)/tests/vectors"'
tests_unit_%C%_test_paseto_SOURCES = tests/unit/%D%/test_paseto.c tests/unit/%D%/vectors.c \
	tests/unit/%D%/vectors.h
tests_unit_%C%_test_paseto_CPPFLAGS = $(AM_CPPFLAGS) \
	-DSP_TEST_VECTORS='"$(abs_top_srcdir)/tests/vectors"'

check_PROGRAMS += tests/unit/%D%/test_jwt tests/unit/%D%/test_jwt_made
tests_unit_%C%_test_jwt_made_SOURCES = tests/unit/%D%/test_jwt_made.c
tests_unit_%C%_test_jwt_SOURCES = tests/unit/%D%/test_jwt.c tests/unit/%D%/vectors.c \
	tests/unit/%D%/vectors.h
tests_unit_%C%_test_jwt_CPPFLAGS = $(AM_CPPFLAGS) \
	-DSP_TEST_VECTORS='"$(abs_top_srcdir)/tests/vectors"'
