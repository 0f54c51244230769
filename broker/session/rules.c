#include "broker/session/rules.h"

#include "broker/policy/parse.h"
#include "broker/policy/tests.h"
#include "lib/base/log.h"
#include "lib/base/num.h"

#include <pthread.h>
#include <stdlib.h>

enum { SPEC_BYTES_MAX = 64 * 1024 };

/* One version with what it owns. `public` is first: readers hold a pointer to it. */
struct version {
    struct rules_version public;
    struct policy_doc *doc;    /* owned */
    struct registry *registry; /* gave `public.objects` */
    struct rules_app *apps;    /* owned */
    struct json **specs;       /* owned: labels and descriptions point into them */
    size_t refs;               /* with the lock of rules; the present version counts as one */
};

struct rules {
    struct registry *registry; /* borrowed */
    pthread_mutex_t lock;      /* guards `now` and all refs */
    pthread_mutex_t build;     /* one builder at a time, so that a newer snapshot wins */
    struct version *now;       /* never NULL after rules_new */
};

static void version_free(struct version *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->public.app_count; i++) {
        free((void *)(uintptr_t)v->apps[i].labels);
        json_free(v->specs[i]);
    }
    free(v->apps);
    free(v->specs);
    policy_doc_free(v->doc);
    if (v->public.objects != NULL)
        registry_release(v->registry, v->public.objects);
    free(v);
}

/* ---- one app ------------------------------------------------------------------------------ */

static int64_t duration(const struct json *limits, const char *name)
{
    int64_t ms = 0;

    return num_duration(json_str(json_get(limits, name)), &ms) == SP_OK ? ms : 0;
}

/* Written by broker/registry/apps.c, which checked it. */
static struct limits read_limits(const struct json *j)
{
    struct limits l = {.session_max_ms = duration(j, "session_max"),
                       .idle_ms = duration(j, "idle"),
                       .reverify_ms = duration(j, "reverify")};
    const struct json *step_up = json_get(j, "step_up");

    for (enum mfa_kind k = MFA_ANY; k <= MFA_PHISHING_RESISTANT; k++)
        if (view_is(json_str(json_get(step_up, "kind")), mfa_word(k)))
            l.step_up = k;
    if (l.step_up != MFA_NONE)
        l.step_up_every_ms = duration(step_up, "every");
    return l;
}

static sp_error read_labels(const struct json *labels, struct rules_app *out)
{
    struct label *list;
    size_t n = 0;

    if (json_len(labels) == 0)
        return SP_OK;
    if ((list = calloc(json_len(labels), sizeof *list)) == NULL)
        return SP_ERR_NOMEM;
    for (void *i = json_iter(labels); i != NULL; i = json_iter_next(labels, i)) {
        const char *value = json_cstr(json_iter_value(i));
        if (value != NULL)
            list[n++] = (struct label){json_iter_name(i), value};
    }
    out->labels = list;
    out->label_count = n;
    return SP_OK;
}

static sp_error read_app(const struct app_row *row, struct rules_app *out, struct json **spec)
{
    sp_error e;

    out->row = row;
    if (row->spec.len == 0)
        return SP_OK;
    if ((e = json_parse(row->spec, SPEC_BYTES_MAX, NULL, spec)) != SP_OK)
        return e == SP_ERR_NOMEM ? e : SP_ERR_CORRUPT;
    out->limits = read_limits(json_get(*spec, "limits"));
    out->description = json_str(json_get(*spec, "description"));
    out->cut_through_off = view_is(json_str(json_get(*spec, "cut_through")), "off");
    return read_labels(json_get(*spec, "labels"), out);
}

/* ---- a version ---------------------------------------------------------------------------- */

/* The text in force; one that cannot be read any more denies everything, and says so. */
static sp_error compile(const struct policy_row *row, struct policy_doc **out)
{
    struct sp_why why = {0};
    sp_error e = policy_parse(row->text, NULL, &why, out);

    if (e != SP_OK && e != SP_ERR_NOMEM) {
        log_event(LOG_ERROR, "policy.unreadable",
                  "the policy in force cannot be read: everything is denied", "why", why.text,
                  "line", LOG_INT(why.line), NULL);
        e = policy_parse((struct view){0}, NULL, NULL, out);
    }
    if (e == SP_OK)
        (*out)->version = row->ver;
    return e;
}

static sp_error version_new(struct registry *r, struct version **out)
{
    struct version *v = calloc(1, sizeof *v);
    const struct snapshot *s;
    sp_error e = SP_OK;

    if (v == NULL)
        return SP_ERR_NOMEM;
    v->registry = r;
    v->refs = 1;
    s = v->public.objects = registry_hold(r);
    v->apps = calloc(s->app_count + 1, sizeof *v->apps);
    v->specs = calloc(s->app_count + 1, sizeof *v->specs);
    if (v->apps == NULL || v->specs == NULL)
        e = SP_ERR_NOMEM;
    if (e == SP_OK)
        e = compile(&s->policy, &v->doc);
    for (size_t i = 0; e == SP_OK && i < s->app_count; i++) {
        v->public.app_count = i + 1; /* what version_free looks at */
        e = read_app(&s->apps[i], &v->apps[i], &v->specs[i]);
    }
    v->public.doc = v->doc;
    v->public.apps = v->apps;
    if (e != SP_OK)
        version_free(v);
    else
        *out = v;
    return e;
}

static void give_back(struct rules *r, struct version *v)
{
    bool last;

    pthread_mutex_lock(&r->lock);
    last = --v->refs == 0;
    pthread_mutex_unlock(&r->lock);
    if (last)
        version_free(v);
}

static sp_error rebuild(struct rules *r)
{
    struct version *fresh = NULL, *old = NULL;
    sp_error e;

    pthread_mutex_lock(&r->build);
    if ((e = version_new(r->registry, &fresh)) == SP_OK) {
        pthread_mutex_lock(&r->lock);
        old = r->now;
        r->now = fresh;
        pthread_mutex_unlock(&r->lock);
    }
    pthread_mutex_unlock(&r->build);
    if (old != NULL)
        give_back(r, old);
    return e;
}

sp_error rules_new(struct registry *registry, struct rules **out)
{
    struct rules *r = calloc(1, sizeof *r);
    sp_error e;

    if (r == NULL)
        return SP_ERR_NOMEM;
    r->registry = registry;
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->build, NULL);
    if ((e = rebuild(r)) != SP_OK) {
        rules_free(r);
        return e;
    }
    *out = r;
    return SP_OK;
}

void rules_free(struct rules *r)
{
    if (r == NULL)
        return;
    if (r->now != NULL)
        give_back(r, r->now);
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->build);
    free(r);
}

/* ---- changes: the follower's thread ------------------------------------------------------- */

static void renew(void *arg)
{
    sp_error e = rebuild(arg);

    if (e != SP_OK) /* the older version serves on; the next change tries again */
        log_event(LOG_ERROR, "policy.rebuild", sp_error_text(e), NULL);
}

/* The registry, told before us, has swapped its snapshot or not: its number says so. Whoever is
 * told after us decides with what is true now. */
static void follow(void *arg)
{
    struct rules *r = arg;
    const struct snapshot *s = registry_hold(r->registry);
    const struct rules_version *v = rules_hold(r);
    bool same = s->number == v->objects->number;

    rules_release(r, v);
    registry_release(r->registry, s);
    if (!same)
        renew(r);
}

static void on_row(void *arg, const struct change_row *row)
{
    (void)row;
    follow(arg);
}

struct changes_listener rules_listener(struct rules *r)
{
    return (struct changes_listener){.row = on_row, .settled = follow, .reload = renew, .arg = r};
}

/* ---- readers ------------------------------------------------------------------------------ */

const struct rules_version *rules_hold(struct rules *r)
{
    struct version *v;

    pthread_mutex_lock(&r->lock);
    v = r->now;
    v->refs++;
    pthread_mutex_unlock(&r->lock);
    return &v->public;
}

void rules_release(struct rules *r, const struct rules_version *public)
{
    give_back(r, (struct version *)(uintptr_t) public); /* its first member */
}

const struct rules_app *rules_app(const struct rules_version *v, struct view name)
{
    for (size_t low = 0, high = v->app_count; low < high;) {
        size_t at = low + (high - low) / 2;
        int c = view_compare(view_str(v->apps[at].row->name), name);

        if (c == 0)
            return &v->apps[at];
        if (c < 0)
            low = at + 1;
        else
            high = at;
    }
    return NULL;
}

const struct rules_app *rules_app_by_id(const struct rules_version *v, struct sp_id id)
{
    for (size_t i = 0; i < v->app_count; i++)
        if (id_equal(v->apps[i].row->id, id))
            return &v->apps[i];
    return NULL;
}

/* ---- editing ------------------------------------------------------------------------------ */

static struct lint_app *lint_apps(const struct rules_version *v)
{
    struct lint_app *apps = calloc(v->app_count + 1, sizeof *apps);

    for (size_t i = 0; apps != NULL && i < v->app_count; i++)
        apps[i] =
            (struct lint_app){v->apps[i].row->name, v->apps[i].labels, v->apps[i].label_count};
    return apps;
}

sp_error rules_check(struct rules *r, struct view text, struct rules_check *out)
{
    const struct rules_version *v = rules_hold(r);
    struct lint_app *apps = lint_apps(v);
    sp_unix_ms now = clock_unix();

    *out = (struct rules_check){.error = SP_OK};
    if (apps == NULL)
        out->error = SP_ERR_NOMEM;
    else
        out->error = policy_parse(text, NULL, &out->why, &out->doc);
    if (out->error == SP_OK) {
        out->tests = out->doc->test_count;
        out->error = policy_tests_run(out->doc, apps, v->app_count, now, &out->why);
        out->tests_failed = out->error == SP_OK ? 0 : 1; /* it stops at the first one */
        out->finding_count = policy_lint(out->doc, apps, v->app_count, now, out->findings,
                                         sizeof out->findings / sizeof out->findings[0]);
    }
    free(apps);
    rules_release(r, v);
    return out->error == SP_ERR_NOMEM ? SP_ERR_NOMEM : SP_OK;
}

void rules_check_free(struct rules_check *c)
{
    policy_doc_free(c->doc);
    c->doc = NULL;
}

sp_error rules_put(struct rules *r, const struct policy_change *change,
                   const struct audit_record *by, struct sp_why *why, uint64_t *ver)
{
    struct rules_check *c = calloc(1, sizeof *c);
    sp_error e;

    if (c == NULL)
        return SP_ERR_NOMEM;
    if ((e = rules_check(r, change->text, c)) == SP_OK && (e = c->error) != SP_OK && why != NULL)
        *why = c->why;
    rules_check_free(c);
    free(c);
    if (e != SP_OK)
        return e;
    return policies_put(r->registry, change, by, ver);
}
