#include "connector/gateway/guard_internal.h"

#include "lib/base/num.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

static sp_error open_tokens(const struct guard_options *o, struct guard *g, struct sp_why *why)
{
    const struct gwconf_oauth *oauth = &o->conf->oauth;
    sp_error e;

    if (!oauth->require)
        return SP_OK;
    if ((e = keyring_new(o->conf, &o->outside, &g->keyring)) != SP_OK ||
        (e = seen_new(&g->seen)) != SP_OK || (e = dpop_new(0, &g->dpop)) != SP_OK)
        return e;
    if (oauth->introspection.url == NULL)
        return SP_OK;
    return introspect_new(&oauth->introspection, &o->outside, g->seen, why, &g->introspect);
}

sp_error guard_new(const struct guard_options *o, struct sp_why *why, struct guard **out)
{
    const struct rate_options rate = {.conf = o->conf, .entries = o->rate_entries};
    struct guard *g = calloc(1, sizeof *g);
    sp_error e;

    if (g == NULL)
        return SP_ERR_NOMEM;
    g->conf = o->conf;
    if ((e = rate_new(&rate, &g->rate)) != SP_OK || (e = open_tokens(o, g, why)) != SP_OK) {
        guard_free(g);
        return e;
    }
    *out = g;
    return SP_OK;
}

void guard_free(struct guard *g)
{
    if (g == NULL)
        return;
    introspect_free(g->introspect);
    keyring_free(g->keyring);
    dpop_free(g->dpop);
    seen_free(g->seen);
    rate_free(g->rate);
    free(g);
}

struct rate *guard_rate(struct guard *g)
{
    return g->rate;
}

size_t guard_token_bytes(const struct guard *g)
{
    return g->seen != NULL ? seen_bytes(g->seen) : 0;
}

struct guard_note *guard_note(struct guard *g, struct gw_exchange *x)
{
    if (x->guard_note == NULL) {
        struct guard_note *n = arena_take(x->request.arena, sizeof *n);
        if (n != NULL)
            n->guard = g;
        x->guard_note = n;
    }
    return x->guard_note;
}

struct gwmatch_subject guard_subject(const struct gw_exchange *x)
{
    return (struct gwmatch_subject){.method = x->request.method,
                                    .segment_count = x->request.target.segment_count,
                                    .segments = x->request.target.segments,
                                    .operation = x->route.operation_id};
}

const struct gwconf_operation *guard_operation(const struct guard *g, const struct gw_exchange *x)
{
    struct gwmatch_subject s = guard_subject(x);

    for (size_t i = 0; i < g->conf->operations.count; i++) {
        const struct gwconf_operation *o = gwconf_operation_at(g->conf, i);
        if (gwmatch_holds(&o->match, &s))
            return o;
    }
    return NULL;
}

/* ---- step 5 ------------------------------------------------------------------------------- */

static bool in_one_of(const struct config_strings *groups, const struct gw_caller *c)
{
    for (size_t i = 0; i < groups->count; i++) {
        for (size_t k = 0; k < c->group_count; k++) {
            if (view_is(c->groups[k], groups->items[i]))
                return true;
        }
    }
    return groups->count == 0;
}

static struct view attribute(const struct gw_caller *c, const char *name)
{
    for (size_t i = 0; i < c->attribute_count; i++) {
        if (view_is(c->attributes[i].name, name))
            return c->attributes[i].value;
    }
    return (struct view){0};
}

/* `mfa_at`: Unix seconds of the second factor, as the broker's identity statement tells. Unknown
 * is not fresh. */
static bool factor_is_fresh(const struct gw_caller *c, int64_t max_ms, sp_unix_ms now)
{
    int64_t at;

    return num_int(attribute(c, "mfa_at"), 0, INT64_MAX / 1000, &at) == SP_OK && at * 1000 <= now &&
           now - at * 1000 <= max_ms;
}

struct gw_verdict guard_access(struct guard *g, struct gw_exchange *x, sp_unix_ms now)
{
    const struct gwconf_operation *o = guard_operation(g, x);

    if (o == NULL)
        return g->conf->otherwise == GW_OTHERWISE_ALLOW ? gw_pass() : gw_refuse(GW_REASON_POLICY);
    if (o->deny || !in_one_of(&o->groups, x->caller))
        return gw_refuse(GW_REASON_POLICY);
    if (o->step_up_ms > 0 && !factor_is_fresh(x->caller, o->step_up_ms, now))
        return gw_refuse(GW_REASON_STEP_UP);
    return gw_pass();
}

/* ---- step 6 ------------------------------------------------------------------------------- */

/* RateLimit fields for HTTP; names are letters, digits, '-' and '_' (config.h). */
static void tell_limit(const struct gwconf_rate *rule, int64_t remaining, int64_t seconds,
                       struct gw_words *words)
{
    int64_t window = (rule->pace.per_ms + 999) / 1000;

    snprintf(words->limit_fields[0], sizeof words->limit_fields[0], "\"%s\";r=%lld;t=%lld",
             rule->name, (long long)remaining, (long long)seconds);
    snprintf(words->limit_fields[1], sizeof words->limit_fields[1], "\"%s\";q=%lld;w=%lld",
             rule->name, (long long)(rule->pace.count * window * 1000 / rule->pace.per_ms),
             (long long)window);
}

static struct gw_verdict too_many(const struct gwconf_rate *rule, const struct rate_answer *a,
                                  struct arena *arena)
{
    bool places = rule != NULL && rule->in_flight > 0;
    struct gw_verdict v = gw_refuse(places ? GW_REASON_IN_FLIGHT : GW_REASON_RATE);

    v.retry_after_ms = (a->retry_ns + 999999) / 1000000;
    if (v.retry_after_ms < 1)
        v.retry_after_ms = 1;
    if (rule == NULL)
        return v;
    view_copy(v.rule, sizeof v.rule, view_str(rule->name));
    if (!places && gw_words_new(&v, arena) != NULL)
        tell_limit(rule, a->remaining, (v.retry_after_ms + 999) / 1000, v.words);
    return v;
}

static struct rate_facts facts_of(const struct guard *g, const struct gw_exchange *x)
{
    const struct gw_caller *c = x->caller;
    const struct gwconf_operation *o = guard_operation(g, x);

    return (struct rate_facts){.target = guard_subject(x),
                               .operation = x->route.template.len > 0 ? x->route.template
                                                                      : x->request.target.path,
                               .user = id_view(&c->user),
                               .device = c->device_text,
                               .source = attribute(c, "address"),
                               .token_client = x->token.client,
                               .group_count = c->group_count,
                               .groups = c->groups,
                               .weight = o != NULL ? o->weight : 1};
}

struct gw_verdict guard_limit(struct guard *g, struct gw_exchange *x, enum rate_pass pass,
                              int64_t now_ns)
{
    if (g->conf->rates.count == 0)
        return gw_pass();
    struct guard_note *note = guard_note(g, x);
    struct rate_facts f = facts_of(g, x);
    struct rate_answer a = {0};

    if (note == NULL)
        return gw_refuse(GW_REASON_OVERLOAD);
    a = rate_check(g->rate, pass, &f, now_ns, x->request.arena, &note->held);
    for (size_t i = 0; i < a.hit_count; i++)
        (void)gw_in_mode(x, GW_MONITOR, too_many(a.hits[i], &a, x->request.arena));
    if (a.passed)
        return gw_pass();
    return a.rule != NULL ? too_many(a.rule, &a, x->request.arena) : gw_refuse(GW_REASON_OVERLOAD);
}

/* ---- step 16 ------------------------------------------------------------------------------ */

void guard_account(struct guard *g, struct gw_exchange *x, int64_t now_ns)
{
    struct guard_note *note = x->guard_note;

    if (note == NULL)
        return;
    waiter_cancel(&note->waiter);
    rate_release(g->rate, note->held, x->own_answer ? 0 : x->response.body.seen, now_ns);
    note->held = NULL;
    token_free(note->token);
    note->token = NULL;
    x->token = (struct gw_token){0};
}
