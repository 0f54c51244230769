#include "connector/gateway/app.h"
#include "connector/gateway/owner.h"
#include "connector/gateway/preflight.h"
#include "connector/gateway/watch_internal.h"

/*
 * Owner rules of `from: preflight`: what changes an object acts before it answers, so the object is
 * read first, as this person. Also where the rule only monitors: after the write nothing could be
 * told any more. What was said counts for WATCH_OBJECT_MS; only a 2xx is kept.
 */

/* The person, what they must be, the place, the object: each with its length, so that no two
 * quadruples are one text. */
static uint64_t key_of(struct watch *w, const struct gw_exchange *x,
                       const struct gwconf_owner *rule, struct view path)
{
    const struct view parts[] = {id_view(&x->caller->user),
                                 owner_expected(x, &rule->equals, watch_subject(w, x)),
                                 view_str(rule->from.where), path};
    struct buf text;

    buf_init(&text, 512 * 1024);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        buf_add_uint(&text, parts[i].len, 8);
        buf_add(&text, parts[i]);
    }
    uint64_t key = buf_error(&text) != SP_OK ? 0 : detect_hash(w->detect, buf_view(&text));
    buf_deinit(&text);
    return key;
}

static const struct gwconf_owner *rule_now(const struct gw_exchange *x)
{
    const struct watch_note *note = x->watch_note;

    return gwconf_owner_at(gw_app_conf(x->app), note->preflights);
}

SP_MUST static sp_error path_of(const struct gw_exchange *x, const struct gwconf_owner *rule,
                                struct view *path)
{
    return preflight_path(x, rule, gw_app_conf(x->app)->allow_encoded_slash, path);
}

static bool object_is_own(struct watch *w, const struct gw_exchange *x,
                          const struct gwconf_owner *rule, const struct preflight_answer *a)
{
    const struct value *root = NULL;
    bool own = a->body.len > 0 && is_json(a->content_type) &&
               value_read(a->body, VALUE_DEPTH_MAX, &w->scratch, NULL, &root) == SP_OK &&
               owner_holds(root, view_str(rule->from.where),
                           owner_expected(x, &rule->equals, watch_subject(w, x)), &w->scratch);

    scratch_reset(&w->scratch, SCRATCH_FIRST_BYTES);
    return own;
}

static struct gw_verdict judged(struct watch *w, struct gw_exchange *x,
                                const struct gwconf_owner *rule, bool own)
{
    return own ? gw_pass() : watch_not_own(w, x, rule, "the object's");
}

static void on_said(struct gw_exchange *x, const struct preflight_answer *a)
{
    const struct gwconf_owner *rule = rule_now(x);
    struct watch *w = gw_app_watch(x->app);
    struct watch_note *note = x->watch_note;
    struct view path;

    if (a->refusal.outcome != GW_PASS) {
        *note->preflit = gw_in_mode(x, (enum gw_mode)rule->mode, a->refusal);
        return;
    }
    bool own = object_is_own(w, x, rule, a);
    uint64_t key = path_of(x, rule, &path) == SP_OK ? key_of(w, x, rule, path) : 0;
    if (key != 0) {
        struct object *o = slots_take(w->objects, key, app_now(x->app), NULL);
        *o = (struct object){.until = clock_boot() + WATCH_OBJECT_MS, .own = own};
    }
    *note->preflit = judged(w, x, rule, own);
}

/* Known, or to be asked. */
static struct gw_verdict look(struct watch *w, struct gw_exchange *x,
                              const struct gwconf_owner *rule)
{
    struct watch_note *note = x->watch_note;
    struct view path;

    /* whom nothing can belong to is not worth a question */
    if (owner_expected(x, &rule->equals, watch_subject(w, x)).len == 0 ||
        path_of(x, rule, &path) != SP_OK)
        return judged(w, x, rule, false);
    uint64_t key = key_of(w, x, rule, path);
    const struct object *known = key == 0 ? NULL : slots_find(w->objects, key);
    if (view_equal(path, x->request.target.path))
        note->object = key;
    if (known != NULL && clock_boot() < known->until)
        return judged(w, x, rule, known->own);
    note->preflit = arena_take(x->request.arena, sizeof *note->preflit);
    if (note->preflit == NULL)
        return gw_refuse(GW_REASON_OVERLOAD);
    struct gw_verdict v = preflight_ask(x, path, on_said);
    if (v.outcome == GW_PARK)
        return v;
    note->preflit = NULL;
    return gw_in_mode(x, (enum gw_mode)rule->mode, v);
}

struct gw_verdict watch_preflight(struct gw_exchange *x)
{
    const struct gwconf *conf = gw_app_conf(x->app);
    struct watch_note *note = watch_note(x);
    struct gwmatch_subject s = match_subject(x);

    if (note == NULL)
        return gw_refuse(GW_REASON_OVERLOAD);
    for (; note->preflights < conf->owners.count; note->preflights++) {
        const struct gwconf_owner *r = rule_now(x);
        struct gw_verdict v = gw_pass();
        if (note->preflit != NULL) {
            v = *note->preflit;
            note->preflit = NULL;
        } else if (r->from.source == GW_OWNER_PREFLIGHT && r->mode != GW_OFF &&
                   gwmatch_holds(&r->match, &s) && !owner_excepted(x->caller, r)) {
            v = look(gw_app_watch(x->app), x, r);
        }
        if (v.outcome != GW_PASS)
            return v;
    }
    return gw_pass();
}
