/* Facts that people write: rows of a document's tests, and simulations. */
#include "broker/policy/parse_internal.h"
#include "broker/policy/tests.h"

#include <stdlib.h>

enum { DEFAULT_TTL_MS = 15 * 60 * 1000, DEFAULT_AGE_MS = 60 * 1000 };

struct row {
    struct parser *p;
    struct facts *f;
    sp_unix_ms now; /* 0: ages count back from 0 and are moved when the test runs */
};

static void mfa(struct row *r, const struct json *node)
{
    static const char *const keys[] = {"kind", "age", "amr", "acr", "for_session", NULL};
    struct mfa_proof *proof = &r->f->proofs[0];

    if (!parser_object(r->p, node, keys))
        return;
    proof->kind = MFA_OTP;
    if (json_get(node, "kind") != NULL)
        proof->kind = (enum mfa_kind)parser_word(r->p, json_get(node, "kind"), parse_mfa_words);
    int64_t age = DEFAULT_AGE_MS;
    if (json_get(node, "age") != NULL)
        age = parser_duration(r->p, json_get(node, "age"), 0);
    proof->at = r->now - age;
    if (json_get(node, "acr") != NULL)
        proof->acr = parser_text(r->p, json_get(node, "acr"), POLICY_NAME_MAX);
    if (json_get(node, "amr") != NULL) {
        struct text_list amr = parser_texts(r->p, json_get(node, "amr"), POLICY_NAME_MAX);
        proof->amr = amr.at;
        proof->amr_count = amr.count;
    }
    if (json_get(node, "for_session") != NULL)
        r->f->proof_is_for_session = parser_bool(r->p, json_get(node, "for_session"));
    r->f->proof_count = 1;
}

static void device(struct row *r, const struct json *node)
{
    static const char *const keys[] = {"state", "owner", "key", NULL};
    static const char *const words[] = {"", "none", NULL};
    const struct json *member = NULL;

    if (json_kind(node) == JSON_STRING) { /* "none": no agent */
        (void)parser_word(r->p, node, words);
        r->f->device_known = false;
        return;
    }
    if (!parser_object(r->p, node, keys))
        return;
    r->f->device_known = true;
    if ((member = json_get(node, "state")) != NULL)
        r->f->device_state = (enum device_state)parser_word(r->p, member, parse_device_states);
    if ((member = json_get(node, "owner")) != NULL)
        r->f->device_owner = (enum device_owner)parser_word(r->p, member, parse_device_owners);
    if ((member = json_get(node, "key")) != NULL)
        r->f->device_key = (enum device_key)parser_word(r->p, member, parse_device_keys);
}

static void value_of(struct row *r, const struct json *node, struct fact_value *v)
{
    const struct json *value = json_get(node, "value");

    if (json_number(value, &v->number)) {
        v->kind = VALUE_NUMBER;
    } else if (view_is(json_str(value), "pass") || view_is(json_str(value), "fail")) {
        v->kind = VALUE_PASS_FAIL;
        v->pass = view_is(json_str(value), "pass");
    } else {
        v->kind = VALUE_TEXT;
        v->text = parser_text(r->p, value, POLICY_NAME_MAX);
    }
}

/* Source, assurance and times: the same for a signal and a score. */
static void origin_of(struct row *r, const struct json *node, const char *source,
                      enum assurance assurance, int64_t ttl, struct fact_value *v)
{
    int64_t age = DEFAULT_AGE_MS;

    v->source =
        json_get(node, "source") == NULL ? source : parser_text(r->p, json_get(node, "source"), 64);
    v->assurance =
        json_get(node, "assurance") == NULL
            ? assurance
            : (enum assurance)parser_word(r->p, json_get(node, "assurance"), parse_assurance_words);
    if (json_get(node, "age") != NULL)
        age = parser_duration(r->p, json_get(node, "age"), 0);
    if (json_get(node, "ttl") != NULL)
        ttl = parser_duration(r->p, json_get(node, "ttl"), 1);
    v->observed_at = r->now - age;
    v->expires_at = v->observed_at + ttl;
}

struct named_value {
    const char *name;
    struct fact_value value;
};

static void one_signal(struct row *r, const struct json *node, struct named_value *out)
{
    static const char *const keys[] = {"signal", "value", "source", "assurance",
                                       "age",    "ttl",   NULL};
    if (!parser_object(r->p, node, keys))
        return;
    out->name = parser_text(r->p, json_get(node, "signal"), 160);
    value_of(r, node, &out->value);
    origin_of(r, node, "agent", ASSURANCE_SIGNED, DEFAULT_TTL_MS, &out->value);
}

static void one_score(struct row *r, const struct json *node, struct named_value *out)
{
    static const char *const keys[] = {"feed", "field", "value", "age", "ttl", NULL};
    struct buf name;

    if (!parser_object(r->p, node, keys))
        return;
    const char *feed = parser_text(r->p, json_get(node, "feed"), 64);
    buf_init(&name, 160);
    buf_add_str(&name, feed);
    buf_add_str(&name, ":");
    buf_add_str(&name, parser_text(r->p, json_get(node, "field"), 64));
    out->name = arena_text(r->p->arena, buf_view(&name));
    buf_deinit(&name);
    if (!json_number(json_get(node, "value"), &out->value.number))
        parser_refuse(r->p, node, SP_ERR_INVALID, "a score is a number");
    out->value.kind = VALUE_NUMBER;
    origin_of(r, node, feed, ASSURANCE_VENDOR, (int64_t)48 * 3600 * 1000, &out->value);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named_value *)a)->name, ((const struct named_value *)b)->name);
}

/* Values of one name become one signal with several sources. */
static void group_values(struct row *r, struct named_value *all, size_t n)
{
    struct fact_signal *signals = arena_array(r->p->arena, n, sizeof *signals);
    struct fact_value *values = arena_array(r->p->arena, n, sizeof *values);
    size_t count = 0;

    if (signals == NULL || values == NULL || n == 0)
        return;
    qsort(all, n, sizeof *all, by_name);
    for (size_t i = 0; i < n; i++) {
        values[i] = all[i].value;
        if (count == 0 || strcmp(signals[count - 1].name, all[i].name) != 0)
            signals[count++] = (struct fact_signal){all[i].name, &values[i], 0};
        signals[count - 1].count++;
    }
    r->f->signals = signals;
    r->f->signal_count = count;
}

static void signals(struct row *r, const struct json *posture, const struct json *score)
{
    size_t n = json_len(posture) + json_len(score), at = 0;

    if ((posture != NULL && json_kind(posture) != JSON_ARRAY) ||
        (score != NULL && json_kind(score) != JSON_ARRAY)) {
        parser_refuse(r->p, posture, SP_ERR_MALFORMED, "posture and score are lists");
        return;
    }
    struct named_value *all = arena_array(r->p->arena, n, sizeof *all);
    for (size_t i = 0; all != NULL && i < json_len(posture) && r->p->err == SP_OK; i++)
        one_signal(r, json_at(posture, i), &all[at++]);
    for (size_t i = 0; all != NULL && i < json_len(score) && r->p->err == SP_OK; i++)
        one_score(r, json_at(score, i), &all[at++]);
    if (r->p->err == SP_OK)
        group_values(r, all, at);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void groups(struct row *r, const struct json *node)
{
    if (node == NULL || (json_kind(node) == JSON_ARRAY && json_len(node) == 0))
        return;
    struct text_list list = parser_texts(r->p, node, POLICY_NAME_MAX);
    if (r->p->err != SP_OK)
        return;
    const char **sorted = arena_array(r->p->arena, list.count, sizeof *sorted);
    if (sorted == NULL)
        return;
    memcpy(sorted, list.at, list.count * sizeof *sorted);
    qsort(sorted, list.count, sizeof *sorted, by_text);
    r->f->groups = sorted;
    r->f->group_count = list.count;
}

static const char *const fact_keys[] = {"user",   "groups",  "app",          "labels",  "mfa",
                                        "device", "posture", "score",        "network", "country",
                                        "risk",   "at",      "groups_known", "access",  NULL};
static const char *const test_keys[] = {
    "user",    "groups", "app", "labels",       "mfa",    "device", "posture", "score", "network",
    "country", "risk",   "at",  "groups_known", "access", "expect", "reason",  NULL};

static void facts_of(struct row *r, const struct json *node)
{
    struct parser *p = r->p;
    struct facts *f = r->f;
    const struct json *member = NULL;
    struct cidr peer;

    f->groups_known = true;
    if ((member = json_get(node, "at")) != NULL)
        f->now = r->now = parser_rfc3339(p, member);
    f->mfa_now = r->now;
    if ((member = json_get(node, "user")) != NULL)
        f->user = parser_text(p, member, POLICY_NAME_MAX);
    groups(r, json_get(node, "groups"));
    if ((member = json_get(node, "groups_known")) != NULL)
        f->groups_known = parser_bool(p, member);
    if ((member = json_get(node, "app")) != NULL)
        f->app = parser_text(p, member, POLICY_NAME_MAX);
    if ((member = json_get(node, "labels")) != NULL)
        f->labels = parser_labels(p, member, &f->label_count);
    if ((member = json_get(node, "mfa")) != NULL)
        mfa(r, member);
    if ((member = json_get(node, "device")) != NULL)
        device(r, member);
    signals(r, json_get(node, "posture"), json_get(node, "score"));
    if ((member = json_get(node, "network")) != NULL) {
        f->peer.known = parse_cidr(json_str(member), &peer) && peer.bits == 128;
        if (!f->peer.known)
            parser_refuse(p, member, SP_ERR_INVALID, "expected one address");
        else
            memcpy(f->peer.bytes, peer.bytes, sizeof f->peer.bytes);
    }
    if ((member = json_get(node, "country")) != NULL)
        f->country = parser_text(p, member, 2);
    if ((member = json_get(node, "access")) != NULL) {
        f->access_until = r->now + parser_duration(p, member, 1);
        f->access_ref = "R-TEST";
    }
    if ((member = json_get(node, "risk")) != NULL)
        f->risk = (enum risk_level)parser_word(p, member, parse_risk_words);
}

void parse_test(struct parser *p, const struct json *node, struct policy_test *out)
{
    static const char *const verdicts[] = {"", "deny", "step_up", "allow", NULL};
    static const char *const reasons[] = {"",          "not_visible", "groups_unknown",
                                          "deny_rule", "requirement", "no_allow",
                                          "step_up",   NULL};
    struct facts *f = arena_array(p->arena, 1, sizeof *f);
    struct row r = {p, f, 0};

    out->line = parser_line(p, node);
    if (f == NULL || !parser_object(p, node, test_keys))
        return;
    facts_of(&r, node);
    if (f->app == NULL)
        parser_refuse(p, node, SP_ERR_INVALID, "a test names its app");
    unsigned verdict = parser_word(p, json_get(node, "expect"), verdicts);
    out->expect = verdict == 0 ? VERDICT_DENY : (enum verdict)(verdict - 1);
    if (json_get(node, "reason") != NULL)
        out->reason = (enum reason)parser_word(p, json_get(node, "reason"), reasons);
    out->facts = f;
}

void facts_free(struct facts *f)
{
    struct facts_memory *m = (struct facts_memory *)f;

    if (m == NULL)
        return;
    arena_free(m->arena);
    free(m);
}

sp_error facts_from_json(const struct json *row, sp_unix_ms now, struct sp_why *why,
                         struct facts **out)
{
    struct facts_memory *m = calloc(1, sizeof *m);
    sp_error e = SP_ERR_NOMEM;

    if (m != NULL && (m->arena = arena_new()) != NULL) {
        struct parser p = {.arena = m->arena, .why = why};
        struct row r = {&p, &m->facts, now};
        m->facts.now = now;
        if (parser_object(&p, row, fact_keys))
            facts_of(&r, row);
        m->facts.app_exists = m->facts.app != NULL;
        e = p.err != SP_OK ? p.err : arena_error(m->arena);
    }
    if (e == SP_OK)
        *out = &m->facts;
    else
        facts_free(m == NULL ? NULL : &m->facts);
    return e;
}
