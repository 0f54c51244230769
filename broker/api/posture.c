#include "broker/api/posture.h"

#include "broker/api/call.h"
#include "broker/posture/judge.h"
#include "broker/session/open.h"
#include "broker/session/rules.h"

#include <stdio.h>
#include <stdlib.h>

static bool better(const struct fact_value *a, const struct fact_value *b, sp_unix_ms now)
{
    const struct fact_value *both[] = {a, b};
    struct posture_weight w[2];

    for (size_t i = 0; i < 2; i++)
        w[i] = (struct posture_weight){.alive = both[i]->expires_at > now,
                                       .told = both[i]->kind != VALUE_NONE,
                                       .fails = both[i]->kind == VALUE_PASS_FAIL && !both[i]->pass,
                                       .assurance = (int)both[i]->assurance,
                                       .observed_at = both[i]->observed_at};
    return posture_outweighs(&w[0], &w[1]);
}

struct judged posture_judge(const struct fact_signal *s, sp_unix_ms now)
{
    struct judged j = {.verdict = JUDGED_UNKNOWN};

    for (size_t i = 0; i < s->count; i++)
        if (j.value == NULL || better(&s->values[i], j.value, now))
            j.value = &s->values[i];
    if (j.value == NULL)
        return j;
    j.stale = j.value->expires_at <= now;
    if (j.value->kind == VALUE_NONE)
        return j;
    if (!j.stale && j.value->kind != VALUE_PASS_FAIL)
        j.verdict = JUDGED_VALUE;
    else if (!j.stale)
        j.verdict = j.value->pass ? JUDGED_PASS : JUDGED_FAIL;
    return j;
}

struct json *posture_counts(struct api *api, struct sp_id device)
{
    struct json *o = json_object();
    struct judge_signals signals = {0};
    int64_t pass = 0, fail = 0, unknown = 0;
    sp_unix_ms now = clock_unix(), newest = 0;

    if (judge_signals(api->judge, device, &signals) == SP_OK) {
        for (size_t i = 0; i < signals.count; i++) {
            struct judged j = posture_judge(&signals.signals[i], now);
            pass += j.verdict == JUDGED_PASS;
            fail += j.verdict == JUDGED_FAIL;
            unknown += j.verdict == JUDGED_UNKNOWN;
            if (j.value != NULL && j.value->observed_at > newest)
                newest = j.value->observed_at;
        }
        judge_signals_free(&signals);
    }
    json_set_int(o, "pass", pass);
    json_set_int(o, "fail", fail);
    json_set_int(o, "unknown", unknown);
    set_time(o, "reported_at", newest);
    return o;
}

/* ---- one by one --------------------------------------------------------------------------- */

static bool asks_for(const struct condition_list *when, const char *signal)
{
    for (size_t i = 0; i < when->count; i++) {
        const struct condition *c = &when->at[i];
        if (c->kind == COND_POSTURE)
            for (size_t k = 0; k < c->is.posture.count; k++)
                if (strcmp(c->is.posture.at[k].signal, signal) == 0)
                    return true;
        if (c->kind == COND_SCORE && strcmp(c->is.score.signal, signal) == 0)
            return true;
        if (c->kind == COND_NOT && asks_for(&c->is.not, signal))
            return true;
        if (c->kind == COND_ANY)
            for (size_t k = 0; k < c->is.any.count; k++)
                if (asks_for(&c->is.any.at[k], signal))
                    return true;
    }
    return false;
}

static bool any_asks_for(const struct rule *rules, size_t count, const char *signal)
{
    for (size_t i = 0; i < count; i++)
        if (asks_for(&rules[i].when, signal))
            return true;
    return false;
}

static struct json *asked_by(const struct policy_doc *doc, const char *signal)
{
    struct json *list = json_array();

    for (size_t i = 0; i < doc->count; i++) {
        const struct policy *p = &doc->policies[i];
        if (any_asks_for(p->deny, p->deny_count, signal) ||
            any_asks_for(p->require, p->require_count, signal) ||
            any_asks_for(p->allow, p->allow_count, signal))
            json_push(list, json_new_str(view_str(p->name)));
    }
    return list;
}

static void set_value(struct json *o, const struct fact_value *v)
{
    if (v == NULL || v->kind == VALUE_NONE)
        set_null(o, "value");
    else if (v->kind == VALUE_PASS_FAIL)
        json_set_cstr(o, "value", v->pass ? "pass" : "fail");
    else if (v->kind == VALUE_NUMBER)
        json_set(o, "value", json_new_real(v->number));
    else
        json_set_cstr(o, "value", v->text);
}

static struct json *source_object(const struct fact_value *v, sp_unix_ms now)
{
    struct json *o = json_object();

    json_set_cstr(o, "source", v->source);
    json_set_cstr(o, "assurance", assurance_word(v->assurance));
    set_value(o, v);
    json_set_cstr(o, "text", v->detail == NULL ? "" : v->detail);
    set_time(o, "observed_at", v->observed_at);
    set_time(o, "expires_at", v->expires_at);
    json_set_bool(o, "stale", v->expires_at <= now);
    return o;
}

/* All that say something of it, the one that decides first. */
static struct json *sources_of(const struct fact_signal *s, const struct fact_value *decides,
                               sp_unix_ms now)
{
    struct json *list = json_array();

    if (decides != NULL)
        json_push(list, source_object(decides, now));
    for (size_t i = 0; i < s->count; i++)
        if (&s->values[i] != decides)
            json_push(list, source_object(&s->values[i], now));
    return list;
}

static struct json *signal_object(const struct policy_doc *doc, const struct fact_signal *s,
                                  sp_unix_ms now)
{
    static const char *const words[] = {"unknown", "pass", "fail", "value"};
    struct judged j = posture_judge(s, now);
    struct json *o = json_object();
    char text[320] = "";

    if (j.value == NULL)
        snprintf(text, sizeof text, "never reported");
    else if (j.stale)
        snprintf(text, sizeof text, "expired: no newer value came");
    else if (s->count > 1)
        snprintf(text, sizeof text, "of %zu sources, %s decides%s%s", s->count, j.value->source,
                 j.value->detail != NULL && *j.value->detail ? ": " : "",
                 j.value->detail != NULL ? j.value->detail : "");
    else if (j.value->detail != NULL)
        snprintf(text, sizeof text, "%s", j.value->detail);
    json_set_cstr(o, "signal", s->name);
    json_set_cstr(o, "verdict", words[j.verdict]);
    set_value(o, j.value);
    json_set_cstr(o, "text", text);
    json_set_cstr(o, "source", j.value ? j.value->source : NULL);
    json_set_cstr(o, "assurance", j.value ? assurance_word(j.value->assurance) : NULL);
    set_time(o, "observed_at", j.value ? j.value->observed_at : 0);
    set_time(o, "expires_at", j.value ? j.value->expires_at : 0);
    json_set_bool(o, "stale", j.stale);
    json_set(o, "sources", sources_of(s, j.value, now));
    json_set(o, "asked_by", asked_by(doc, s->name));
    return o;
}

struct json *posture_signals(struct api *api, struct sp_id device)
{
    const struct rules_version *v = rules_hold(api->rules);
    struct judge_signals signals = {0};
    struct json *list = json_array();

    if (judge_signals(api->judge, device, &signals) == SP_OK) {
        for (size_t i = 0; i < signals.count; i++)
            json_push(list, signal_object(v->doc, &signals.signals[i], clock_unix()));
        judge_signals_free(&signals);
    }
    rules_release(api->rules, v);
    return list;
}

/* ---- what it opens ------------------------------------------------------------------------ */

enum { APPS_SHOWN_MAX = 200 };

struct json *posture_apps(struct api *api, struct sp_id device)
{
    static const char *const words[] = {"deny", "step_up", "allow"};
    struct visible_app *apps = calloc(APPS_SHOWN_MAX, sizeof *apps);
    struct visible_apps seen = {.at = apps, .max = APPS_SHOWN_MAX};
    struct net_address unknown = {0};
    struct json *list = json_array();

    if (apps == NULL ||
        session_apps(api->sessions, device, &unknown, (struct view){0}, &seen) != SP_OK)
        seen.count = 0; /* nobody is signed in on it */
    for (size_t i = 0; i < seen.count; i++) {
        struct json *o = json_object();
        set_ref(o, "app", apps[i].id, apps[i].name);
        json_set_cstr(o, "result", words[apps[i].access]);
        json_set_cstr(o, "reason", apps[i].why);
        json_push(list, o);
    }
    free(apps);
    return list;
}
