#include "connector/gateway/app.h"
#include "connector/gateway/owner.h"
#include "connector/gateway/watch_internal.h"
#include "lib/schema/openapi.h"

#include <stdio.h>

/* The steps of watch.h: what an exchange gives to the app's memory, and what that says of it. */

enum { LOGIN_BODY_MAX = 8192, SHAPES_FIRST = 64, SHAPES_THEN = 16 };

static struct watch *watch_of(const struct gw_exchange *x)
{
    return gw_app_watch(x->app);
}

/* 4 ----------------------------------------------------------------------------------------- */

static void take_template(struct gw_exchange *x, const struct inventory *v,
                          const struct endpoint *e)
{
    char text[INVENTORY_TEMPLATE_MAX];
    size_t at[INVENTORY_SEGMENTS_MAX];
    size_t n = endpoint_parameters(v, e, at, INVENTORY_SEGMENTS_MAX);

    endpoint_template(v, e, text, sizeof text);
    struct view template = arena_copy(x->request.arena, view_str(text));
    struct gw_pair *pairs = arena_array(x->request.arena, n, sizeof *pairs);
    if (template.at == NULL || pairs == NULL)
        return;
    for (size_t i = 0; i < n && at[i] < x->request.target.segment_count; i++)
        pairs[i] =
            (struct gw_pair){gwmatch_name(template, at[i]), x->request.target.segments[at[i]]};
    x->route.template = template;
    x->route.parameter_count = n;
    x->route.parameters = pairs;
}

static enum gw_method method_of(const struct gw_exchange *x)
{
    return x->request.method == GW_HEAD ? GW_GET : x->request.method;
}

static bool carries_a_form(const struct gw_message_body *b)
{
    return is_json(b->content_type) && b->kind == GW_BODY_LENGTH && b->length <= LOGIN_BODY_MAX;
}

static void want_body(struct gw_exchange *x, enum gw_mode mode)
{
    x->inspect_request = x->inspect_request || mode != GW_OFF;
    x->hold_request = x->hold_request || mode == GW_BLOCK;
}

static void want_body_of_owners(struct gw_exchange *x, const struct gwmatch_subject *s)
{
    const struct gwconf *conf = gw_app_conf(x->app);

    for (size_t i = 0; i < conf->owners.count; i++) {
        const struct gwconf_owner *r = gwconf_owner_at(conf, i);
        if (r->from.source == GW_OWNER_BODY && gwmatch_holds(&r->match, s))
            want_body(x, (enum gw_mode)r->mode);
    }
}

struct gw_verdict watch_route(struct gw_exchange *x)
{
    const struct gwconf *conf = gw_app_conf(x->app);
    struct watch *w = watch_of(x);
    struct watch_note *note = watch_note(x);
    struct gwmatch_subject s = match_subject(x);

    if (note == NULL)
        return gw_refuse(GW_REASON_OVERLOAD);
    note->sensitive = x->route.operation != NULL && x->route.operation->sensitive;
    for (size_t i = 0; i < conf->operations.count; i++) {
        const struct gwconf_operation *op = gwconf_operation_at(conf, i);
        if (!gwmatch_holds(&op->match, &s))
            continue;
        note->login = note->login || op->login;
        note->sensitive = note->sensitive || op->sensitive;
    }
    want_body_of_owners(x, &s);
    if (note->login || carries_a_form(&x->request.body))
        want_body(x, (enum gw_mode)conf->detectors.credential);
    if (x->route.template.len > 0 || !conf->detectors.inventory)
        return gw_pass();
    struct endpoint *e = inventory_find(w->inventory, method_of(x), x->request.target.segment_count,
                                        x->request.target.segments);
    if (e != NULL)
        take_template(x, w->inventory, e);
    return gw_pass();
}

/* 11 ---------------------------------------------------------------------------------------- */

static const enum gw_reason reasons[DETECTORS] = {
    [DETECTOR_OWNER] = GW_REASON_OWNER,
    [DETECTOR_BOLA] = GW_REASON_BOLA,
    [DETECTOR_ENUMERATION] = GW_REASON_ENUMERATION,
    [DETECTOR_CREDENTIAL] = GW_REASON_CREDENTIAL,
    [DETECTOR_EXFILTRATION] = GW_REASON_VOLUME,
    [DETECTOR_EXPOSURE] = GW_REASON_EXPOSURE,
    [DETECTOR_FUNCTION] = GW_REASON_FUNCTION,
    [DETECTOR_FLOW] = GW_REASON_FLOW,
    [DETECTOR_SCANNER] = GW_REASON_SCANNER,
    [DETECTOR_INVENTORY] = GW_REASON_POLICY, /* opens no block */
    [DETECTOR_BUDGET] = GW_REASON_VOLUME,
};

struct view watch_subject(struct watch *w, const struct gw_exchange *x)
{
    const struct subject *s =
        slots_find(w->subjects, detect_hash(w->detect, id_view(&x->caller->session)));

    return s == NULL || s->len > WATCH_SUBJECT_MAX
               ? (struct view){0}
               : (struct view){(const uint8_t *)s->text, s->len};
}

struct gw_verdict watch_not_own(struct watch *w, struct gw_exchange *x,
                                const struct gwconf_owner *rule, const char *what)
{
    struct gw_verdict v = gw_refuse(GW_REASON_OWNER);
    struct finding f = {.detector = DETECTOR_OWNER,
                        .refuses = true,
                        .mode = (enum gw_mode)rule->mode,
                        .score = 1,
                        .threshold = 1};
    struct observation o;
    struct observed room;

    observe(w, x, &room, &o);
    finding_say(&f, "%s \"%.60s\" is not this person's", what, rule->from.where);
    detect_report(w->detect, &o, &f);
    snprintf(v.rule, sizeof v.rule, "%s", "owner");
    return gw_in_mode(x, (enum gw_mode)rule->mode, v);
}

/* Those of a body that is copied are for the copy phase, and no others. */
static bool is_for_now(const struct gw_exchange *x, const struct gwconf_owner *r)
{
    if (r->from.source == GW_OWNER_BODY)
        return !x->copies_request || x->phase == GW_PHASE_COPY;
    return (r->from.source == GW_OWNER_PATH || r->from.source == GW_OWNER_QUERY) &&
           x->phase != GW_PHASE_COPY;
}

static struct gw_verdict owner_of_request(struct watch *w, struct gw_exchange *x)
{
    const struct gwconf *conf = gw_app_conf(x->app);
    struct gwmatch_subject s = match_subject(x);

    for (size_t i = 0; i < conf->owners.count; i++) {
        const struct gwconf_owner *r = gwconf_owner_at(conf, i);
        if (!is_for_now(x, r) || r->mode == GW_OFF || !gwmatch_holds(&r->match, &s) ||
            owner_excepted(x->caller, r) ||
            owner_in_request(x, r, owner_expected(x, &r->equals, watch_subject(w, x)), &w->scratch))
            continue;
        struct gw_verdict v = watch_not_own(w, x, r, "the request's");
        if (v.outcome != GW_PASS)
            return v;
    }
    return gw_pass();
}

static struct gw_verdict blocked(struct watch *w, struct gw_exchange *x)
{
    struct watch_note *note = x->watch_note;
    struct detect_block block = {0};
    struct observation o;
    struct observed room;

    if (!detect_blocks(w->detect))
        return gw_pass();
    observe(w, x, &room, &o);
    if (!detect_blocked(w->detect, &o, &block))
        return gw_pass();
    if (note != NULL)
        note->blocked = true;
    struct gw_verdict v = gw_refuse(reasons[block.detector]);
    snprintf(v.rule, sizeof v.rule, "%s", detector_name(block.detector));
    v.retry_after_ms = gw_reasons[v.reason].status == 429 ? block.retry_ms : 0;
    return gw_in_mode(x, block.mode, v);
}

struct gw_verdict watch_block(struct gw_exchange *x)
{
    struct watch *w = watch_of(x);

    observe_login(w, x);
    struct gw_verdict v = blocked(w, x);
    return v.outcome == GW_PASS ? owner_of_request(w, x) : v;
}

struct gw_verdict watch_copy(struct gw_exchange *x)
{
    const struct watch_note *note = x->watch_note;
    struct watch *w = watch_of(x);
    struct gw_verdict v = gw_pass();

    observe_login(w, x);
    /* a login that only its password tells as one was not looked at as such before */
    if (note != NULL && note->password && !note->login && !note->blocked)
        v = blocked(w, x);
    return v.outcome == GW_PASS ? owner_of_request(w, x) : v;
}

/* 15 ---------------------------------------------------------------------------------------- */

static bool reads_answer(const struct gw_exchange *x, const struct gwconf_owner *r)
{
    struct gwmatch_subject s = match_subject(x);

    return r->from.source == GW_OWNER_RESPONSE && r->mode != GW_OFF &&
           gwmatch_holds(&r->match, &s) && !owner_excepted(x->caller, r);
}

static bool is_subject(const struct gw_exchange *x)
{
    const struct gwconf_subject *c = &gw_app_conf(x->app)->subject;
    struct gwmatch_subject s = match_subject(x);

    return gwmatch_is_set(&c->match) && gwmatch_holds(&c->match, &s);
}

/* Shapes are learned from the first answers of an endpoint and then from some: reading all of them
 * would hold back what nobody asked to be read. */
static bool wants_shape(struct watch *w, const struct gw_exchange *x)
{
    const struct endpoint *e;

    if (!gw_app_conf(x->app)->detectors.inventory)
        return false;
    e = inventory_find(w->inventory, method_of(x), x->request.target.segment_count,
                       x->request.target.segments);
    return e == NULL || endpoint_calls(e) < SHAPES_FIRST || endpoint_calls(e) % SHAPES_THEN == 0;
}

struct gw_verdict watch_answer(struct gw_exchange *x)
{
    const struct gwconf *conf = gw_app_conf(x->app);
    bool wanted = false, holds = false;

    if (x->response.status / 100 != 2 || x->request.method == GW_HEAD)
        return gw_pass();
    for (size_t i = 0; i < conf->owners.count; i++) {
        const struct gwconf_owner *r = gwconf_owner_at(conf, i);
        bool reads = reads_answer(x, r);
        wanted = wanted || reads;
        holds = holds || (reads && r->mode == GW_BLOCK);
    }
    if (is_json(x->response.body.content_type)) {
        wanted = wanted || is_subject(x) || conf->detectors.exposure != GW_OFF ||
                 conf->detectors.exfiltration != GW_OFF || wants_shape(watch_of(x), x);
        holds = holds || conf->detectors.exposure == GW_BLOCK;
    }
    x->inspect_answer = x->inspect_answer || wanted;
    x->hold_answer = x->hold_answer || holds;
    return gw_pass();
}

/* The first name counts: another one in the same session is another person's login, or token. */
static void keep_subject(struct watch *w, struct gw_exchange *x, const struct value *root)
{
    struct view pointer = view_str(gw_app_conf(x->app)->subject.pointer);
    struct view text = value_text(value_at(root, pointer), &w->scratch);
    uint64_t key = detect_hash(w->detect, id_view(&x->caller->session));
    struct finding f = {.detector = DETECTOR_OWNER, .mode = GW_MONITOR, .score = 1, .threshold = 1};
    struct observation o;
    struct observed room;

    if (text.len == 0 || text.len > WATCH_SUBJECT_MAX)
        return;
    struct subject *s = slots_take(w->subjects, key, app_now(x->app), NULL);
    if (s->len == 0) {
        s->len = (uint8_t)text.len;
        memcpy(s->text, text.at, text.len);
    } else if (!view_equal(text, watch_subject(w, x))) {
        observe(w, x, &room, &o);
        finding_say(&f, "the application gave this session's person another name than before");
        detect_report(w->detect, &o, &f);
    }
}

/* `root` NULL: the answer could not be read, which is no reason to let it pass. */
static struct gw_verdict owner_of_answer(struct watch *w, struct gw_exchange *x,
                                         const struct value *root)
{
    const struct gwconf *conf = gw_app_conf(x->app);

    for (size_t i = 0; i < conf->owners.count; i++) {
        const struct gwconf_owner *r = gwconf_owner_at(conf, i);
        if (!reads_answer(x, r) ||
            owner_holds(root, view_str(r->from.where),
                        owner_expected(x, &r->equals, watch_subject(w, x)), &w->scratch))
            continue;
        struct gw_verdict v = watch_not_own(w, x, r, "the answer's");
        if (v.outcome != GW_PASS)
            return v;
    }
    return gw_pass();
}

struct gw_verdict watch_content(struct gw_exchange *x)
{
    const struct gw_message_body *b = &x->response.body;
    struct watch *w = watch_of(x);
    const struct value *root = NULL;
    struct gw_verdict v;

    if (x->response.status / 100 != 2 || x->request.method == GW_HEAD || x->response.status == 204)
        return gw_pass();
    if (b->inspected == GW_INSPECTED && is_json(b->content_type) &&
        value_read(b->bytes, VALUE_DEPTH_MAX, &w->scratch, NULL, &root) != SP_OK)
        root = NULL;
    if (root != NULL && is_subject(x))
        keep_subject(w, x, root);
    v = owner_of_answer(w, x, root);
    if (v.outcome == GW_PASS && root != NULL) {
        observe_answer(w, x, root);
        const struct watch_note *note = x->watch_note;
        if (note != NULL && note->exposed != 0) {
            v = gw_refuse(GW_REASON_EXPOSURE);
            snprintf(v.rule, sizeof v.rule, "%s", "exposure");
            v = gw_in_mode(x, (enum gw_mode)gw_app_conf(x->app)->detectors.exposure, v);
        }
    }
    scratch_reset(&w->scratch, SCRATCH_FIRST_BYTES);
    return v;
}

/* 16 ---------------------------------------------------------------------------------------- */

enum { QUERY_NAMES = 16, MINUTE_MS = 60 * 1000 };

/* A minute counts when the next one of that person begins: the one that runs is not over. */
static void count_pace(struct watch *w, struct endpoint *e, const struct observation *o)
{
    uint64_t key = o->user ^ ((uint64_t)endpoint_id(e) + 1) * 0x9e3779b97f4a7c15u;
    struct minute *m = slots_take(w->paces, key, o->at, NULL);
    int64_t number = o->at / MINUTE_MS;

    if (m->number != number) {
        if (m->calls > 0)
            endpoint_pace(e, m->calls);
        *m = (struct minute){.number = number};
    }
    m->calls += m->calls < UINT32_MAX;
}

static void see(struct watch *w, struct gw_exchange *x, const struct observation *o)
{
    const struct watch_note *note = x->watch_note;
    struct inventory_name query[QUERY_NAMES];
    struct inventory_call call = {.at = o->at,
                                  .method = x->request.method,
                                  .segment_count = x->request.target.segment_count,
                                  .segments = x->request.target.segments,
                                  .status = gw_meaning(&x->response),
                                  .user = o->user,
                                  .group_count = x->caller->group_count,
                                  .groups = x->caller->groups,
                                  .latency_us = x->upstream_us,
                                  .request_bytes = x->request.body.seen,
                                  .response_bytes = x->response.body.seen,
                                  .token = x->token.present,
                                  .tls = gw_app_conf(x->app)->upstream.https,
                                  .query = query};

    for (size_t i = 0; i < x->request.target.query_count && i < QUERY_NAMES; i++) {
        const struct gw_pair *p = &x->request.target.pairs[i];
        query[call.query_count++] = (struct inventory_name){p->name, classify_value(p->value)};
    }
    if (note != NULL) {
        call.shape = note->shape;
        call.property_count = note->property_count;
        call.properties = note->properties;
        call.sensitive = note->exposed;
    }
    struct endpoint *e = inventory_see(w->inventory, &call);
    if (e != NULL)
        count_pace(w, e, o);
    if (e != NULL && x->route.template.len == 0)
        take_template(x, w->inventory, e);
}

static bool is_violation(const struct gw_exchange *x)
{
    bool is = x->refusal.outcome == GW_REFUSE && x->refusal.reason == GW_REASON_SCHEMA;

    for (size_t i = 0; i < x->hit_count; i++)
        is = is || x->hits[i].verdict.reason == GW_REASON_SCHEMA;
    return is;
}

/* What we refused is no call of the inventory, but the endpoint's page shows it. */
static void count_refusal(struct watch *w, const struct gw_exchange *x)
{
    bool violation = is_violation(x);
    struct endpoint *e =
        !x->own_answer && !violation
            ? NULL
            : inventory_find(w->inventory, method_of(x), x->request.target.segment_count,
                             x->request.target.segments);

    if (e != NULL)
        endpoint_refused(e, x->own_answer, violation);
}

static void spend(struct watch *w, struct gw_exchange *x, const struct observation *o)
{
    const struct gwconf *conf = gw_app_conf(x->app);
    struct gwmatch_subject s = match_subject(x);

    for (size_t i = 0; i < conf->detectors.budgets.count; i++) {
        const struct gwconf_budget *b = gwconf_budget_at(conf, i);
        const struct detect_budget budget = {i, b->bytes, b->records, b->window_ms};
        if (b->mode != GW_OFF && gwmatch_holds(&b->match, &s))
            detect_spend(w->detect, o, &budget);
    }
}

/* A write may have given the object to somebody else. */
static void forget_written(struct watch *w, const struct gw_exchange *x)
{
    const struct watch_note *note = x->watch_note;

    if (note != NULL && note->object != 0)
        slots_drop(w->objects, note->object);
}

struct gw_verdict watch_account(struct gw_exchange *x)
{
    struct watch *w = watch_of(x);
    bool refused = x->own_answer;
    int status = gw_meaning(&x->response);
    struct observation o;
    struct observed room;

    if (x->request.target.segments == NULL || id_is_zero(x->caller->user) || status == 0)
        return gw_pass(); /* no request, or nobody's */
    forget_written(w, x);
    count_refusal(w, x);
    observe(w, x, &room, &o);
    if (!refused && gw_app_conf(x->app)->detectors.inventory) {
        bool named = x->route.template.len > 0;
        see(w, x, &o);
        if (!named && x->route.template.len > 0)
            observe(w, x, &room, &o);
    }
    ledger_account(&w->ledger, x, o.at); /* the inventory may have named the endpoint just now */
    /* What we refused teaches nothing; looking for paths that are not there still counts. */
    if (!refused || status == 404 || status == 405 || status == 400)
        detect_see(w->detect, &o);
    if (!refused && status / 100 == 2)
        spend(w, x, &o);
    return gw_pass();
}
