/* The trace of a decision as JSON text: one walk over the rules, no tree. */
#include "broker/policy/explain.h"
#include "broker/policy/opposite.h"
#include "broker/policy/say.h"
#include "lib/base/encode.h"

#include <stdlib.h>

enum { TRACE_BYTES_MAX = 1 << 20 };

struct trace {
    const struct policy_doc *doc;
    const struct facts *f;
    const struct decision *d;
    enum trace_form form;
    struct buf *out;
};

static void name(struct buf *out, const char *key)
{
    uint8_t last = out->len == 0 ? '{' : out->at[out->len - 1];

    if (last != '{' && last != '[')
        buf_add_byte(out, ',');
    encode_json_string(view_str(key), out);
    buf_add_byte(out, ':');
}

static void comma(struct buf *out)
{
    if (out->len > 0 && out->at[out->len - 1] != '[')
        buf_add_byte(out, ',');
}

static void text(struct buf *out, const char *key, const char *value)
{
    name(out, key);
    if (value == NULL)
        buf_add_str(out, "null");
    else
        encode_json_string(view_str(value), out);
}

static void number(struct buf *out, const char *key, int64_t value)
{
    name(out, key);
    buf_addf(out, "%lld", (long long)value);
}

static void truth(struct buf *out, const char *key, bool value)
{
    name(out, key);
    buf_add_str(out, value ? "true" : "false");
}

/* A member whose text the writer makes. */
static void said(struct buf *out, const char *key, const struct buf *words)
{
    name(out, key);
    encode_json_string(buf_view(words), out);
}

/* ---- conditions ---- */

static void evidence(const struct trace *t, const struct fact_value *v)
{
    if (v == NULL) {
        if (t->form == TRACE_PEOPLE) {
            text(t->out, "source", NULL);
            text(t->out, "assurance", NULL);
            text(t->out, "age_ms", NULL);
        }
        return;
    }
    text(t->out, "source", v->source);
    text(t->out, "assurance", assurance_word(v->assurance));
    number(t->out, "age_ms", t->f->now - v->observed_at);
}

static void one_test(const struct trace *t, const struct signal_test *test, const char *key)
{
    struct buf words;

    comma(t->out);
    buf_add_byte(t->out, '{');
    buf_init(&words, 1024);
    buf_addf(&words, "%s:%s", key, test->signal);
    said(t->out, "key", &words);
    if (t->form == TRACE_PEOPLE) {
        buf_reset(&words);
        say_asked_test(test, &words);
        said(t->out, "text", &words);
    }
    text(t->out, "value", tri_word(signal_test_value(test, t->f)));
    buf_reset(&words);
    say_fact_test(test, t->f, &words);
    said(t->out, "fact", &words);
    buf_deinit(&words);
    evidence(t, signal_test_evidence(test, t->f));
    buf_add_byte(t->out, '}');
}

static void one_condition(const struct trace *t, const struct condition *c)
{
    struct buf words;

    if (c->kind == COND_POSTURE) {
        for (size_t i = 0; i < c->is.posture.count; i++)
            one_test(t, &c->is.posture.at[i], "posture");
        return;
    }
    if (c->kind == COND_SCORE) {
        one_test(t, &c->is.score, "score");
        return;
    }
    comma(t->out);
    buf_add_byte(t->out, '{');
    text(t->out, "key", condition_word(c->kind));
    buf_init(&words, 4096);
    if (t->form == TRACE_PEOPLE) {
        say_asked(c, &words);
        said(t->out, "text", &words);
        buf_reset(&words);
    }
    text(t->out, "value", tri_word(condition_value(c, t->f, READ_AS_IS)));
    say_fact(c, t->f, &words);
    if (t->form == TRACE_PEOPLE || c->kind == COND_ANY || c->kind == COND_NOT)
        said(t->out, "fact", &words); /* else it stands once, under facts */
    buf_deinit(&words);
    evidence(t, NULL);
    buf_add_byte(t->out, '}');
}

/* ---- rules ---- */

static bool decides(const struct trace *t, const struct rule *r)
{
    const struct decision *d = t->d;
    enum tri holds = rule_value(r, t->f, READ_AS_IS);

    switch (d->reason) {
    case REASON_DENY_RULE:
        return r->effect == EFFECT_DENY &&
               (holds == TRI_YES || (holds == TRI_UNKNOWN && r->or_unknown));
    case REASON_REQUIREMENT:
        return r->effect == EFFECT_REQUIRE && rule_value(r, t->f, READ_MFA_GIVEN) != TRI_YES;
    case REASON_NONE:
        return r->effect == EFFECT_ALLOW && holds == TRI_YES;
    case REASON_NO_ALLOW:
    case REASON_STEP_UP:
        return r == d->rule;
    case REASON_ERROR:
    case REASON_NOT_VISIBLE:
    case REASON_GROUPS_UNKNOWN:
        break;
    }
    return false;
}

static void one_rule(const struct trace *t, const struct policy *p, const struct rule *r)
{
    comma(t->out);
    buf_add_byte(t->out, '{');
    text(t->out, "policy", p->name);
    text(t->out, "rule", r->name);
    if (t->form == TRACE_PEOPLE)
        number(t->out, "line", r->line);
    text(t->out, "value", tri_word(rule_value(r, t->f, READ_AS_IS)));
    if (t->form == TRACE_PEOPLE || decides(t, r))
        truth(t->out, "decides", decides(t, r));
    if (t->form == TRACE_PEOPLE)
        text(t->out, "message", r->message);
    name(t->out, "conditions");
    buf_add_byte(t->out, '[');
    for (size_t i = 0; i < r->when.count; i++)
        one_condition(t, &r->when.at[i]);
    buf_add_str(t->out, "]}");
}

struct place {
    const struct policy *policy;
    const struct rule *rule;
    size_t lacks;
};

static int nearest_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->lacks != y->lacks)
        return x->lacks < y->lacks ? -1 : 1;
    int by_policy = strcmp(x->policy->name, y->policy->name);
    return by_policy != 0 ? by_policy : strcmp(x->rule->name, y->rule->name);
}

static const struct rule *of_effect(const struct policy *p, enum effect effect, size_t *count)
{
    *count = effect == EFFECT_DENY      ? p->deny_count
             : effect == EFFECT_REQUIRE ? p->require_count
                                        : p->allow_count;
    return effect == EFFECT_DENY ? p->deny : effect == EFFECT_REQUIRE ? p->require : p->allow;
}

static size_t collect(const struct trace *t, enum effect effect, struct place *out)
{
    size_t n = 0, count = 0;

    for (size_t i = 0; i < t->doc->count; i++) {
        const struct policy *p = &t->doc->policies[i];
        if (p->mode != POLICY_ENFORCE || !policy_covers(p, t->f))
            continue;
        const struct rule *rules = of_effect(p, effect, &count);
        for (size_t k = 0; k < count; k++, n++)
            if (out != NULL)
                out[n] = (struct place){p, &rules[k], rule_lacks(&rules[k], t->f, NULL)};
    }
    return n;
}

static void rules(const struct trace *t, enum effect effect)
{
    size_t n = collect(t, effect, NULL);
    struct place *places = calloc(n + 1, sizeof *places);

    name(t->out, effect_word(effect));
    buf_add_byte(t->out, '[');
    if (places == NULL) {
        t->out->err = SP_ERR_NOMEM;
    } else {
        (void)collect(t, effect, places); /* the same n */
        qsort(places, n, sizeof *places, nearest_first);
        for (size_t i = 0; i < n; i++)
            one_rule(t, places[i].policy, places[i].rule);
    }
    free(places);
    buf_add_byte(t->out, ']');
}

/* ---- limits, changes, facts ---- */

static void limit(struct buf *out, const char *key, bool set, int64_t ms)
{
    if (set)
        number(out, key, ms);
    else
        text(out, key, NULL);
}

static void limits(const struct trace *t)
{
    const struct limits *l = &t->d->limits;

    name(t->out, "limits");
    buf_add_byte(t->out, '{');
    limit(t->out, "session_max_ms", l->session_max_ms != 0, l->session_max_ms);
    limit(t->out, "idle_ms", l->idle_ms != 0, l->idle_ms);
    limit(t->out, "reverify_ms", l->reverify_ms != 0, l->reverify_ms);
    text(t->out, "step_up_kind", l->step_up == MFA_NONE ? NULL : mfa_word(l->step_up));
    limit(t->out, "step_up_every_ms", l->step_up != MFA_NONE, l->step_up_every_ms);
    buf_add_byte(t->out, '}');
}

static void change_of(const struct trace *t, const char *what, const struct condition *c)
{
    struct buf words;

    buf_init(&words, 2048);
    buf_add_str(&words, what);
    say_asked(c, &words);
    buf_add_str(&words, "; now: ");
    say_fact(c, t->f, &words);
    comma(t->out);
    encode_json_string(buf_view(&words), t->out);
    buf_deinit(&words);
}

static void opposite_fact(const struct trace *t, const struct opposite_fact *o)
{
    struct buf words;

    if (o->test == NULL) {
        change_of(t, o->ends ? "no longer: " : "", o->condition);
        return;
    }
    buf_init(&words, 2048);
    buf_add_str(&words, o->ends ? "no longer: " : "");
    say_asked_test(o->test, &words);
    buf_add_str(&words, "; now: ");
    say_fact_test(o->test, t->f, &words);
    comma(t->out);
    encode_json_string(buf_view(&words), t->out);
    buf_deinit(&words);
}

static void opposite(const struct trace *t)
{
    struct opposite o;

    opposite_of(t->doc, t->f, t->d, &o);
    name(t->out, "opposite");
    buf_add_byte(t->out, '[');
    for (size_t i = 0; i < o.count; i++)
        opposite_fact(t, &o.at[i]);
    buf_add_byte(t->out, ']');
}

/* For a denial: what the rules behind it lack (or, of a deny rule, what makes it hold). */
static void changes(const struct trace *t)
{
    static const enum effect effects[] = {EFFECT_DENY, EFFECT_REQUIRE, EFFECT_ALLOW};
    size_t count = 0;

    name(t->out, "changes_it");
    buf_add_byte(t->out, '[');
    for (size_t i = 0; t->d->verdict != VERDICT_ALLOW && i < t->doc->count; i++) {
        const struct policy *p = &t->doc->policies[i];
        if (p->mode != POLICY_ENFORCE || !policy_covers(p, t->f))
            continue;
        for (size_t e = 0; e < 3; e++) {
            const struct rule *list = of_effect(p, effects[e], &count);
            for (size_t k = 0; k < count; k++) {
                bool deny = list[k].effect == EFFECT_DENY;
                for (size_t n = 0; decides(t, &list[k]) && n < list[k].when.count; n++) {
                    const struct condition *c = &list[k].when.at[n];
                    if (deny || condition_value(c, t->f, READ_AS_IS) != TRI_YES)
                        change_of(t, deny ? "not: " : "", c);
                }
            }
        }
    }
    buf_add_byte(t->out, ']');
}

static void one_value(const struct trace *t, const char *signal, const struct fact_value *v)
{
    comma(t->out);
    buf_add_byte(t->out, '{');
    text(t->out, "signal", signal);
    name(t->out, "value");
    if (v->kind == VALUE_PASS_FAIL)
        buf_add_str(t->out, v->pass ? "\"pass\"" : "\"fail\"");
    else if (v->kind == VALUE_NUMBER)
        buf_addf(t->out, "%.15g", v->number);
    else if (v->kind == VALUE_NONE)
        buf_add_str(t->out, "null");
    else
        encode_json_string(view_str(v->text == NULL ? "" : v->text), t->out);
    text(t->out, "source", v->source);
    text(t->out, "assurance", assurance_word(v->assurance));
    number(t->out, "age_ms", t->f->now - v->observed_at);
    number(t->out, "ttl_ms", v->expires_at - t->f->now);
    buf_add_byte(t->out, '}');
}

static void proofs(const struct trace *t)
{
    name(t->out, "mfa");
    buf_add_byte(t->out, '[');
    for (size_t i = 0; i < t->f->proof_count; i++) {
        const struct mfa_proof *p = &t->f->proofs[i];
        comma(t->out);
        buf_add_byte(t->out, '{');
        text(t->out, "kind", mfa_word(p->kind));
        number(t->out, "age_ms", t->f->mfa_now - p->at);
        if (p->acr != NULL)
            text(t->out, "acr", p->acr);
        name(t->out, "amr");
        buf_add_byte(t->out, '[');
        for (size_t k = 0; k < p->amr_count; k++) {
            comma(t->out);
            encode_json_string(view_str(p->amr[k]), t->out);
        }
        buf_add_str(t->out, "]}");
    }
    buf_add_byte(t->out, ']');
}

static void texts(struct buf *out, const char *key, const char *const *at, size_t count)
{
    name(out, key);
    buf_add_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        comma(out);
        encode_json_string(view_str(at[i]), out);
    }
    buf_add_byte(out, ']');
}

static void peer(const struct trace *t)
{
    static const struct condition network = {.kind = COND_NETWORK};
    struct buf words;

    buf_init(&words, 64);
    say_fact(&network, t->f, &words);
    said(t->out, "network", &words);
    buf_deinit(&words);
}

/* Enough to run the decision again (ZT-7): decide() over these gives the same answer. */
static void facts(const struct trace *t)
{
    const struct facts *f = t->f;
    struct buf *out = t->out;

    name(out, "facts");
    buf_add_byte(out, '{');
    number(out, "now", f->now);
    text(out, "user", f->user);
    truth(out, "groups_known", f->groups_known);
    if (f->groups_detail != NULL && *f->groups_detail != '\0')
        text(out, "groups_detail", f->groups_detail);
    texts(out, "groups", f->groups, f->group_count);
    number(out, "mfa_now", f->mfa_now);
    proofs(t);
    if (f->proof_is_for_session)
        truth(out, "proof_is_for_session", true);
    if (f->device_known) {
        name(out, "device");
        buf_add_byte(out, '{');
        text(out, "state", device_state_word(f->device_state));
        text(out, "owner", device_owner_word(f->device_owner));
        text(out, "key", device_key_word(f->device_key));
        buf_add_byte(out, '}');
    } else {
        text(out, "device", NULL);
    }
    name(out, "posture");
    buf_add_byte(out, '[');
    for (size_t i = 0; i < f->signal_count; i++)
        for (size_t k = 0; k < f->signals[i].count; k++)
            if (f->signals[i].values[k].kind != VALUE_NONE || t->form == TRACE_PEOPLE)
                one_value(t, f->signals[i].name, &f->signals[i].values[k]);
    buf_add_byte(out, ']');
    peer(t);
    text(out, "country", f->country);
    text(out, "risk", f->risk == RISK_NONE ? NULL : risk_word(f->risk));
    truth(out, "clock_alarm", f->clock_alarm);
    text(out, "app", f->app);
    name(out, "labels");
    buf_add_byte(out, '{');
    for (size_t i = 0; i < f->label_count; i++)
        text(out, f->labels[i].key, f->labels[i].value);
    buf_add_byte(out, '}');
    if (f->access_until != 0) {
        name(out, "access");
        buf_add_byte(out, '{');
        text(out, "request", f->access_ref);
        number(out, "ttl_ms", f->access_until - f->now);
        buf_add_byte(out, '}');
    }
    buf_add_byte(out, '}');
}

void explain_trace_text(const struct policy_doc *doc, const struct facts *f,
                        const struct decision *d, enum trace_form form, struct buf *out)
{
    struct trace t = {doc, f, d, form, out};
    struct buf line;

    buf_add_byte(out, '{');
    text(out, "result", verdict_word(d->verdict));
    text(out, "reason", d->reason == REASON_NONE ? "ok" : reason_word(d->reason));
    buf_init(&line, 4096);
    explain_line(doc, f, d, &line);
    said(out, "decided", &line);
    buf_deinit(&line);
    name(out, "policy_version");
    buf_addf(out, "%llu", (unsigned long long)d->policy_version);
    rules(&t, EFFECT_REQUIRE);
    rules(&t, EFFECT_ALLOW);
    rules(&t, EFFECT_DENY);
    limits(&t);
    if (form == TRACE_PEOPLE) {
        changes(&t);
        opposite(&t);
    }
    facts(&t);
    buf_add_byte(out, '}');
}

struct json *explain_trace(const struct policy_doc *doc, const struct facts *f,
                           const struct decision *d, enum trace_form form)
{
    struct json *tree = NULL;
    struct buf out;

    buf_init(&out, TRACE_BYTES_MAX);
    explain_trace_text(doc, f, d, form, &out);
    if (buf_error(&out) != SP_OK ||
        json_parse(buf_view(&out), TRACE_BYTES_MAX, NULL, &tree) != SP_OK)
        tree = NULL;
    buf_deinit(&out);
    return tree;
}
