#include "connector/gateway/guard.h"
#include "lib/base/encode.h"
#include "lib/crypto/jwk.h"
#include "lib/tls/context.h"
#include "tests/unit/connector/gateway/idp.h"
#include "tests/unit/connector/gateway/mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1764038400000)

/* A guard as an app has it; requests are made by hand, keys come from a server on loopback. */
struct world {
    struct idp idp;
    struct loop *loop;
    struct pool *pool;
    struct client *client;
    struct gwconf *conf;
    struct guard *guard;
    struct arena_pool arenas;
    struct key_secret *issuer, *device, *holder;
    struct gw_caller caller;
    struct view group, segments[4];
    struct gw_pair attribute, pair;
    struct gw_field fields[3];
    struct gw_exchange x;
    struct buf token, text, proof;
    char path[64];
    unsigned resumed;
    struct gw_verdict last;
};

static bool floor_says(void *arg, struct view host, uint16_t port)
{
    (void)host;
    return port == ((struct world *)arg)->idp.port;
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    const struct client_options o = {.at_once = 4};

    assert_non_null(w);
    idp_start(&w->idp);
    assert_int_equal(loop_new(&w->loop), SP_OK);
    assert_int_equal(pool_new(w->loop, 4, &w->pool), SP_OK);
    assert_int_equal(client_new(&o, NULL, &w->client), SP_OK);
    assert_int_equal(key_secret_new(KEY_P256, &w->issuer), SP_OK);
    assert_int_equal(key_secret_new(KEY_P256, &w->holder), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &w->device), SP_OK);
    buf_init(&w->token, 16384);
    buf_init(&w->text, 16384);
    buf_init(&w->proof, 16384);
    w->arenas.max = 8 << 20;
    w->group = view_str("idp/staff");
    w->caller = (struct gw_caller){.user = {{1}},
                                   .device = *key_secret_public(w->device),
                                   .device_text = view_str("device"),
                                   .name = view_str("ann"),
                                   .email = view_str("ann@example.com"),
                                   .group_count = 1,
                                   .groups = &w->group,
                                   .attribute_count = 1,
                                   .attributes = &w->attribute,
                                   .alive = true};
    *state = w;
    return 0;
}

static void end(struct world *w)
{
    if (w->x.request.arena == NULL)
        return;
    pipeline_forget(&w->x);
    guard_account(w->guard, &w->x, clock_boot_us() * 1000);
    arena_free(w->x.request.arena);
    w->x.request.arena = NULL;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    end(w);
    guard_free(w->guard);
    guard_free(NULL);
    gwconf_free(w->conf);
    pool_free(w->pool);
    client_free(w->client);
    loop_free(w->loop);
    idp_stop(&w->idp);
    key_secret_free(w->issuer);
    key_secret_free(w->holder);
    key_secret_free(w->device);
    buf_deinit(&w->token);
    buf_deinit(&w->text);
    buf_deinit(&w->proof);
    clock_set_for_test(-1, -1);
    free(w);
    return 0;
}

static void configure(struct world *w, const char *text)
{
    struct sp_why why = {{0}, {0}, 0, 0};

    if (gwconf_parse(view_str(text), &why, &w->conf) != SP_OK)
        fail_msg("%s", why.text);
    const struct guard_options o = {
        .conf = w->conf, .outside = {w->loop, w->pool, w->client, "/nonexistent", floor_says, w}};
    assert_int_equal(guard_new(&o, &why, &w->guard), SP_OK);
}

static void on_resumed(struct gw_exchange *x, struct gw_verdict v)
{
    struct world *w = x->owner;

    (void)v;
    w->resumed++;
}

/* A new request; the one before ends. */
static void request(struct world *w, enum gw_method method, const char *path)
{
    end(w);
    w->x = (struct gw_exchange){.caller = &w->caller, .resumed = on_resumed, .owner = w};
    assert_int_equal(arena_new(&w->arenas, 1 << 20, &w->x.request.arena), SP_OK);
    w->x.phase = GW_PHASE_HEAD;
    w->x.request.method = method;
    w->x.request.method_text = view_str(gw_method_name(method));
    w->x.request.host = view_str("127.77.0.2:8080");
    w->x.request.target.path = view_str(path);
    w->x.request.target.segments = w->segments;
    w->x.request.fields = w->fields;
    for (const char *at = path; *at == '/' && at[1] != '\0';) {
        size_t n = strcspn(at + 1, "/");
        w->segments[w->x.request.target.segment_count++] =
            (struct view){(const uint8_t *)at + 1, n};
        at += n + 1;
    }
}

static void bearer(struct world *w, const char *scheme, const struct buf *token)
{
    buf_reset(&w->text);
    buf_addf(&w->text, "%s %.*s", scheme, (int)token->len, (const char *)token->at);
    w->fields[0] = (struct gw_field){view_str("authorization"), buf_view(&w->text)};
    w->x.request.field_count = 1;
}

static void refused(struct gw_verdict v, enum gw_reason reason, int status, const char *says)
{
    assert_int_equal(v.outcome, GW_REFUSE);
    assert_int_equal(v.reason, reason);
    assert_int_equal(v.status != 0 ? v.status : gw_reasons[v.reason].status, status);
    if (strstr(gw_words(&v)->challenge, says) == NULL)
        fail_msg("%s", gw_words(&v)->challenge);
}

static void passed(struct gw_verdict v)
{
    if (v.outcome != GW_PASS)
        fail_msg("%s: %s", gw_reasons[v.reason].name, gw_words(&v)->challenge);
}

/* ---- steps 4, 5, 6 -------------------------------------------------------------------------- */

static void test_rows_of_operations_decide_who_may(void **state)
{
    struct world *w = *state;

    configure(w, "operations:\n"
                 " - { match: 'DELETE /v1/**', deny: on }\n"
                 " - { match: '/admin/**', groups: [idp/admins, idp/root], step_up: 5m }\n"
                 " - { match: '/staff/**', groups: [idp/staff], step_up: 5m }\n"
                 " - { match: 'GET /v1/**' }\n"
                 "otherwise: deny\n");
    request(w, GW_DELETE, "/v1/x");
    refused(guard_access(w->guard, &w->x, NOW), GW_REASON_POLICY, 403, "");
    request(w, GW_GET, "/v1/x");
    passed(guard_access(w->guard, &w->x, NOW));
    request(w, GW_POST, "/v1/x"); /* no row: otherwise */
    refused(guard_access(w->guard, &w->x, NOW), GW_REASON_POLICY, 403, "");
    request(w, GW_GET, "/admin/x");
    refused(guard_access(w->guard, &w->x, NOW), GW_REASON_POLICY, 403, "");
    request(w, GW_GET, "/staff/x");
    refused(guard_access(w->guard, &w->x, NOW), GW_REASON_STEP_UP, 401, ""); /* unknown */
    static const struct {
        const char *at;
        bool fresh;
    } factors[] = {{"1764038100", true}, {"1764038099", false}, {"1764038401", false},
                   {"-1", false},        {"soon", false},       {"", false}};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        w->attribute = (struct gw_pair){view_str("mfa_at"), view_str(factors[i].at)};
        struct gw_verdict v = guard_access(w->guard, &w->x, NOW);
        if ((v.outcome == GW_PASS) != factors[i].fresh)
            fail_msg("mfa_at %s", factors[i].at);
    }
}

static void test_otherwise_deny_without_a_row_denies_all(void **state)
{
    struct world *w = *state;

    configure(w, "otherwise: deny\n");
    request(w, GW_GET, "/x");
    refused(guard_access(w->guard, &w->x, NOW), GW_REASON_POLICY, 403, "");
}

static void test_otherwise_allow_without_a_row_allows_all(void **state)
{
    struct world *w = *state;

    configure(w, "otherwise: allow\n");
    request(w, GW_GET, "/x");
    passed(guard_access(w->guard, &w->x, NOW));
}

static void GW_31_a_429_has_its_fields(void **state)
{
    struct world *w = *state;

    clock_set_for_test(NOW, 1000000);
    configure(w, "rate:\n - { name: per-user, key: [user], rate: 10/m, burst: 2 }\n"
                 " - { name: open, key: [user], in_flight: 1, match: 'POST /**' }\n"
                 " - { name: seen, key: [user], rate: 1/h, mode: monitor }\n");
    request(w, GW_GET, "/x");
    passed(guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000));
    assert_int_equal(w->x.hit_count, 0);
    request(w, GW_GET, "/x");
    passed(guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000));
    assert_int_equal(w->x.hit_count, 1);
    assert_string_equal(w->x.hits[0].verdict.rule, "seen");
    request(w, GW_GET, "/x");
    struct gw_verdict v = guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000);
    refused(v, GW_REASON_RATE, 429, "");
    assert_int_equal(v.retry_after_ms, 6000);
    assert_string_equal(v.rule, "per-user");
    assert_string_equal(gw_words(&v)->limit_fields[0], "\"per-user\";r=0;t=6");
    assert_string_equal(gw_words(&v)->limit_fields[1], "\"per-user\";q=10;w=60");
    clock_set_for_test(NOW, 1012000);
    request(w, GW_POST, "/x");
    passed(guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000));
    struct gw_exchange first = w->x; /* stays open */
    w->x.request.arena = NULL;
    request(w, GW_POST, "/x");
    refused(guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000),
            GW_REASON_IN_FLIGHT, 429, "");
    end(w);
    guard_account(w->guard, &first, clock_boot_us() * 1000);
    guard_account(w->guard, &first, clock_boot_us() * 1000); /* twice does no harm */
    arena_free(first.request.arena);
    request(w, GW_POST, "/x");
    passed(guard_limit(w->guard, &w->x, RATE_SESSION_KEYS, clock_boot_us() * 1000));
}

static const char *answer_field(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->x.answer_field_count; i++) {
        if (view_is(w->x.answer_fields[i].name, name))
            return (const char *)w->x.answer_fields[i].value.at;
    }
    return "";
}

static void GW_43_deprecation_sunset_and_410(void **state)
{
    struct world *w = *state;

    configure(w,
              "retire:\n"
              " - { match: '/v1/**', deprecated: 2025-06-01, sunset: 2025-11-26, successor: /v2, "
              "after: block }\n"
              " - { match: '/v0/**', sunset: 2025-01-01, after: monitor }\n");
    request(w, GW_GET, "/v1/x");
    passed(guard_retired(w->guard, &w->x, NOW));
    guard_answer(w->guard, &w->x);
    assert_string_equal(answer_field(w, "deprecation"), "@1748736000");
    assert_string_equal(answer_field(w, "sunset"), "Wed, 26 Nov 2025 00:00:00 GMT");
    assert_string_equal(answer_field(w, "link"), "</v2>; rel=\"successor-version\"");
    passed(guard_retired(w->guard, &w->x, INT64_C(1764115199999)));
    refused(guard_retired(w->guard, &w->x, INT64_C(1764115200000)), GW_REASON_GONE, 410, "");
    request(w, GW_GET, "/v0/x");
    passed(guard_retired(w->guard, &w->x, NOW));
    assert_int_equal(w->x.hit_count, 1);
    request(w, GW_GET, "/v2/x");
    passed(guard_retired(w->guard, &w->x, NOW));
    guard_answer(w->guard, &w->x);
    assert_int_equal(w->x.answer_field_count, 0);
}

/* ---- step 7 --------------------------------------------------------------------------------- */

static void oauth(struct world *w, const char *more)
{
    char text[1024];
    struct buf jwk, set;

    buf_init(&jwk, 4096);
    buf_init(&set, 4096);
    mint_jwk(w->issuer, "k", &jwk);
    buf_addf(&set, "{\"keys\":[%s]}", buf_cstr(&jwk));
    idp_say(&w->idp, "200 OK", buf_cstr(&set), 0);
    buf_deinit(&jwk);
    buf_deinit(&set);
    snprintf(text, sizeof text,
             "oauth:\n  require: on\n  realm: r\n  issuers: [ { iss: 'https://idp', jwks_uri: "
             "'http://127.0.0.1:%u/k', aud: [api], algs: [ES256] } ]\n%s",
             w->idp.port, more);
    configure(w, text);
    clock_set_for_test(NOW, 50000000);
}

static void mint(struct world *w, const char *sub, const char *more)
{
    char claims[1024];

    snprintf(claims, sizeof claims,
             "{\"iss\":\"https://idp\",\"aud\":\"api\",\"sub\":\"%s\",\"client_id\":\"cli\","
             "\"iat\":1764038390,\"exp\":1764038700%s}",
             sub, more);
    mint_jws(w->issuer, "{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"at+jwt\"}", claims, &w->token);
}

/* Asks, and once more when the keys have come. */
static struct gw_verdict ask(struct world *w)
{
    struct gw_verdict v = guard_token(w->guard, &w->x, NOW);

    while (v.outcome == GW_PARK) {
        unsigned asked = idp_asked(&w->idp);
        pipeline_forget(&w->x); /* as if it had been resumed: the test asks itself */
        while (idp_asked(&w->idp) == asked && asked == 0)
            loop_turn(w->loop, false);
        loop_turn(w->loop, false); /* the answer may have come already: never wait for another */
        v = guard_token(w->guard, &w->x, NOW);
    }
    return v;
}

static void GW_11_a_token_of_somebody_else_is_403(void **state)
{
    struct world *w = *state;

    oauth(w, "");
    request(w, GW_GET, "/v1/x");
    refused(ask(w), GW_REASON_TOKEN_MISSING, 401, "Bearer realm=\"r\"");
    mint(w, "ann", "");
    bearer(w, "Bearer", &w->token);
    passed(ask(w));
    assert_true(w->x.token.present && view_is(w->x.token.client, "cli") &&
                view_is(w->x.token.subject, "ann"));
    assert_int_equal(idp_asked(&w->idp), 1);
    mint(w, "bob", "");
    request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    struct gw_verdict v = ask(w);
    refused(v, GW_REASON_TOKEN_SUBJECT, 403, "");
    assert_string_equal(gw_words(&v)->challenge, ""); /* another of its kind would not help */
    static const char *const same[][2] = {{"x", ",\"email\":\"Ann@Example.com\""},
                                          {"ann@example.com", ""}};
    for (size_t i = 0; i < 2; i++) {
        mint(w, same[i][0], same[i][1]);
        request(w, GW_GET, "/v1/x");
        bearer(w, "Bearer", &w->token);
        passed(ask(w));
    }
    mint(w, "", "");
    request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "sub is missing");
    /* Nobody without a name or address is anybody's: two empty texts are not equal. */
    w->caller.name = w->caller.email = (struct view){0};
    mint(w, "ann", "");
    request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_TOKEN_SUBJECT, 403, "");
    assert_int_equal(idp_asked(&w->idp), 1);
}

static void GW_12_the_device_certificate_of_an_mtls_token(void **state)
{
    struct world *w = *state;
    struct buf der, text;
    char cnf[200];
    uint8_t other[32] = {1};

    oauth(w, "  bind: [mtls]\n");
    buf_init(&der, TLS_ENVELOPE_MAX);
    buf_init(&text, 64);
    assert_int_equal(tls_envelope(&w->caller.device, &der), SP_OK);
    struct hash h = hash_sha256(buf_view(&der));
    encode_base64url(hash_view(&h), &text);
    snprintf(cnf, sizeof cnf, ",\"cnf\":{\"x5t#S256\":\"%s\"}", buf_cstr(&text));
    mint(w, "bob", cnf); /* bound to the device: the subject is not asked for */
    request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    passed(ask(w));
    buf_reset(&text);
    encode_base64url((struct view){other, sizeof other}, &text);
    snprintf(cnf, sizeof cnf, ",\"cnf\":{\"x5t#S256\":\"%s\"}", buf_cstr(&text));
    mint(w, "ann", cnf);
    request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "not bound to this device");
    mint(w, "ann", "");
    request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "not bound to this device");
    buf_deinit(&der);
    buf_deinit(&text);
}

static void prove(struct world *w, const char *jti)
{
    struct hash ath = hash_sha256(buf_view(&w->token));
    struct buf jwk, header, claims;

    buf_init(&jwk, 4096);
    buf_init(&header, 4096);
    buf_init(&claims, 4096);
    mint_jwk(w->holder, "h", &jwk);
    buf_addf(&header, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":%s}", buf_cstr(&jwk));
    buf_addf(&claims,
             "{\"htm\":\"GET\",\"htu\":\"http://127.77.0.2:8080/v1/x\",\"iat\":1764038400,"
             "\"jti\":\"%s\",\"ath\":\"",
             jti);
    encode_base64url(hash_view(&ath), &claims);
    buf_add_str(&claims, "\"}");
    mint_jws(w->holder, buf_cstr(&header), buf_cstr(&claims), &w->proof);
    w->fields[1] = (struct gw_field){view_str("dpop"), buf_view(&w->proof)};
    w->x.request.field_count = 2;
    buf_deinit(&jwk);
    buf_deinit(&header);
    buf_deinit(&claims);
}

static void GW_13_a_bound_token_needs_its_proof_whatever_is_configured(void **state)
{
    struct world *w = *state;
    struct buf jwk, text;
    struct json *j = NULL;
    struct jwks *keys = NULL;
    struct hash name;
    char cnf[200];

    oauth(w, "  dpop_nonce: off\n");
    buf_init(&jwk, 4096);
    buf_init(&text, 64);
    mint_jwk(w->holder, "h", &jwk);
    assert_int_equal(json_parse(buf_view(&jwk), 4096, NULL, &j), SP_OK);
    assert_int_equal(jwks_of_one(j, NULL, &keys), SP_OK);
    assert_int_equal(jwk_thumbprint(&keys->keys[0], &name), SP_OK);
    encode_base64url(hash_view(&name), &text);
    snprintf(cnf, sizeof cnf, ",\"cnf\":{\"jkt\":\"%s\"}", buf_cstr(&text));
    mint(w, "ann", cnf);
    request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "send it with DPoP");
    request(w, GW_GET, "/v1/x");
    bearer(w, "DPoP", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "invalid_dpop_proof");
    prove(w, "one");
    passed(ask(w));
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "used before");
    prove(w, "two");
    passed(ask(w));
    mint(w, "ann", "");
    request(w, GW_GET, "/v1/x");
    bearer(w, "DPoP", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "send it as Bearer");
    json_free(j);
    jwks_free(keys);
    buf_deinit(&jwk);
    buf_deinit(&text);
}

static void test_scopes_of_an_operation(void **state)
{
    struct world *w = *state;

    oauth(w, "  scopes: explicit\n"
             "operations:\n - { match: 'GET /v1/x', scopes: ['x:read', common] }\n"
             " - { match: /open, token: optional }\n");
    mint(w, "ann", ",\"scope\":\"common\"");
    request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INSUFFICIENT_SCOPE, 403,
            "error=\"insufficient_scope\", scope=\"x:read common\"");
    mint(w, "ann", ",\"scope\":\"common x:read more\"");
    request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    passed(ask(w));
    request(w, GW_GET, "/open");
    passed(ask(w));
    assert_false(w->x.token.present);
    buf_reset(&w->token);
    buf_add_str(&w->token, "nonsense");
    bearer(w, "Bearer", &w->token);
    refused(ask(w), GW_REASON_INVALID_TOKEN, 401, "three parts"); /* optional, not unchecked */
    w->pair = (struct gw_pair){view_str("access_token"), view_str("x")};
    w->x.request.target.pairs = &w->pair;
    w->x.request.target.query_count = 1;
    refused(ask(w), GW_REASON_INVALID_REQUEST, 400, "invalid_request");
}

static void test_no_keys_is_503_and_a_forgotten_request_is_not_resumed(void **state)
{
    struct world *w = *state;

    oauth(w, "");
    idp_say(&w->idp, "500 Oops", "", 20);
    mint(w, "ann", "");
    request(w, GW_GET, "/v1/x");
    bearer(w, "Bearer", &w->token);
    assert_int_equal(guard_token(w->guard, &w->x, NOW).outcome, GW_PARK);
    assert_non_null(w->x.parked);
    pipeline_forget(&w->x);
    assert_null(w->x.parked);
    while (idp_asked(&w->idp) == 0)
        loop_turn(w->loop, false);
    loop_turn(w->loop, true);
    assert_int_equal(w->resumed, 0);
    struct gw_verdict v = guard_token(w->guard, &w->x, NOW);
    refused(v, GW_REASON_TOKEN_SOURCE_DOWN, 503, "");
    assert_int_equal(v.retry_after_ms, 5000);
}

/* ---- step 10 -------------------------------------------------------------------------------- */

static void test_input_rules_of_parameters_and_bodies(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *type, *body, *rule, *pointer;
    } bodies[] = {
        {"application/json", "{\"a\":{\"callback_url\":\"http://169.254.169.254/\"}}", "ssrf",
         "/callback_url"},
        {"application/json", "{\"note\":[\"fine\",\"1' or '1'='1\"]}", "sqli", "/note"},
        {"application/vnd.x+json", "{\"file\":\"../../etc/passwd\"}", "path_traversal", "/file"},
        {"application/x-www-form-urlencoded", "a=b&callback_url=http%3A%2F%2F127.1%2F", "ssrf",
         "/callback_url"},
        {"application/json", "{\"note\":\"O'Brien or somebody else\"}", "", ""},
        {"text/plain", "1' or '1'='1", "", ""},
    };

    configure(w, "input_rules: { mode: block, sqli: free-text, ssrf: [callback_url], "
                 "path_traversal: block }\n");
    request(w, GW_GET, "/files/x");
    w->pair = (struct gw_pair){view_str("name"), view_str("..%2f..%2fetc")};
    w->x.request.target.pairs = &w->pair;
    w->x.request.target.query_count = 1;
    struct gw_verdict v = guard_input(w->guard, &w->x);
    refused(v, GW_REASON_INPUT, 403, "");
    assert_string_equal(v.rule, "path_traversal");
    assert_string_equal(gw_words(&v)->details[0].pointer, "name");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        request(w, GW_POST, "/x");
        w->x.request.body = (struct gw_message_body){.kind = GW_BODY_LENGTH,
                                                     .content_type = view_str(bodies[i].type)};
        passed(guard_input(w->guard, &w->x));
        assert_int_equal(w->x.inspect_request, i != 5);
        w->x.phase = GW_PHASE_BODY;
        w->x.request.body.bytes = view_str(bodies[i].body);
        w->x.request.body.inspected = GW_INSPECTED;
        v = guard_input(w->guard, &w->x);
        if (bodies[i].rule[0] == '\0') {
            passed(v);
            continue;
        }
        refused(v, GW_REASON_INPUT, 403, "");
        assert_string_equal(v.rule, bodies[i].rule);
        assert_string_equal(gw_words(&v)->details[0].pointer, bodies[i].pointer);
    }
}

static void GW_63_monitor_passes_what_block_refuses_and_says_the_same(void **state)
{
    struct world *w = *state;

    configure(w, "input_rules: { path_traversal: monitor }\n");
    request(w, GW_GET, "/files/x");
    w->pair = (struct gw_pair){view_str("name"), view_str("../../etc")};
    w->x.request.target.pairs = &w->pair;
    w->x.request.target.query_count = 1;
    passed(guard_input(w->guard, &w->x));
    assert_int_equal(w->x.hit_count, 1);
    assert_int_equal(w->x.hits[0].verdict.reason, GW_REASON_INPUT);
    assert_string_equal(w->x.hits[0].verdict.rule, "path_traversal");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_rows_of_operations_decide_who_may),
        T(test_otherwise_deny_without_a_row_denies_all),
        T(test_otherwise_allow_without_a_row_allows_all),
        T(GW_31_a_429_has_its_fields),
        T(GW_43_deprecation_sunset_and_410),
        T(GW_11_a_token_of_somebody_else_is_403),
        T(GW_12_the_device_certificate_of_an_mtls_token),
        T(GW_13_a_bound_token_needs_its_proof_whatever_is_configured),
        T(test_scopes_of_an_operation),
        T(test_no_keys_is_503_and_a_forgotten_request_is_not_resumed),
        T(test_input_rules_of_parameters_and_bodies),
        T(GW_63_monitor_passes_what_block_refuses_and_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
