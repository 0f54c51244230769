#include "connector/gateway/challenge.h"
#include "connector/gateway/guard_internal.h"
#include "lib/base/ascii.h"
#include "lib/schema/openapi.h"

#include "lib/crypto/secret.h"
#include "lib/tls/context.h"

#include <stdlib.h>

#include "lib/base/banned.h"

/*
 * Step 7: the access token of a request: found, known or found out, in time, the session's own,
 * wide enough. A step that has to wait parks and is asked again from its beginning; what it waited
 * for is then in the keyring or among the seen tokens.
 */

struct asking {
    struct guard *g;
    struct gw_exchange *x;
    struct guard_note *note;
    struct bearer bearer;
    struct hash name; /* of the token */
    sp_unix_ms now;
    sp_boot_ms boot;
    struct sp_why why;
};

static struct gw_words *words_of(const struct asking *a)
{
    return arena_take(a->x->request.arena, sizeof(struct gw_words));
}

static struct gw_verdict refuse(const struct asking *a, enum challenge_error error)
{
    return challenge(&a->g->conf->oauth, error, a->why.text, NULL, words_of(a));
}

static struct gw_verdict source_down(int64_t retry_ms)
{
    struct gw_verdict v = gw_refuse(GW_REASON_TOKEN_SOURCE_DOWN);

    v.retry_after_ms = retry_ms;
    return v;
}

static void on_woken(void *arg)
{
    struct gw_exchange *x = arg;

    x->parked = NULL;
    pipeline_resume(x);
}

static void on_forget(struct gw_exchange *x)
{
    struct guard_note *note = x->guard_note;

    x->parked = NULL;
    waiter_cancel(&note->waiter);
}

static struct gw_verdict park(struct asking *a)
{
    a->x->parked = a->note;
    a->x->forget = on_forget;
    return (struct gw_verdict){.outcome = GW_PARK};
}

/* Which issuer a JWT names; conf's count: none of ours. */
static size_t issuer_of(struct asking *a)
{
    const struct gwconf *c = a->g->conf;
    size_t i = c->oauth.issuers.count;
    struct buf iss;

    buf_init(&iss, 2048);
    if (jwt_unverified_issuer(a->bearer.token, &a->why, &iss) == SP_OK) {
        for (i = 0; i < c->oauth.issuers.count; i++) {
            if (view_is(buf_view(&iss), gwconf_issuer_at(c, i)->iss))
                break;
        }
        if (i == c->oauth.issuers.count)
            sp_ignore(sp_why_say(&a->why, SP_OK, "the token's issuer is not one of this API"));
    }
    buf_deinit(&iss);
    return i;
}

static void keep(struct asking *a, struct token *t)
{
    int64_t left = t->expires - a->now + GWCONF_TOKEN_SKEW_MS;

    if (left > SEEN_GOOD_MS)
        left = SEEN_GOOD_MS;
    seen_put(a->g->seen, &a->name, t, a->bearer.token.len, a->boot, a->boot + left);
    a->note->token = t; /* its first share is the request's */
}

/* A JWT of issuer `i`, not seen before. */
static struct gw_verdict find_out_jwt(struct asking *a, size_t i)
{
    const struct jwks *keys = NULL;
    struct token *t = NULL;
    sp_error e;

    switch (keyring_get(a->g->keyring, i, a->boot, &keys)) {
    case KEYRING_DOWN:
        return source_down(KEYRING_RETRY_MS);
    case KEYRING_COMING:
        keyring_wait(a->g->keyring, i, &a->note->waiter);
        return park(a);
    case KEYRING_HERE:
        break;
    }
    e = token_verify(a->bearer.token, keys, gwconf_issuer_at(a->g->conf, i), a->now, &a->why, &t);
    if (e == SP_ERR_NOT_FOUND && !a->note->asked_again) {
        a->note->asked_again = true;
        if (keyring_again(a->g->keyring, i, a->boot) == KEYRING_COMING) {
            keyring_wait(a->g->keyring, i, &a->note->waiter);
            return park(a);
        }
    }
    if (e == SP_ERR_NOMEM)
        return gw_refuse(GW_REASON_OVERLOAD);
    if (e != SP_OK)
        return refuse(a, CHALLENGE_INVALID_TOKEN);
    keep(a, t);
    return gw_pass();
}

/* Three parts: a JWT of an issuer of ours; everything else is a matter of introspection. */
static struct gw_verdict find_out(struct asking *a)
{
    size_t dots = 0, i = a->g->conf->oauth.issuers.count;

    for (size_t n = 0; n < a->bearer.token.len; n++)
        dots += a->bearer.token.at[n] == '.';
    if (dots == 2)
        i = issuer_of(a);
    else
        sp_ignore(sp_why_say(&a->why, SP_OK, "the token is not three parts joined by dots"));
    if (i < a->g->conf->oauth.issuers.count)
        return find_out_jwt(a, i);
    if (a->g->introspect == NULL)
        return refuse(a, CHALLENGE_INVALID_TOKEN);
    if (introspect_ask(a->g->introspect, a->bearer.token, &a->name, a->boot, &a->note->waiter) ==
        INTROSPECT_COMING)
        return park(a);
    return source_down(INTROSPECT_OPEN_MS);
}

/* Into note->token. */
static struct gw_verdict know(struct asking *a)
{
    struct token *t = NULL;

    a->name = hash_sha256(a->bearer.token);
    switch (seen_get(a->g->seen, &a->name, a->boot, &t)) {
    case SEEN_NOT:
        return find_out(a);
    case SEEN_BAD:
        sp_ignore(sp_why_say(&a->why, SP_OK, "the token is not active"));
        return refuse(a, CHALLENGE_INVALID_TOKEN);
    case SEEN_GOOD:
        break;
    }
    if (token_in_time(t, a->now, &a->why) != SP_OK)
        return refuse(a, CHALLENGE_INVALID_TOKEN);
    a->note->token = token_share(t);
    return gw_pass();
}

/* ---- bound to whom ------------------------------------------------------------------------ */

static bool same_email(struct view a, struct view b)
{
    return a.len > 0 && ascii_equal(a, b);
}

/* `sub` is a name of the provider's: the session's name, its id for this site, or, where the
 * token tells one, the e-mail address. */
static bool is_session_subject(const struct token *t, const struct gw_caller *c)
{
    struct view id = view_str(id_text(c->user).s);

    return (c->name.len > 0 && view_equal(t->subject, c->name)) || view_equal(t->subject, id) ||
           same_email(t->subject, c->email) || same_email(t->email, c->email);
}

static bool is_device_certificate(const struct token *t, const struct gw_caller *c)
{
    struct buf der;
    bool same = false;

    buf_init(&der, TLS_ENVELOPE_MAX);
    if (t->has_x5t && tls_envelope(&c->device, &der) == SP_OK) {
        struct hash h = hash_sha256(buf_view(&der));
        same = secret_equal(hash_view(&h), hash_view(&t->x5t));
    }
    buf_deinit(&der);
    return same;
}

static struct gw_verdict check_proof(struct asking *a)
{
    const struct gw_request *r = &a->x->request;
    const struct gwconf *c = a->g->conf;
    size_t count;
    struct view proof = gw_field_find(r->fields, r->field_count, "dpop", &count);
    struct dpop_expect want = {.method = r->method_text,
                               .scheme =
                                   view_str(c->frontend == GW_FRONTEND_TLS ? "https" : "http"),
                               .host = r->host,
                               .path = r->target.path,
                               .token = a->bearer.token,
                               .key = a->note->token->jkt,
                               .nonce = c->oauth.dpop_nonce,
                               .now = a->now,
                               .boot = a->boot};
    struct gw_verdict v;
    sp_error e;

    if (count != 1) {
        sp_ignore(sp_why_say(&a->why, SP_OK, "one DPoP field was expected, not %zu", count));
        return refuse(a, CHALLENGE_INVALID_PROOF);
    }
    if ((e = dpop_check(a->g->dpop, proof, &want, &a->why)) == SP_OK)
        return gw_pass();
    if (e == SP_ERR_FULL || e == SP_ERR_NOMEM)
        return gw_refuse(GW_REASON_OVERLOAD);
    v = refuse(a, e == SP_ERR_STEP_UP ? CHALLENGE_USE_NONCE : CHALLENGE_INVALID_PROOF);
    if (c->oauth.dpop_nonce && v.words != NULL)
        view_copy(v.words->dpop_nonce, sizeof v.words->dpop_nonce,
                  view_str(dpop_nonce(a->g->dpop, a->now).s));
    return v;
}

/* A token that is bound to a key is never good without its proof, whatever is configured. */
static struct gw_verdict check_binding(struct asking *a)
{
    const struct token *t = a->note->token;
    unsigned bind = a->g->conf->oauth.bind;

    if ((bind & GW_BIND_SUBJECT) != 0 && !is_session_subject(t, a->x->caller))
        return gw_refuse(GW_REASON_TOKEN_SUBJECT);
    if ((bind & GW_BIND_MTLS) != 0 && !is_device_certificate(t, a->x->caller)) {
        sp_ignore(
            sp_why_say(&a->why, SP_OK, "the token is not bound to this device's certificate"));
        return refuse(a, CHALLENGE_INVALID_TOKEN);
    }
    if ((bind & GW_BIND_DPOP) != 0 && !t->has_jkt) {
        sp_ignore(sp_why_say(&a->why, SP_OK, "the token is not bound to a key (cnf.jkt)"));
        return refuse(a, CHALLENGE_INVALID_TOKEN);
    }
    if (t->has_jkt != (a->bearer.scheme == BEARER_DPOP)) {
        sp_ignore(sp_why_say(&a->why, SP_OK,
                             t->has_jkt ? "the token is bound to a key: send it with DPoP"
                                        : "the token is not bound to a key: send it as Bearer"));
        return refuse(a, CHALLENGE_INVALID_TOKEN);
    }
    return t->has_jkt ? check_proof(a) : gw_pass();
}

/* ---- wide enough -------------------------------------------------------------------------- */

static bool has_all(const struct token *t, size_t count, const char *const *scopes)
{
    for (size_t i = 0; i < count; i++) {
        if (!token_has_scopes(t, view_str(scopes[i])))
            return false;
    }
    return true;
}

static struct gw_verdict too_narrow(struct asking *a, size_t count, const char *const *scopes)
{
    struct buf text;

    buf_init(&text, 512);
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "%s%s", i > 0 ? " " : "", scopes[i]);
    const char *s = buf_cstr(&text);
    struct gw_verdict v = challenge(&a->g->conf->oauth, CHALLENGE_INSUFFICIENT_SCOPE, "",
                                    s != NULL ? s : "", words_of(a));
    buf_deinit(&text);
    return v;
}

/* What an alternative of the document's `security` asks of a token; its other schemes are the
 * application's matter. NULL: one asks for nothing, or is satisfied. */
static const struct api_scheme *unsatisfied(const struct token *t, const struct api_security *way)
{
    for (size_t i = 0; i < way->count; i++) {
        const struct api_scheme *s = &way->schemes[i];
        bool ours = strcmp(s->type, "oauth2") == 0 || strcmp(s->type, "openIdConnect") == 0;
        if (ours && !has_all(t, s->scopes.count, s->scopes.items))
            return s;
    }
    return NULL;
}

static struct gw_verdict check_document(struct asking *a, const struct api_operation *o)
{
    const struct api_scheme *first = NULL;

    for (size_t i = 0; i < o->security_count; i++) {
        const struct api_scheme *s = unsatisfied(a->note->token, &o->security[i]);
        if (s == NULL)
            return gw_pass();
        first = first == NULL ? s : first;
    }
    return first == NULL ? gw_pass() : too_narrow(a, first->scopes.count, first->scopes.items);
}

static struct gw_verdict check_scopes(struct asking *a)
{
    const struct gwconf_operation *row = guard_operation(a->g, a->x);
    const struct api_operation *documented = a->x->route.operation;
    const struct token *t = a->note->token;

    if (a->g->conf->oauth.scopes == GW_SCOPES_NONE)
        return gw_pass();
    if (row != NULL && !has_all(t, row->scopes.count, (const char *const *)row->scopes.items))
        return too_narrow(a, row->scopes.count, (const char *const *)row->scopes.items);
    if (a->g->conf->oauth.scopes == GW_SCOPES_FROM_OPENAPI && documented != NULL)
        return check_document(a, documented);
    return gw_pass();
}

static struct gw_verdict judge(struct asking *a)
{
    struct gw_verdict v = know(a);

    if (v.outcome == GW_PASS)
        v = check_binding(a);
    if (v.outcome == GW_PASS)
        v = check_scopes(a);
    if (v.outcome != GW_PASS)
        return v;
    const struct token *t = a->note->token;
    a->x->token = (struct gw_token){.present = true,
                                    .client = t->client,
                                    .subject = t->subject,
                                    .issuer = t->issuer,
                                    .scopes = buf_view(&t->scopes),
                                    .claims = t->claims};
    a->x->drop_bearer = a->g->conf->identity.forward == GW_FORWARD_BEARER;
    return v;
}

struct gw_verdict guard_token(struct guard *g, struct gw_exchange *x, sp_unix_ms now)
{
    struct asking a = {.g = g, .x = x, .now = now, .boot = clock_boot()};
    const struct gwconf_operation *o;

    if (!g->conf->oauth.require)
        return gw_pass();
    if (bearer_find(&x->request, &a.why, &a.bearer) != SP_OK)
        return refuse(&a, CHALLENGE_INVALID_REQUEST);
    if (a.bearer.scheme == BEARER_NONE) {
        o = guard_operation(g, x);
        return o != NULL && o->token == GW_TOKEN_OPTIONAL ? gw_pass() : refuse(&a, CHALLENGE_NONE);
    }
    a.note = guard_note(g, x);
    if (a.note == NULL)
        return gw_refuse(GW_REASON_OVERLOAD);
    a.note->waiter.fn = on_woken;
    a.note->waiter.arg = x;
    token_free(a.note->token);
    a.note->token = NULL;
    return judge(&a);
}
