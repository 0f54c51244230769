#ifndef SP_HTTP_COOKIE_H
#define SP_HTTP_COOKIE_H

/*
 * cookie: RFC 6265bis, only cookies with the __Host- prefix: Secure, Path=/, no Domain, HttpOnly.
 *
 * Values are of our own making: base64url or PASETO text, at most COOKIE_VALUE_MAX bytes.
 * Fuzzed by tests/fuzz/fuzz_cookie.c (reader).
 */

#include "lib/http/message.h"

enum { COOKIE_VALUE_MAX = 3072 };

enum cookie_site {
    COOKIE_LAX = 0, /* sent on a top-level navigation from elsewhere: the OIDC callback needs it */
    COOKIE_STRICT
};

/*
 * The value of cookie `name` ("__Host-sallyport") in the request. Borrows the request.
 *   SP_ERR_NOT_FOUND  no such cookie
 *   SP_ERR_MALFORMED  there twice (someone planted one), or a value with bytes outside RFC 6265's
 *                     cookie-octet
 *   SP_ERR_LIMIT      longer than COOKIE_VALUE_MAX
 */
SP_MUST sp_error cookie_get(const struct request *req, const char *name, struct view *out);
/* The same on a bare Cookie header value. */
SP_MUST sp_error cookie_find(struct view header, const char *name, struct view *out);

/* Sets it for `max_age_s` seconds; 0: until the browser closes. A name without __Host- or a value
 * with other bytes fails the response (response_error). */
void cookie_set(struct response *res, const char *name, struct view value, int64_t max_age_s,
                enum cookie_site site);
void cookie_clear(struct response *res, const char *name);

#endif
