dnl sallyport.m4: what configure asks of the compiler and of the private dependencies.

dnl SP_FLAGS(VARIABLE, FLAGS...): adds each flag that compiler and linker take without a word.
AC_DEFUN([SP_FLAGS], [
for sp_flag in m4_normalize([$2]); do
  AS_VAR_PUSHDEF([sp_cache], [sp_cv_flag_$sp_flag])
  AC_CACHE_CHECK([whether $CC takes $sp_flag], [sp_cache], [
    sp_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $sp_flag"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([sp_cache], [yes])], [AS_VAR_SET([sp_cache], [no])])
    CFLAGS=$sp_saved_CFLAGS])
  AS_VAR_IF([sp_cache], [yes], [$1="$$1 $sp_flag"])
  AS_VAR_POPDEF([sp_cache])
done])

dnl SP_REFUSE_DEFINES(HEADER, NAMES, REASON): the header must define none of the names.
AC_DEFUN([SP_REFUSE_DEFINES], [
for sp_name in $2; do
  AS_IF([grep -q "^#define $sp_name\>" "$DEPS/$1"],
    [AC_MSG_ERROR([$DEPS/$1 defines $sp_name: $3. Run scripts/deps, which builds it as it must be, and configure without --with-deps.])])
done])

dnl SP_NEED_DEFINES(HEADER, NAMES, REASON): the header must define each of the names.
AC_DEFUN([SP_NEED_DEFINES], [
for sp_name in $2; do
  AS_IF([grep -q "^#define $sp_name\>" "$DEPS/$1"], [],
    [AC_MSG_ERROR([$DEPS/$1 does not define $sp_name: $3. Run scripts/deps, which builds it as it must be, and configure without --with-deps.])])
done])

dnl SP_VERSION_AT_LEAST(NAME, VERSION, MINIMUM)
AC_DEFUN([SP_VERSION_AT_LEAST], [
AC_MSG_CHECKING([for $1 >= $3])
AS_VERSION_COMPARE([$2], [$3],
  [AC_MSG_RESULT([$2])
   AC_MSG_ERROR([$1 $2 is older than $3, which has fixes that we rely on. Run scripts/deps.])])
AC_MSG_RESULT([$2])])

dnl SP_CHECK_DEPS: wolfSSL, libwebsockets and libcurl in $DEPS are there, new enough and as we mean them.
AC_DEFUN([SP_CHECK_DEPS], [
for sp_file in include/wolfssl/options.h include/lws_config.h include/curl/curlver.h \
  lib/libwolfssl.a lib/libwebsockets.a lib/libcurl.a include/llhttp.h lib/libllhttp.a \
  include/yyjson.h lib/libyyjson.a; do
  AS_IF([test -f "$DEPS/$sp_file"], [],
    [AC_MSG_ERROR([$DEPS/$sp_file is missing. Run scripts/deps first (a few minutes, once), or name its prefix by --with-deps=DIR.])])
done

sp_version=$(sed -n 's/^#define LIBWOLFSSL_VERSION_STRING "\(.*\)"/\1/p' "$DEPS/include/wolfssl/version.h")
SP_VERSION_AT_LEAST([wolfSSL], [$sp_version], [5.7.2])
SP_REFUSE_DEFINES([include/wolfssl/options.h], [WOLFSSL_TRUST_PEER_CERT OPENSSL_COMPATIBLE_DEFAULTS],
  [wolfSSL would accept certificates that no configured authority signed])
SP_REFUSE_DEFINES([include/wolfssl/options.h], [HAVE_RPK],
  [a client that never asked for raw public keys could be brought to accept one])
SP_REFUSE_DEFINES([include/wolfssl/options.h], [WOLFSSL_STATIC_RSA WOLFSSL_STATIC_DH WOLFSSL_STATIC_PSK HAVE_NULL_CIPHER],
  [connections without forward secrecy or without encryption would be possible])
SP_REFUSE_DEFINES([include/wolfssl/options.h], [WOLFSSL_ALLOW_SSLV3 WOLFSSL_ALLOW_TLSV10],
  [old versions of TLS would be possible])
SP_REFUSE_DEFINES([include/wolfssl/options.h], [WOLFSSL_EARLY_DATA WOLFSSL_POST_HANDSHAKE_AUTH],
  [0-RTT data can be replayed and authentication after the handshake is not used here])
SP_REFUSE_DEFINES([include/wolfssl/options.h], [SHOW_SECRETS WOLFSSL_SSLKEYLOGFILE],
  [session keys could be written to a file])
SP_NEED_DEFINES([include/wolfssl/options.h],
  [WOLFSSL_TLS13 HAVE_KEYING_MATERIAL HAVE_SNI HAVE_ALPN HAVE_ED25519 HAVE_CURVE25519 HAVE_PK_CALLBACKS WOLFSSL_ALT_CERT_CHAINS],
  [Sallyport uses it])
SP_NEED_DEFINES([include/wolfssl/options.h], [WOLFSSL_SEND_HRR_COOKIE],
  [servers on Java ask for a second ClientHello with a cookie, and would not be reached])

sp_version=$(sed -n 's/^#define LWS_LIBRARY_VERSION_\(MAJOR\|MINOR\|PATCH\) \([[0-9]]*\)$/\2/p' "$DEPS/include/lws_config.h" | paste -sd.)
SP_VERSION_AT_LEAST([libwebsockets], [$sp_version], [4.3.5])
SP_REFUSE_DEFINES([include/lws_config.h], [LWS_WITH_HTTP2],
  [its HTTP/2 reader has open defects])
SP_NEED_DEFINES([include/lws_config.h], [USE_WOLFSSL],
  [this libwebsockets is not on wolfSSL, and Sallyport has one TLS library only])
SP_NEED_DEFINES([include/lws_config.h], [LWS_WITH_LIBUV LWS_WITH_TLS],
  [Sallyport uses it])

sp_version=$(sed -n 's/^#define LLHTTP_VERSION_\(MAJOR\|MINOR\|PATCH\) \([[0-9]]*\)$/\2/p' "$DEPS/include/llhttp.h" | paste -sd.)
SP_VERSION_AT_LEAST([llhttp], [$sp_version], [9.2.1])

sp_version=$(sed -n 's/^#define YYJSON_VERSION_STRING *"\(.*\)"/\1/p' "$DEPS/include/yyjson.h")
SP_VERSION_AT_LEAST([yyjson], [$sp_version], [0.10.0])

sp_version=$(sed -n 's/^#define LIBCURL_VERSION "\(.*\)"/\1/p' "$DEPS/include/curl/curlver.h")
SP_VERSION_AT_LEAST([libcurl], [$sp_version], [8.14.1])
AC_CACHE_CHECK([which TLS library libcurl uses], [sp_cv_curl_tls], [
  sp_saved_LIBS=$LIBS sp_saved_CPPFLAGS=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS -I$DEPS/include" LIBS="$DEPS/lib/libcurl.a $DEPS/lib/libwolfssl.a -lm -lpthread"
  AC_RUN_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>
#include <curl/curl.h>]], [[FILE *f = fopen("conftest.tls", "w");
    return !f || fputs(curl_version_info(CURLVERSION_NOW)->ssl_version, f) < 0 || fclose(f);]])],
    [sp_cv_curl_tls=$(cat conftest.tls)], [sp_cv_curl_tls="none that links"],
    [sp_cv_curl_tls="wolfSSL (assumed: cross compiling)"])
  rm -f conftest.tls
  LIBS=$sp_saved_LIBS CPPFLAGS=$sp_saved_CPPFLAGS])
AS_CASE([$sp_cv_curl_tls], [wolfSSL*], [],
  [AC_MSG_ERROR([$DEPS/lib/libcurl.a uses $sp_cv_curl_tls, and Sallyport has one TLS library only. Run scripts/deps.])])
])
