#include "lib/gateway/config.h"

#include "lib/crypto/jwk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct gwconf *parse(const char *text)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct gwconf *c = NULL;

    if (gwconf_parse(view_str(text), &why, &c) != SP_OK)
        fail_msg("%s\n-> %s", text, why.text);
    return c;
}

static void test_an_empty_gateway_has_every_default(void **state)
{
    struct gwconf *c = parse("");

    (void)state;
    assert_int_equal(c->frontend, GW_FRONTEND_PLAIN);
    assert_int_equal(c->methods, 0xfe);
    assert_true(c->identity.headers);
    assert_false(c->identity.assertion || c->oauth.require || c->http2 || c->websocket);
    assert_int_equal(c->oauth.bind, GW_BIND_SUBJECT);
    assert_int_equal(c->limits.body, 10 << 20);
    assert_int_equal(c->limits.inspect, 1 << 20);
    assert_int_equal(c->limits.header_block, 64 << 10);
    assert_int_equal(c->limits.headers, 100);
    assert_int_equal(c->limits.line, 8 << 10);
    assert_int_equal(c->limits.request_ms, 60000);
    assert_int_equal(c->limits.streams_per_user, 100);
    assert_int_equal(c->openapi.status, 400);
    /* Statistics watch and never block by themselves. */
    const int *mode[] = {
        &c->detectors.bola,         &c->detectors.enumeration,    &c->detectors.credential,
        &c->detectors.exfiltration, &c->detectors.exposure,       &c->detectors.function,
        &c->detectors.flow,         &c->detectors.scanner,        &c->openapi.request,
        &c->openapi.response,       &c->openapi.unknown_endpoint, &c->input.mode};
    for (size_t i = 0; i < sizeof mode / sizeof *mode; i++)
        assert_int_equal(*mode[i], GW_MONITOR);
    assert_true(c->detectors.inventory);
    assert_int_equal(c->rates.count, 0);
    assert_int_equal(c->otherwise, GW_OTHERWISE_ALLOW);
    assert_int_equal(c->openapi.oversize, GW_OVERSIZE_PASS);
    assert_int_equal(c->openapi.unknown_properties, GW_PROPERTIES_AS_SCHEMA);
    gwconf_free(c);
    gwconf_free(NULL);
}

static void test_a_struct_that_nobody_filled_grants_nothing(void **state)
{
    static const struct gwconf none;

    (void)state;
    assert_int_equal(none.methods, 0);
    assert_int_equal(none.limits.body, 0);
    assert_int_equal(none.otherwise, GW_OTHERWISE_DENY);
    assert_int_equal(none.openapi.oversize, GW_OVERSIZE_BLOCK);
    assert_int_equal(none.openapi.unknown_properties, GW_PROPERTIES_REFUSE);
}

static const char spec[] =
    "upstream: { url: 'https://payments.internal:8443/base', tls: { ca: ca.pem, client_cert: "
    "gw.pem, client_key: gw.key } }\n"
    "identity: { headers: true, assertion: true, audience: payments }\n"
    "oauth:\n"
    "  require: true\n"
    "  issuers: [ { iss: 'https://idp.example', jwks_uri: 'https://idp.example/jwks', aud: "
    "[payments], algs: [ES256, RS256, EdDSA] } ]\n"
    "  introspection: { url: 'https://idp.example/introspect', client_id: gw, secret_file: "
    "introspect.secret, cache: 30s }\n"
    "  bind: [subject, dpop]\n"
    "  scopes: from-openapi\n"
    "openapi: { file: payments.yaml, request: block, unknown_properties: as-schema }\n"
    "rate:\n"
    "  - { name: per-user, key: [user], rate: 50/s, burst: 100 }\n"
    "  - { name: login, match: { operation: login }, key: [device], rate: 10/m, burst: 5 }\n"
    "  - { name: export, match: { path: '/v1/export/**' }, key: [user, group], rate: 3/h, cost: "
    "response_mib }\n"
    "  - { name: open, key: user, in_flight: 4, mode: monitor }\n"
    "subject: { match: 'GET /me', pointer: /username }\n"
    "owner:\n"
    "  - { match: 'GET /v1/accounts/{id}', from: { response: /owner }, equals: '${user.email}', "
    "mode: block, except_groups: [support] }\n"
    "  - { match: 'PUT /v1/accounts/{id}', from: { preflight: 'GET /v1/accounts/{id}', pointer: "
    "/owner }, equals: '${token.https://x.example/id}' }\n"
    "  - { match: 'GET /v1/x/{user}', from: { path: user }, equals: '${app.subject}' }\n"
    "  - { match: 'GET /v1/y', from: { query: dept }, equals: '${user.department}' }\n"
    "input_rules: { mode: monitor, sqli: free-text, ssrf: [callback_url], path_traversal: block }\n"
    "detectors: { bola: off, credential: block, inventory: off, budget: [ { bytes: 1MiB } ] }\n"
    "retire: [ { match: '/v1/**', deprecated: 2026-06-01, sunset: 2026-12-31, successor: /v2, "
    "after: block } ]\n";

static void test_the_whole_example(void **state)
{
    struct gwconf *c = parse(spec);
    struct view host, path;
    uint16_t port;

    (void)state;
    assert_true(gwconf_upstream_at(c, &host, &port, &path));
    assert_true(view_is(host, "payments.internal") && view_is(path, "/base"));
    assert_int_equal(port, 8443);
    assert_true(c->upstream.https);
    assert_string_equal(c->upstream.client_key, "gw.key");
    assert_int_equal(c->oauth.bind, GW_BIND_SUBJECT | GW_BIND_DPOP);
    assert_int_equal(c->oauth.scopes, GW_SCOPES_FROM_OPENAPI);
    assert_int_equal(gwconf_issuer_at(c, 0)->algs, JWT_ES256 | JWT_RS256 | JWT_EDDSA);
    assert_string_equal(gwconf_issuer_at(c, 0)->aud.items[0], "payments");
    assert_int_equal(c->oauth.introspection.cache_ms, 30000);
    assert_int_equal(c->rates.count, 4);
    assert_int_equal(gwconf_rate_at(c, 0)->pace.interval_ns, 20000000);
    assert_int_equal(gwconf_rate_at(c, 0)->mode, GW_BLOCK);
    assert_int_equal(gwconf_rate_at(c, 1)->pace.interval_ns, 6000000000);
    assert_string_equal(gwconf_rate_at(c, 1)->match.operation, "login");
    assert_int_equal(gwconf_rate_at(c, 2)->burst, 3);
    assert_int_equal(gwconf_rate_at(c, 2)->cost, GW_COST_RESPONSE_MIB);
    assert_int_equal(gwconf_rate_at(c, 2)->key, GW_KEY_USER | GW_KEY_GROUP);
    assert_int_equal(gwconf_rate_at(c, 3)->in_flight, 4);
    assert_int_equal(gwconf_rate_at(c, 3)->pace.interval_ns, 0);
    assert_int_equal(gwconf_owner_at(c, 0)->from.source, GW_OWNER_RESPONSE);
    assert_int_equal(gwconf_owner_at(c, 0)->equals.kind, GW_VALUE_USER_EMAIL);
    assert_int_equal(gwconf_owner_at(c, 1)->from.source, GW_OWNER_PREFLIGHT);
    assert_string_equal(gwconf_owner_at(c, 1)->from.where, "/owner");
    assert_string_equal(gwconf_owner_at(c, 1)->equals.name, "https://x.example/id");
    assert_int_equal(gwconf_owner_at(c, 1)->mode, GW_MONITOR);
    assert_int_equal(gwconf_owner_at(c, 2)->equals.kind, GW_VALUE_APP_SUBJECT);
    assert_string_equal(gwconf_owner_at(c, 3)->equals.name, "department");
    assert_int_equal(c->detectors.bola, GW_OFF);
    assert_int_equal(c->detectors.credential, GW_BLOCK);
    assert_int_equal(gwconf_budget_at(c, 0)->window_ms, 3600000);
    assert_int_equal(gwconf_retire_at(c, 0)->deprecated_s, 1780272000);
    assert_int_equal(gwconf_retire_at(c, 0)->sunset_s, 1798675200);
    gwconf_free(c);
}

/* Each mistake has its place and says what would be right. */
static void test_each_mistake_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"frontnd: tls\n", "gateway:1:1: frontnd: there is no such setting; did you mean \"front"},
        {"frontend: tls\n", "gateway:1:1: frontend: frontend tls needs tls.cert"},
        {"http2: maybe\n", "expected on or off"},
        {"http2: on\ngrpc: on\n", "gateway:2:1: grpc: gRPC needs http2 and upstream.http2"},
        {"methods: []\n", "gateway:1:1: methods: array was found; expected a list of GET"},
        {"methods: [GET, GET]\n", "a second time"},
        {"methods: [TRACE]\n", "\"TRACE\" is not right"},
        {"upstream:\n  url: ftp://x\n", "gateway:2:3: upstream.url: \"ftp://x\""},
        {"upstream:\n  url: https://u:p@x\n", "upstream.url"},
        {"upstream:\n  url: http://x\n  tls: { ca: ca.pem }\n", "gateway:3:3: upstream.tls: it is"},
        {"upstream:\n  url: https://x\n  tls: { client_cert: a }\n", "need each other"},
        {"upstream:\n  url: https://x\n  tls: { ca: ../a }\n", "gateway:3:10: upstream.tls.ca"},
        {"upstream:\n  url: https://x\n  tls: { ca: .a }\n", "gateway folder"},
        {"upstream:\n  url: https://x\n  tls: { pin: sha256/AAAA }\n", "upstream.tls.pin"},
        {"identity: { assertion: on }\n", "gateway:1:1: identity: an assertion needs its audience"},
        {"identity: { headers: off, signature: rfc9421 }\n",
         "gateway:1:1: identity: a signature covers sallyport-user: it needs headers: on"},
        {"oauth:\n  require: on\n", "gateway:2:3: oauth.require: no token could be verified"},
        {"oauth:\n  issuers: [ { iss: x, aud: [a], algs: [ES256] } ]\n",
         "gateway:2:14: oauth.issuers[0]: an issuer needs jwks_uri or jwks_file"},
        {"oauth:\n  issuers: [ { iss: x, jwks_file: k, aud: [], algs: [ES256] } ]\n",
         "oauth.issuers[0].aud: at least one audience"},
        {"oauth:\n  issuers: [ { iss: x, jwks_file: k, aud: [a], algs: [HS256] } ]\n",
         "\"HS256\" is not right; expected a list of ES256"},
        {"oauth:\n  issuers: [ { iss: x, jwks_file: k, aud: [a], algs: [] } ]\n", "algs"},
        {"oauth:\n  issuers: [ { iss: x, jwks_file: k, aud: [a] } ]\n", "algs: it is missing"},
        {"oauth:\n  issuers: [ { iss: x, jwks_uri: 'http://idp.example/k', aud: [a], algs: [ES256] "
         "} ]\n",
         "http to a loopback address only"},
        {"oauth:\n  issuers:\n    - { iss: x, jwks_file: k, aud: [a], algs: [ES256] }\n    - { "
         "iss: "
         "x, jwks_file: l, aud: [a], algs: [ES256] }\n",
         "gateway:2:3: oauth.issuers: \"x\" stands here twice"},
        {"oauth:\n  introspection: { client_id: a }\n", "introspection needs a url"},
        {"oauth:\n  introspection: { url: 'https://x' }\n", "needs client_id and secret_file"},
        {"oauth:\n  introspection: { url: 'https://x', client_id: a, secret_file: s, cache: 61s "
         "}\n",
         "outside 0 to 60000 ms"},
        {"oauth: { bind: [none, dpop] }\n", "\"none\" is not right"},
        {"oauth: { scopes: from-openapi }\n", "needs openapi.file"},
        {"methods: [GET]\ninput_rules: { mode: block, path_traversal: block }\n",
         "gateway:2:1: input_rules: mode is that of sqli, xss, ssrf and ssrf_urls"},
        {"rate: [ { name: a, key: [user] } ]\n", "gateway:1:9: rate[0]: a limit needs rate or in_"},
        {"rate: [ { name: a, key: [user], rate: 5/s, in_flight: 2 } ]\n", "and not both"},
        {"rate: [ { name: a, key: [], rate: 5/s } ]\n", "rate[0].key"},
        {"rate: [ { name: a, key: [usr], rate: 5/s } ]\n", "\"usr\" is not right"},
        {"rate: [ { name: a, key: [user], rate: 0/s } ]\n",
         "\"0/s\" is not right; expected a pace"},
        {"rate: [ { name: a, key: [user], rate: 5 } ]\n", "integer was found; expected a pace"},
        {"rate: [ { name: a, key: [user], rate: 5/w } ]\n", "expected a pace"},
        {"rate: [ { name: a, key: [user], rate: 1000000001/s } ]\n", "expected a pace"},
        {"rate: [ { name: a, key: [user], rate: 1000001/s } ]\n", "at most a million"},
        {"rate: [ { name: a, key: [user], rate: 1/2d } ]\n", "expected a pace"},
        {"rate: [ { name: a, key: [user], rate: 1/d, burst: 1000000 } ]\n", "70 years"},
        {"rate: [ { name: 'a b', key: [user], rate: 1/s } ]\n", "rate[0].name"},
        {"rate: [ { name: a, key: user, rate: 1/s }, { name: a, key: app, rate: 1/s } ]\n",
         "gateway:1:1: rate: two limits have the same name"},
        {"rate: [ { name: a, key: [user], in_flight: 2, cost: weight } ]\n", "burst and cost"},
        {"rate: [ { name: a, match: 'GET', key: [user], rate: 1/s } ]\n", "rate[0].match"},
        {"rate: [ { name: a, match: {operation: x}, key: [user], rate: 1/s } ]\n",
         "there is no document"},
        {"subject: { pointer: /x }\n", "match and pointer need each other"},
        {"owner: [ { match: /a, from: { response: /x, path: y }, equals: '${user.email}' } ]\n",
         "gateway:1:23: owner[0].from: expected exactly one"},
        {"owner: [ { match: /a, equals: '${user.email}' } ]\n", "exactly one of response"},
        {"owner: [ { match: /a, from: { response: x }, equals: '${user.email}' } ]\n", "RFC 6901"},
        {"owner: [ { match: /a, from: { response: /x~2 }, equals: '${user.email}' } ]\n",
         "RFC 6901"},
        {"owner: [ { match: /a, from: { response: /x }, equals: 'user.email' } ]\n",
         "${user.email}"},
        {"owner: [ { match: /a, from: { response: /x }, equals: '${token.}' } ]\n",
         "${token.CLAIM}"},
        {"owner: [ { match: /a, from: { preflight: 'POST /a', pointer: /x }, equals: '${user.id}' "
         "} "
         "]\n",
         "without stars"},
        {"owner: [ { match: /a, from: { preflight: 'GET /a/*', pointer: /x }, equals: '${user.id}' "
         "} ]\n",
         "without stars"},
        {"owner: [ { match: /a, from: { preflight: 'GET /a' }, equals: '${user.id}' } ]\n",
         "preflight and pointer"},
        {"owner: [ { match: '/a/{id}', from: { preflight: 'GET /b/{other}', pointer: /x }, equals: "
         "'${user.id}' } ]\n",
         "match has no {other} for the preflight"},
        {"owner: [ { match: /a, from: { response: /x }, equals: '${app.subject}' } ]\n",
         "needs subject"},
        {"input_rules: { mode: blok }\n", "expected one of off, monitor, block"},
        {"input_rules: { ssrf: callback }\n", "string was found; expected a list"},
        {"detectors: { bola: on }\n", "expected one of off, monitor, block"},
        {"detectors: { budget: [ { window: 1h } ] }\n", "a budget needs bytes or records"},
        {"retire: [ { match: /v1 } ]\n", "expected deprecated, sunset or both"},
        {"retire: [ { match: /v1, deprecated: 2026-02-30 } ]\n", "a day that exists"},
        {"retire: [ { match: /v1, deprecated: 2026-2-3 } ]\n", "a date such as"},
        {"retire: [ { match: /v1, deprecated: 2027-01-01, sunset: 2026-01-01 } ]\n", "RFC 9745"},
        {"retire: [ { match: /v1, deprecated: 2026-01-01, after: block } ]\n", "needs a sunset"},
        {"retire: [ { match: /v1, sunset: 2026-01-01, successor: '/v2>' } ]\n", "such as /v2"},
        {"limits: { body: 1KiB, inspect: 1MiB }\n", "gateway:1:1: limits: inspect is above body"},
        {"limits: { headers: 257 }\n", "outside 1 to 256"},
        {"openapi: { status: 401 }\n", "expected 400 or 422"},
        {"cors_origins: ['https://x/y']\n", "an origin such as"},
        {"- a\n", "names and values were expected"},
        {"a: 1\na: 2\n", "gateway:2:1: \"a\" stands here a second time"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sp_why why = {{0}, {0}, 0, 0};
        struct gwconf *c = NULL;
        sp_error e = gwconf_parse(view_str(cases[i].text), &why, &c);

        if (e == SP_OK || c != NULL || strstr(why.text, cases[i].says) == NULL)
            fail_msg("%s\n-> %s", cases[i].text, why.text);
    }
}

static void test_limits_of_text_and_lists(void **state)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct gwconf *c = NULL;
    struct buf text;

    (void)state;
    buf_init(&text, 4 * GWCONF_MAX);
    buf_add_str(&text, "retire:\n");
    for (size_t i = 0; i < GWCONF_RULES_MAX; i++)
        buf_add_str(&text, "- {match: /v1, sunset: 2026-01-01}\n");
    assert_int_equal(gwconf_parse(buf_view(&text), &why, &c), SP_OK);
    gwconf_free(c);
    c = NULL;
    buf_add_str(&text, "- {match: /v1, sunset: 2026-01-01}\n");
    assert_int_equal(gwconf_parse(buf_view(&text), &why, &c), SP_ERR_INVALID);
    assert_non_null(strstr(why.text, "at most 64 items"));
    while (text.len < GWCONF_MAX)
        buf_add_byte(&text, '#');
    buf_add_byte(&text, '#');
    assert_int_equal(gwconf_parse(buf_view(&text), &why, &c), SP_ERR_LIMIT);
    assert_null(c);
    buf_deinit(&text);
}

static void test_json_is_yaml_too(void **state)
{
    struct gwconf *c = parse("{\"frontend\":\"tls\",\"tls\":{\"cert\":\"a\",\"key\":\"b\"},"
                             "\"http2\":true,\"grpc\":\"on\",\"upstream\":{\"http2\":true}}");
    (void)state;
    assert_true(c->http2 && c->grpc && c->upstream.http2 && c->frontend == GW_FRONTEND_TLS);
    assert_string_equal(c->tls.key, "b");
    gwconf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_gateway_has_every_default),
        cmocka_unit_test(test_a_struct_that_nobody_filled_grants_nothing),
        cmocka_unit_test(test_the_whole_example),
        cmocka_unit_test(test_each_mistake_is_told_with_its_place),
        cmocka_unit_test(test_limits_of_text_and_lists),
        cmocka_unit_test(test_json_is_yaml_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
