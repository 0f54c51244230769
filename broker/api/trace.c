#include "broker/api/trace.h"

#include "broker/api/call.h"
#include "broker/policy/parse.h"
#include "broker/policy/tests.h"
#include "broker/session/rules.h"

struct json *trace_object(const struct names *n, const struct trace_about *about,
                          const struct json *trace, const struct sentences *sentences)
{
    struct json *o = trace ? json_copy(trace) : json_object();
    struct json *reasons = json_array(), *remedies = json_array();

    for (size_t i = 0; sentences != NULL && i < sentences->count; i++) {
        json_push(reasons, json_new_str(view_str(sentences->at[i].reason)));
        if (sentences->at[i].remedy[0] != '\0')
            json_push(remedies, json_new_str(view_str(sentences->at[i].remedy)));
    }
    set_text_or_null(o, "request_id", about->request);
    json_set_time(o, "at", about->at);
    set_ref(o, "user", about->user, about->user_name);
    set_device(o, "device", n, about->device);
    set_ref(o, "app", about->app, about->app_name);
    json_set(o, "reasons", reasons);
    json_set(o, "remedies", remedies);
    return o;
}

/* ---- a recorded decision in words ---------------------------------------------------------- */

static bool parse_version(void *arg, const struct policy_row *row)
{
    struct policy_doc **out = arg;

    if (policy_parse(row->text, NULL, NULL, out) == SP_OK)
        (*out)->version = row->ver;
    return false;
}

static struct policy_doc *doc_of(struct api *api, const struct json *detail)
{
    struct store *st = registry_store(api->registry);
    struct policy_doc *doc = NULL;
    int64_t ver;

    if (json_get_int(detail, "policy_version", 1, INT64_MAX, &ver) != SP_OK)
        return NULL;
    /* A version that can't be read is as good as none. */
    sp_ignore(store_services(st)->registry->policy_get(st, (uint64_t)ver, parse_version, &doc));
    return doc;
}

static bool same_member(const struct json *a, const struct json *b, const char *name)
{
    const char *x = json_cstr(json_get(a, name)), *y = json_cstr(json_get(b, name));

    return x != NULL && y != NULL && strcmp(x, y) == 0;
}

/* What the record alone knows of a condition: values that could not be told are in none of its
 * facts, but in the words of the conditions that asked for them. */
static void take_evidence(struct json *condition, const struct json *recorded)
{
    static const char *const kept[] = {"fact", "source", "assurance", "age_ms"};

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (json_get(recorded, kept[i]) != NULL)
            json_set(condition, kept[i], json_copy(json_get(recorded, kept[i])));
}

static const struct json *recorded_rule(const struct json *list, const struct json *rule)
{
    for (size_t i = 0; i < json_len(list); i++)
        if (same_member(json_at(list, i), rule, "policy") &&
            same_member(json_at(list, i), rule, "rule"))
            return json_at(list, i);
    return NULL;
}

static void add_change(struct json *changes, bool deny, const struct json *condition)
{
    const char *text = json_cstr(json_get(condition, "text"));
    const char *fact = json_cstr(json_get(condition, "fact"));
    struct buf words;

    if (text == NULL || fact == NULL)
        return;
    buf_init(&words, AUDIT_RECORD_MAX);
    buf_addf(&words, "%s%s; it was: %s", deny ? "not: " : "", text, fact);
    json_push(changes, json_new_str(buf_view(&words)));
    buf_deinit(&words);
}

/* The rules of one effect: the evidence of the record in each, and what would change the result. */
static void settle_rules(struct json *trace, const struct json *detail, const char *effect,
                         struct json *changes)
{
    struct json *rules = json_get(trace, effect);
    bool deny = strcmp(effect, "deny") == 0;

    for (size_t i = 0; i < json_len(rules); i++) {
        struct json *rule = json_at(rules, i), *list = json_get(rule, "conditions");
        const struct json *then = recorded_rule(json_get(detail, effect), rule);
        const struct json *seen = json_get(then, "conditions");
        for (size_t k = 0; k < json_len(list); k++) {
            struct json *c = json_at(list, k);
            const char *value = json_cstr(json_get(c, "value"));
            if (json_len(seen) == json_len(list))
                take_evidence(c, json_at(seen, k));
            if (json_is_true(json_get(rule, "decides")) &&
                (deny || (value != NULL && strcmp(value, "true") != 0)))
                add_change(changes, deny, c);
        }
    }
}

/* The record's evidence, and nothing that was made from the facts without it. */
static void as_recorded(struct json *trace, const struct json *detail)
{
    struct json *changes = json_array();

    settle_rules(trace, detail, "deny", changes);
    settle_rules(trace, detail, "require", changes);
    settle_rules(trace, detail, "allow", changes);
    if (strcmp(json_cstr(json_get(trace, "result")), verdict_word(VERDICT_ALLOW)) == 0) {
        json_free(changes); /* nothing to change */
        changes = json_array();
    }
    json_set(trace, "changes_it", changes);
    json_remove(trace, "opposite");
    json_set(trace, "limits", json_copy(json_get(detail, "limits"))); /* the app may have others */
    json_set(trace, "facts", json_copy(json_get(detail, "facts")));
}

static struct json *decide_as_then(struct api *api, const struct policy_doc *doc,
                                   const struct facts *f, const struct json *detail)
{
    const struct rules_version *now = rules_hold(api->rules);
    const struct rules_app *app = rules_app(now, view_str(f->app));
    struct decision d = decide(doc, app == NULL ? NULL : &app->limits, f);
    struct json *trace = explain_trace(doc, f, &d, TRACE_PEOPLE);

    rules_release(api->rules, now);
    if (!same_member(trace, detail, "result") || !same_member(trace, detail, "reason") ||
        !same_member(trace, detail, "decided")) {
        json_free(trace);
        return NULL;
    }
    as_recorded(trace, detail);
    return trace;
}

struct json *trace_again(struct api *api, const struct json *record)
{
    const struct json *detail = json_get(record, "detail");
    struct policy_doc *doc = doc_of(api, detail);
    struct json *trace = NULL;
    struct facts *f = NULL;
    struct sp_id app = {{0}};

    if (doc != NULL && json_get(detail, "facts") != NULL && json_get(detail, "limits") != NULL &&
        facts_from_trace(detail, &f) == SP_OK) {
        f->app_exists = json_get_id(record, "app", &app) == SP_OK && !id_is_zero(app);
        trace = decide_as_then(api, doc, f, detail);
        facts_free(f);
    }
    policy_doc_free(doc);
    return trace;
}
