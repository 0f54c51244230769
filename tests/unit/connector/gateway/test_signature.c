#include "connector/gateway/signature.h"

#include "lib/base/encode.h"
#include "lib/crypto/jwt.h"
#include "tests/unit/connector/gateway/rig.h"

#include <stdio.h>

/* RFC 9421 with RFC 9530: what is signed, by its published key, and what stands beside it. */

#define SIGNED "identity: {headers: on, signature: rfc9421}\n"
#define POST(fields, body_length, body)                                                \
    "POST /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n" fields \
    "Content-Length: " body_length "\r\n\r\n" body

/* The value of a field as the application got it. */
static struct view field(struct rig *r, const char *name)
{
    struct view v = {0};
    char line[64];

    snprintf(line, sizeof line, "\n%s: ", name);
    const char *at = strstr(buf_cstr(&r->app_in[0]), line);
    if (at != NULL) {
        at += strlen(line);
        v = (struct view){(const uint8_t *)at, strcspn(at, "\r")};
    }
    return v;
}

static size_t count(struct rig *r, const char *text)
{
    size_t n = 0;

    for (const char *at = buf_cstr(&r->app_in[0]); (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

/* The base of RFC 9421 section 2.5, put together anew from what arrived. */
static void base_of(struct rig *r, const char *method, const char *uri, struct buf *out)
{
    struct view parameters = field(r, "signature-input");
    struct view digest = field(r, "content-digest");

    assert_true(parameters.len > 10 && memcmp(parameters.at, "sallyport=", 10) == 0);
    parameters = view_slice(parameters, 10, parameters.len);
    buf_addf(out, "\"@method\": %s\n\"@target-uri\": %s\n", method, uri);
    if (digest.len > 0)
        buf_addf(out, "\"content-digest\": %.*s\n", VIEW_ARG(digest));
    buf_addf(out, "\"sallyport-user\": ann\n\"@signature-params\": %.*s", VIEW_ARG(parameters));
}

/* With the key that the connector publishes. */
static sp_error verify(struct rig *r, struct view base)
{
    struct view text = field(r, "signature");
    struct jwks *keys;
    struct buf bytes;
    sp_error e;

    assert_true(text.len > 13 && memcmp(text.at, "sallyport=:", 11) == 0);
    assert_int_equal(text.at[text.len - 1], ':');
    buf_init(&bytes, 256);
    check_ok(decode_base64(view_slice(text, 11, text.len - 12), &bytes));
    check_ok(jwks_parse(gateway_jwks(r->gateway), NULL, &keys));
    e = jwk_verify(&keys->keys[0], JWT_ES256, base, buf_view(&bytes));
    jwks_free(keys);
    buf_deinit(&bytes);
    return e;
}

static void GW_07_a_signature_covers_method_target_content_and_user(void **state)
{
    struct buf base;
    struct rig r;

    (void)state;
    rig_init(&r, SIGNED "upstream: {url: 'http://h/base', host: app.test}\n");
    rig_send(&r, 0, POST("", "7", "{\"a\":1}"));
    rig_until(&r, rig_app_got(&r, 0, "{\"a\":1}"));
    buf_init(&base, 4096);
    /* as the application sees it, and RFC 9530's digest of {"a":1} */
    base_of(&r, "POST", "http://app.test/base/a%20b?x=1", &base);
    check_ok(verify(&r, buf_view(&base)));
    check(view_is(field(&r, "content-digest"),
                  "sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:"));
    base.at[base.len - 1] ^= 1;
    assert_int_equal(verify(&r, buf_view(&base)), SP_ERR_SIGNATURE);
    buf_deinit(&base);
    rig_deinit(&r);
}

static void its_parameters_say_when_and_by_which_key(void **state)
{
    char expected[600];
    struct jwks *keys;
    struct rig r;

    (void)state;
    rig_init(&r, SIGNED);
    rig_send(&r, 0, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
    check_ok(jwks_parse(gateway_jwks(r.gateway), NULL, &keys));
    long long now = (long long)(r.now / 1000);
    snprintf(expected, sizeof expected,
             "sallyport=(\"@method\" \"@target-uri\" \"content-digest\" \"sallyport-user\");"
             "created=%lld;expires=%lld;keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"sallyport\"",
             now, now + 60, keys->keys[0].kid);
    struct view input = field(&r, "signature-input");
    if (!view_is(input, expected))
        fail_msg("%.*s", VIEW_ARG(input));
    /* of nothing: RFC 9530 appendix A's empty content */
    check(view_is(field(&r, "content-digest"),
                  "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"));
    jwks_free(keys);
    rig_deinit(&r);
}

/* A label of the client's, or a digest, must not stand beside ours under any spelling. */
static void what_the_client_says_in_their_place_does_not_arrive(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, SIGNED);
    rig_send(&r, 0,
             POST("Signature-Input: sallyport=(\"@method\")\r\nSignature: sallyport=:AA==:\r\n"
                  "Signature_Input: evil\r\nContent-Digest: sha-256=:evil=:\r\n"
                  "Content_Digest: evil\r\n",
                  "2", "{}"));
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n{}"));
    check(!rig_app_got(&r, 0, "evil"));
    assert_int_equal(count(&r, "\nsignature-input:"), 1);
    assert_int_equal(count(&r, "\nsignature:"), 1);
    assert_int_equal(count(&r, "\ncontent-digest:"), 1);
    rig_deinit(&r);
}

/* Nothing is held back for it: then it covers what is known, and says so. */
static void what_streams_is_signed_without_its_content(void **state)
{
    struct buf base;
    struct rig r;

    (void)state;
    rig_init(&r, SIGNED "limits: {inspect: 4KiB}\n");
    rig_send(&r, 0,
             "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/octet-stream\r\n"
             "Content-Length: 9\r\n\r\nfirst");
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\nfirst"));
    check(field(&r, "content-digest").len == 0);
    buf_init(&base, 4096);
    base_of(&r, "PUT", "http://h/x", &base);
    check_ok(verify(&r, buf_view(&base)));
    buf_deinit(&base);
    rig_deinit(&r);
}

static void without_it_the_clients_own_signature_goes_on(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "");
    rig_send(&r, 0, POST("Signature: sig1=:AA==:\r\n", "2", "{}"));
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n{}"));
    check(rig_app_got(&r, 0, "signature: sig1=:AA==:\r\n"));
    check(!rig_app_got(&r, 0, "signature-input"));
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_07_a_signature_covers_method_target_content_and_user),
        cmocka_unit_test(its_parameters_say_when_and_by_which_key),
        cmocka_unit_test(what_the_client_says_in_their_place_does_not_arrive),
        cmocka_unit_test(what_streams_is_signed_without_its_content),
        cmocka_unit_test(without_it_the_clients_own_signature_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
