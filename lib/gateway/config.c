#include "lib/gateway/config.h"

#include "lib/base/num.h"
#include "lib/gateway/values.h"
#include "lib/http/url.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { KIB = 1024, MIB = 1024 * KIB, DAY_MS = 24 * 3600 * 1000 };

static const char *const modes[] = {"off", "monitor", "block", NULL};

/* Rows of the tables below. F: name, kind, struct, member. */
#define F(n, k, s, m) .name = (n), .kind = (k), .at = offsetof(struct gwconf_##s, m)
#define STR(n, s, m, c) F(n, CONFIG_STRING, s, m), .min = 1, .check = (c)
#define LIST(n, s, m, c) F(n, CONFIG_STRINGS, s, m), .min = 1, .max = 255, .check = (c)
#define MODE(n, s, m, p) F(n, CONFIG_WORD, s, m), .words = modes, .preset = (p)
#define WORD(n, s, m, w) F(n, CONFIG_WORD, s, m), .words = (w)
#define SWITCH(n, s, m, p) F(n, CONFIG_OWN, s, m), .read = values_switch, .preset = (p)
#define OWN(n, s, m, r) F(n, CONFIG_OWN, s, m), .read = (r)
#define TIME(n, s, m, p, lo, hi) \
    F(n, CONFIG_DURATION, s, m), .preset = (p), .min = (lo), .max = (hi)
#define SIZE(n, s, m, p, lo, hi) F(n, CONFIG_SIZE, s, m), .preset = (p), .min = (lo), .max = (hi)
#define INT(n, s, m, p, lo, hi) F(n, CONFIG_INT, s, m), .preset = (p), .min = (lo), .max = (hi)

static const struct config_field upstream_tls_fields[] = {
    {STR("ca", upstream, ca, values_file)},
    {STR("client_cert", upstream, client_cert, values_file)},
    {STR("client_key", upstream, client_key, values_file)},
    {STR("pin", upstream, pin, values_pin)},
    {STR("server_name", upstream, server_name, values_domain)},
    {0},
};

static const struct config_field upstream_fields[] = {
    {STR("url", upstream, url, values_upstream)},
    {.name = "tls", .kind = CONFIG_BLOCK, .fields = upstream_tls_fields}, /* the same struct */
    {STR("host", upstream, host, values_text), .max = 255},
    {SWITCH("http2", upstream, http2, "off")},
    {TIME("connect_time", upstream, connect_ms, "5s", 100, 60000)},
    {TIME("idle_time", upstream, idle_ms, "30s", 0, 600000)},
    {INT("connections", upstream, connections, "32", 1, 1024)},
    {0},
};

static sp_error upstream_done(void *block, struct sp_why *why)
{
    struct gwconf_upstream *u = block;

    u->https = u->url != NULL && u->url[4] == 's'; /* the URL was checked: http or https */
    if (!u->https && (u->ca != NULL || u->pin != NULL || u->client_cert != NULL ||
                      u->client_key != NULL || u->server_name != NULL)) {
        sp_why_field(why, "tls");
        return sp_why_say(why, SP_ERR_INVALID, "it is for a url that begins with https://");
    }
    if ((u->client_cert == NULL) != (u->client_key == NULL)) {
        sp_why_field(why, "tls");
        return sp_why_say(why, SP_ERR_INVALID, "client_cert and client_key need each other");
    }
    return SP_OK;
}

static const char *const signature_words[] = {"none", "rfc9421", NULL};
static const char *const forward_words[] = {"unchanged", "bearer", NULL};
static const struct config_field identity_fields[] = {
    {SWITCH("headers", identity, headers, "on")},
    {SWITCH("assertion", identity, assertion, "off")},
    {STR("audience", identity, audience, values_text), .max = 255},
    {WORD("signature", identity, signature, signature_words)},
    {WORD("forward", identity, forward, forward_words)},
    {0},
};

static sp_error identity_done(void *block, struct sp_why *why)
{
    struct gwconf_identity *i = block;

    if (i->assertion && i->audience == NULL)
        return sp_why_say(why, SP_ERR_INVALID, "an assertion needs its audience");
    if (i->signature == GW_SIGNATURE_RFC9421 && !i->headers)
        return sp_why_say(why, SP_ERR_INVALID,
                          "a signature covers sallyport-user: it needs headers: on");
    return SP_OK;
}

static const struct config_field issuer_fields[] = {
    {STR("iss", issuer, iss, values_text), .required = true, .max = 1024},
    {STR("jwks_uri", issuer, jwks_uri, values_https), .max = 1024},
    {STR("jwks_file", issuer, jwks_file, values_file)},
    {LIST("aud", issuer, aud, values_text), .required = true},
    {OWN("algs", issuer, algs, values_algs), .required = true,
     .expected = "a list of ES256, EdDSA, RS256, PS256"},
    {0},
};

static sp_error issuer_done(void *block, struct sp_why *why)
{
    struct gwconf_issuer *i = block;

    if ((i->jwks_uri == NULL) == (i->jwks_file == NULL))
        return sp_why_say(why, SP_ERR_INVALID,
                          "an issuer needs jwks_uri or jwks_file, and not both");
    if (i->aud.count == 0) {
        sp_why_field(why, "aud");
        return sp_why_say(why, SP_ERR_INVALID, "at least one audience");
    }
    return SP_OK;
}

static const struct config_field introspection_fields[] = {
    {STR("url", introspection, url, values_https), .max = 1024},
    {STR("client_id", introspection, client_id, values_text), .max = 255},
    {STR("secret_file", introspection, secret_file, values_file)},
    {STR("iss", introspection, iss, values_text), .max = 1024},
    {LIST("aud", introspection, aud, values_text)},
    {TIME("cache", introspection, cache_ms, "30s", 0, 60000)},
    {0},
};

static sp_error introspection_done(void *block, struct sp_why *why)
{
    struct gwconf_introspection *i = block;
    bool rest = i->client_id != NULL || i->secret_file != NULL || i->iss != NULL;

    if (i->url == NULL && (rest || i->aud.count > 0))
        return sp_why_say(why, SP_ERR_INVALID, "introspection needs a url");
    if (i->url != NULL && (i->client_id == NULL || i->secret_file == NULL))
        return sp_why_say(why, SP_ERR_INVALID, "introspection needs client_id and secret_file");
    return SP_OK;
}

static const char *const scopes_words[] = {"none", "from-openapi", "explicit", NULL};
static const struct config_field oauth_fields[] = {
    {SWITCH("require", oauth, require, "off")},
    {F("issuers", CONFIG_BLOCKS, oauth, issuers), .fields = issuer_fields,
     .size = sizeof(struct gwconf_issuer), .max = GWCONF_ISSUERS_MAX, .done = issuer_done},
    {F("introspection", CONFIG_BLOCK, oauth, introspection), .fields = introspection_fields,
     .done = introspection_done},
    {OWN("bind", oauth, bind, values_bind), .preset = "subject"},
    {WORD("scopes", oauth, scopes, scopes_words)},
    {SWITCH("dpop_nonce", oauth, dpop_nonce, "off")},
    {STR("realm", oauth, realm, values_text), .max = 64},
    {0},
};

static sp_error oauth_done(void *block, struct sp_why *why)
{
    struct gwconf_oauth *o = block;
    const struct gwconf_issuer *issuers = o->issuers.items;

    if (o->require && o->issuers.count == 0 && o->introspection.url == NULL) {
        sp_why_field(why, "require");
        return sp_why_say(why, SP_ERR_INVALID,
                          "no token could be verified: expected issuers or "
                          "introspection");
    }
    for (size_t i = 0; i < o->issuers.count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(issuers[i].iss, issuers[k].iss) != 0)
                continue;
            sp_why_field(why, "issuers");
            return sp_why_say(why, SP_ERR_INVALID, "\"%s\" stands here twice", issuers[i].iss);
        }
    }
    return SP_OK;
}

static const char *const need_words[] = {"required", "optional", NULL};
static const struct config_field operation_fields[] = {
    {OWN("match", operation, match, gwmatch_read), .required = true,
     .expected = "one such as \"GET /v1/accounts/{id}\""},
    {LIST("groups", operation, groups, values_text)},
    {LIST("scopes", operation, scopes, values_text)},
    {TIME("step_up", operation, step_up_ms, NULL, 1000, DAY_MS)},
    {INT("weight", operation, weight, "1", 1, 1000000)},
    {SWITCH("deny", operation, deny, "off")},
    {SWITCH("login", operation, login, "off")},
    {STR("account", operation, account, values_pointer), .max = 255},
    {STR("password", operation, password, values_pointer), .max = 255},
    {SWITCH("sensitive", operation, sensitive, "off")},
    {WORD("token", operation, token, need_words)},
    {0},
};

static sp_error status_check(struct view v, struct sp_why *why)
{
    return view_is(v, "400") || view_is(v, "422")
               ? SP_OK
               : sp_why_say(why, SP_ERR_INVALID, "%.*s is not right; expected 400 or 422",
                            VIEW_ARG(v));
}

static const char *const properties_words[] = {"refuse", "as-schema", NULL};
static const char *const oversize_words[] = {"block", "pass", NULL};
static const struct config_field openapi_fields[] = {
    {STR("file", openapi, file, values_file)},
    {OWN("document", openapi, document, values_document), .expected = "sha256: and 64 hex digits"},
    {MODE("request", openapi, request, "monitor")},
    {MODE("response", openapi, response, "monitor")},
    {MODE("unknown_endpoint", openapi, unknown_endpoint, "monitor")},
    {WORD("unknown_properties", openapi, unknown_properties, properties_words),
     .preset = "as-schema"},
    {WORD("oversize", openapi, oversize, oversize_words), .preset = "pass"},
    {INT("status", openapi, status, "400", 400, 422), .check = status_check},
    {SWITCH("formats", openapi, formats, "on")},
    {0},
};

static const struct config_field limits_fields[] = {
    {SIZE("body", limits, body, "10MiB", 0, INT64_MAX)},
    {SIZE("inspect", limits, inspect, "1MiB", 0, 16 * MIB)},
    {SIZE("header_block", limits, header_block, "64KiB", KIB, 256 * KIB)},
    {SIZE("line", limits, line, "8KiB", 256, 64 * KIB)},
    {INT("headers", limits, headers, "100", 1, 256)},
    {TIME("request_time", limits, request_ms, "60s", 1000, DAY_MS)},
    {TIME("header_time", limits, header_ms, "10s", 100, 600000)},
    {TIME("idle_time", limits, idle_ms, "60s", 1000, DAY_MS)},
    {TIME("response_time", limits, response_ms, "60s", 100, DAY_MS)},
    {SIZE("body_rate", limits, body_rate, "256", 0, 64 * MIB)},
    {INT("streams_per_user", limits, streams_per_user, "100", 1, 65536)},
    {SIZE("state", limits, state, "16MiB", MIB, 256 * MIB)},
    {0},
};

static const char *const cost_words[] = {"one", "response_mib", "weight", NULL};
static const struct config_field rate_fields[] = {
    {STR("name", rate, name, values_name), .required = true, .max = GWCONF_NAME_MAX},
    {OWN("match", rate, match, gwmatch_read)},
    {OWN("key", rate, key, values_keys), .required = true,
     .expected = "a list of user, device, app, operation, source, group, token_client"},
    {OWN("rate", rate, pace, values_pace)},
    {INT("burst", rate, burst, NULL, 1, 1000000)},
    {INT("in_flight", rate, in_flight, NULL, 1, 65536)},
    {WORD("cost", rate, cost, cost_words)},
    {MODE("mode", rate, mode, "block")},
    {0},
};

static sp_error rate_done(void *block, struct sp_why *why)
{
    struct gwconf_rate *r = block;

    if ((r->pace.interval_ns == 0) == (r->in_flight == 0))
        return sp_why_say(why, SP_ERR_INVALID, "a limit needs rate or in_flight, and not both");
    if (r->in_flight > 0 && (r->burst > 0 || r->cost != GW_COST_ONE))
        return sp_why_say(why, SP_ERR_INVALID, "burst and cost are for a limit with rate");
    if (r->pace.interval_ns > 0 && r->burst == 0)
        r->burst = num_min(r->pace.count, 1000000);
    /* The whole burst as time must be a number: 1,000,000 × one a day does not fit in 64 bits. */
    if (r->burst > 0 && r->pace.interval_ns > INT64_MAX / 4 / r->burst) {
        sp_why_field(why, "burst");
        return sp_why_say(why, SP_ERR_INVALID, "%lld of this pace take more than 70 years",
                          (long long)r->burst);
    }
    return SP_OK;
}

static const struct config_field subject_fields[] = {
    {OWN("match", subject, match, gwmatch_read)},
    {STR("pointer", subject, pointer, values_pointer), .max = 255},
    {0},
};

static sp_error subject_done(void *block, struct sp_why *why)
{
    struct gwconf_subject *s = block;

    if (gwmatch_is_set(&s->match) != (s->pointer != NULL))
        return sp_why_say(why, SP_ERR_INVALID, "match and pointer need each other");
    return SP_OK;
}

static sp_error preflight_check(struct view v, struct sp_why *why)
{
    struct gwmatch m;
    sp_error e = gwmatch_parse(v, why, &m);

    if (e == SP_OK && (!view_is(view_slice(v, 0, 4), "GET ") || m.open ||
                       memchr(m.path, '*', strlen(m.path)) != NULL))
        e = sp_why_say(why, SP_ERR_INVALID,
                       "expected one such as \"GET /v1/accounts/{id}\", without stars");
    return e == SP_ERR_LIMIT ? SP_ERR_INVALID : e;
}

static const struct config_field owner_from_fields[] = {
    {STR("response", owner_from, response, values_pointer), .max = 255},
    {STR("path", owner_from, path, values_text), .max = 255},
    {STR("query", owner_from, query, values_text), .max = 255},
    {STR("body", owner_from, body, values_pointer), .max = 255},
    {STR("preflight", owner_from, preflight, preflight_check)},
    {STR("pointer", owner_from, pointer, values_pointer), .max = 255},
    {0},
};

static sp_error owner_from_done(void *block, struct sp_why *why)
{
    struct gwconf_owner_from *f = block;
    const struct {
        enum gw_owner_source source;
        const char *text;
    } each[] = {{GW_OWNER_RESPONSE, f->response},
                {GW_OWNER_PATH, f->path},
                {GW_OWNER_QUERY, f->query},
                {GW_OWNER_BODY, f->body},
                {GW_OWNER_PREFLIGHT, f->preflight}};
    size_t found = 0;

    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        if (each[i].text == NULL)
            continue;
        found++;
        f->source = (int)each[i].source;
        f->where = each[i].text;
    }
    if (found != 1)
        return sp_why_say(why, SP_ERR_INVALID,
                          "expected exactly one of response, path, query, body, preflight");
    if ((f->preflight != NULL) != (f->pointer != NULL))
        return sp_why_say(why, SP_ERR_INVALID, "preflight and pointer need each other");
    if (f->preflight == NULL)
        return SP_OK;
    f->where = f->pointer;
    return gwmatch_parse(view_str(f->preflight), why, &f->asked); /* preflight_check() took it */
}

/* A preflight takes its values from the request: a name that the request can't have is a mistake.
 * Where match names an operation of the document, only the document knows. */
static sp_error owner_done(void *block, struct sp_why *why)
{
    const struct gwconf_owner *o = block;
    const struct gwmatch *asked = &o->from.asked;

    for (size_t i = 0; i < asked->segment_count && o->match.path[0] != '\0'; i++) {
        struct view name = gwmatch_name(view_str(asked->path), i);
        size_t k = 0;
        while (k < o->match.segment_count &&
               !view_equal(gwmatch_name(view_str(o->match.path), k), name))
            k++;
        if (name.len > 0 && k == o->match.segment_count)
            return sp_why_say(why, SP_ERR_INVALID, "match has no {%.*s} for the preflight",
                              VIEW_ARG(name));
    }
    return SP_OK;
}

static const struct config_field owner_fields[] = {
    {OWN("match", owner, match, gwmatch_read), .required = true,
     .expected = "one such as \"GET /v1/accounts/{id}\""},
    {F("from", CONFIG_BLOCK, owner, from), .fields = owner_from_fields, .done = owner_from_done},
    {OWN("equals", owner, equals, values_equals), .required = true,
     .expected = "one such as ${user.email}"},
    {MODE("mode", owner, mode, "monitor")},
    {LIST("except_groups", owner, except_groups, values_text)},
    {0},
};

static const char *const text_words[] = {"off", "free-text", NULL};
static const struct config_field input_fields[] = {
    {MODE("mode", input, mode, "monitor")},
    {WORD("sqli", input, sqli, text_words)},
    {WORD("xss", input, xss, text_words)},
    {LIST("ssrf", input, ssrf, values_text)},
    {SWITCH("ssrf_urls", input, ssrf_urls, "off")},
    {LIST("deny_hosts", input, deny_hosts, values_domain)},
    {MODE("path_traversal", input, path_traversal, "monitor")},
    {MODE("header_injection", input, header_injection, "monitor")},
    {0},
};

static const struct config_field budget_fields[] = {
    {OWN("match", budget, match, gwmatch_read)},
    {SIZE("bytes", budget, bytes, NULL, 1, INT64_MAX)},
    {INT("records", budget, records, NULL, 1, INT64_MAX)},
    {TIME("window", budget, window_ms, "1h", 60000, DAY_MS)},
    {MODE("mode", budget, mode, "monitor")},
    {0},
};

static sp_error budget_done(void *block, struct sp_why *why)
{
    struct gwconf_budget *b = block;

    return b->bytes > 0 || b->records > 0
               ? SP_OK
               : sp_why_say(why, SP_ERR_INVALID, "a budget needs bytes or records");
}

static const struct config_field detector_fields[] = {
    {MODE("bola", detectors, bola, "monitor")},
    {MODE("enumeration", detectors, enumeration, "monitor")},
    {MODE("pollution", detectors, pollution, "monitor")},
    {MODE("credential", detectors, credential, "monitor")},
    {MODE("exfiltration", detectors, exfiltration, "monitor")},
    {MODE("exposure", detectors, exposure, "monitor")},
    {MODE("function", detectors, function, "monitor")},
    {MODE("flow", detectors, flow, "monitor")},
    {MODE("scanner", detectors, scanner, "monitor")},
    {SWITCH("inventory", detectors, inventory, "on")},
    {TIME("learning", detectors, learning_ms, "7d", 0, 90LL * DAY_MS)},
    {F("budget", CONFIG_BLOCKS, detectors, budgets), .fields = budget_fields,
     .size = sizeof(struct gwconf_budget), .max = GWCONF_RULES_MAX, .done = budget_done},
    {0},
};

/* What a Link header can carry: a path of the app, or a URL. */
static sp_error successor_check(struct view v, struct sp_why *why)
{
    struct url u;

    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] <= ' ' || v.at[i] >= 0x7f || strchr("<>\"\\", v.at[i]) != NULL)
            return sp_why_say(why, SP_ERR_INVALID, "expected a path such as /v2, or a URL");
    }
    if (v.at[0] != '/' && url_parse(v, &u) != SP_OK)
        return sp_why_say(why, SP_ERR_INVALID, "expected a path such as /v2, or a URL");
    return SP_OK;
}

static const struct config_field retire_fields[] = {
    {OWN("match", retire, match, gwmatch_read), .required = true,
     .expected = "one such as /v1 with two stars behind it"},
    {OWN("deprecated", retire, deprecated_s, values_date)},
    {OWN("sunset", retire, sunset_s, values_date)},
    {STR("successor", retire, successor, successor_check), .max = 1024},
    {MODE("after", retire, after, "monitor")},
    {0},
};

static sp_error retire_done(void *block, struct sp_why *why)
{
    struct gwconf_retire *r = block;

    if (r->deprecated_s == 0 && r->sunset_s == 0)
        return sp_why_say(why, SP_ERR_INVALID, "expected deprecated, sunset or both");
    if (r->sunset_s != 0 && r->deprecated_s > r->sunset_s)
        return sp_why_say(why, SP_ERR_INVALID, "sunset is before deprecated (RFC 9745 section 4)");
    if (r->after == GW_BLOCK && r->sunset_s == 0)
        return sp_why_say(why, SP_ERR_INVALID, "\"after: block\" needs a sunset");
    return SP_OK;
}

static const struct config_field frontend_tls_fields[] = {
    {STR("cert", frontend_tls, cert, values_file)},
    {STR("key", frontend_tls, key, values_file)},
    {0},
};

#define TOP(n, k, m) .name = (n), .kind = (k), .at = offsetof(struct gwconf, m)
#define TOP_SWITCH(n, m) TOP(n, CONFIG_OWN, m), .read = values_switch
#define TOP_BLOCK(n, m, f, d) TOP(n, CONFIG_BLOCK, m), .fields = (f), .done = (d)
#define TOP_BLOCKS(n, m, f, d, t)                                                   \
    TOP(n, CONFIG_BLOCKS, m), .fields = (f), .done = (d), .size = sizeof(struct t), \
                              .max = GWCONF_RULES_MAX

static const char *const frontend_words[] = {"plain", "tls", NULL};
static const char *const otherwise_words[] = {"deny", "allow", NULL};
static const char *const audit_words[] = {"minute", NULL}; /* none alone: see docs/gateway.md */
static const struct config_field fields[] = {
    {TOP("frontend", CONFIG_WORD, frontend), .words = frontend_words},
    {TOP_BLOCK("tls", tls, frontend_tls_fields, NULL)},
    {TOP_SWITCH("http2", http2)},
    {TOP_SWITCH("grpc", grpc)},
    {TOP_SWITCH("websocket", websocket)},
    {TOP_SWITCH("allow_encoded_slash", allow_encoded_slash)},
    {TOP("methods", CONFIG_OWN, methods), .read = values_methods, .preset = "any"},
    {TOP("otherwise", CONFIG_WORD, otherwise), .words = otherwise_words, .preset = "allow"},
    {TOP("cors_origins", CONFIG_STRINGS, cors_origins), .min = 1, .max = 255,
     .check = values_origin},
    {TOP_BLOCK("upstream", upstream, upstream_fields, upstream_done)},
    {TOP_BLOCK("identity", identity, identity_fields, identity_done)},
    {TOP_BLOCK("oauth", oauth, oauth_fields, oauth_done)},
    {TOP_BLOCKS("operations", operations, operation_fields, NULL, gwconf_operation)},
    {TOP_BLOCK("openapi", openapi, openapi_fields, NULL)},
    {TOP_BLOCK("limits", limits, limits_fields, NULL)},
    {TOP_BLOCKS("rate", rates, rate_fields, rate_done, gwconf_rate)},
    {TOP_BLOCK("subject", subject, subject_fields, subject_done)},
    {TOP_BLOCKS("owner", owners, owner_fields, owner_done, gwconf_owner)},
    {TOP_BLOCK("input_rules", input, input_fields, NULL)},
    {TOP_BLOCK("detectors", detectors, detector_fields, NULL)},
    {TOP_BLOCKS("retire", retired, retire_fields, retire_done, gwconf_retire)},
    {TOP("split", CONFIG_STRINGS, split), .min = 1, .max = 512, .check = values_below},
    {TOP("audit", CONFIG_WORD, audit), .words = audit_words},
    {0},
};

static sp_error refuse_at(struct sp_why *why, const char *field, const char *text)
{
    sp_why_field(why, "%s", field);
    return sp_why_say(why, SP_ERR_INVALID, "%s", text);
}

/* A rule for one operation of a document needs the document. */
static sp_error operations_known(const struct gwconf *c, struct sp_why *why)
{
    bool named = c->subject.match.operation[0] != '\0';

    for (size_t i = 0; i < c->rates.count; i++)
        named = named || gwconf_rate_at(c, i)->match.operation[0] != '\0';
    for (size_t i = 0; i < c->owners.count; i++)
        named = named || gwconf_owner_at(c, i)->match.operation[0] != '\0';
    for (size_t i = 0; i < c->operations.count; i++)
        named = named || gwconf_operation_at(c, i)->match.operation[0] != '\0';
    for (size_t i = 0; i < c->retired.count; i++)
        named = named || gwconf_retire_at(c, i)->match.operation[0] != '\0';
    for (size_t i = 0; i < c->detectors.budgets.count; i++)
        named = named || gwconf_budget_at(c, i)->match.operation[0] != '\0';
    if (!named || gwconf_has_document(c))
        return SP_OK;
    return refuse_at(why, "openapi",
                     "a rule names an operation, and there is no document (openapi.document) "
                     "that would say which one that is");
}

/* Who writes `mode: block` and nothing that it is the mode of would believe to be guarded. */
static bool decides_nothing(const struct gwconf_input *c)
{
    return c->mode == GW_BLOCK && c->sqli == GW_TEXT_OFF && c->xss == GW_TEXT_OFF &&
           c->ssrf.count == 0 && !c->ssrf_urls;
}

static sp_error all_done(void *block, struct sp_why *why)
{
    struct gwconf *c = block;
    bool app_subject = false;

    if ((c->frontend == GW_FRONTEND_TLS) != (c->tls.cert != NULL && c->tls.key != NULL))
        return refuse_at(why, "frontend", "frontend tls needs tls.cert and tls.key, and they it");
    if (c->grpc && !(c->http2 && c->upstream.http2))
        return refuse_at(why, "grpc", "gRPC needs http2 and upstream.http2");
    if (c->openapi.file != NULL && c->openapi.document.named)
        return refuse_at(why, "openapi", "file or document, and not both");
    if (c->limits.inspect > c->limits.body)
        return refuse_at(why, "limits", "inspect is above body");
    if (c->limits.line > c->limits.header_block)
        return refuse_at(why, "limits", "line is above header_block");
    if (c->oauth.scopes == GW_SCOPES_FROM_OPENAPI && !gwconf_has_document(c))
        return refuse_at(why, "oauth",
                         "scopes from-openapi needs openapi.file or openapi.document");
    if (decides_nothing(&c->input))
        return refuse_at(why, "input_rules",
                         "mode is that of sqli, xss, ssrf and ssrf_urls, and none of them is on");
    for (size_t i = 0; i < c->rates.count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(gwconf_rate_at(c, i)->name, gwconf_rate_at(c, k)->name) == 0)
                return refuse_at(why, "rate", "two limits have the same name");
        }
    }
    for (size_t i = 0; i < c->owners.count; i++)
        app_subject = app_subject || gwconf_owner_at(c, i)->equals.kind == GW_VALUE_APP_SUBJECT;
    if (app_subject && c->subject.pointer == NULL)
        return refuse_at(why, "owner", "${app.subject} needs subject: which answer names it");
    return operations_known(c, why);
}

sp_error gwconf_parse(struct view text, struct sp_why *why, struct gwconf **out)
{
    static const struct config_field root = {
        .kind = CONFIG_BLOCK, .fields = fields, .done = all_done};
    struct gwconf *c;
    sp_error e;

    if (text.len > GWCONF_MAX)
        return sp_why_say(why, SP_ERR_LIMIT, "gateway: %zu bytes; at most %d", text.len,
                          GWCONF_MAX);
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return SP_ERR_NOMEM;
    if ((e = config_read_block(text, "gateway", &root, c, why)) != SP_OK) {
        gwconf_free(c);
        return e;
    }
    *out = c;
    return SP_OK;
}

void gwconf_free(struct gwconf *c)
{
    if (c == NULL)
        return;
    config_free(fields, c);
    free(c);
}

bool gwconf_upstream_at(const struct gwconf *c, struct view *host, uint16_t *port,
                        struct view *path)
{
    struct url u;

    if (c->upstream.url == NULL || url_parse(view_str(c->upstream.url), &u) != SP_OK)
        return false;
    *host = u.host;
    *port = u.port;
    *path = u.path.len > 1 ? u.path : (struct view){0};
    return true;
}
