/* The sentence and the remedy of each condition that is not met. */
#include "broker/policy/tell.h"

#include "broker/policy/say.h"
#include "broker/policy/window.h"
#include "broker/policy/zone.h"
#include "lib/base/encode.h"

#include <stdio.h>

enum { MINUTE = 60 * 1000 };

static void copy(const struct buf *from, char to[EXPLAIN_TEXT_MAX])
{
    size_t len = from->len < LINE_BYTES ? from->len : LINE_BYTES;

    memset(to, 0, EXPLAIN_TEXT_MAX);
    if (len > 0)
        memcpy(to, from->at, len);
}

void tell(struct teller *t, struct buf *reason, struct buf *remedy)
{
    char text[EXPLAIN_TEXT_MAX] = {0};
    bool known = t->out->count >= EXPLAIN_LINES_MAX;

    copy(reason, text);
    for (size_t i = 0; i < t->out->count; i++)
        known = known || strcmp(t->out->at[i].reason, text) == 0;
    if (!known) {
        memcpy(t->out->at[t->out->count].reason, text, sizeof text);
        copy(remedy, t->out->at[t->out->count].remedy);
        t->out->count++;
    }
    buf_deinit(reason);
    buf_deinit(remedy);
}

void tell_text(struct teller *t, const char *reason, const char *before, const char *name,
               const char *after)
{
    struct buf r, m;

    buf_init(&r, LINE_BYTES);
    buf_init(&m, LINE_BYTES);
    buf_add_str(&r, reason);
    buf_add_str(&m, before);
    buf_add_str(&m, name);
    buf_add_str(&m, after);
    tell(t, &r, &m);
}

void tell_app(const struct teller *t, bool capital, struct buf *out)
{
    struct view name = buf_view(&t->app);

    if (capital && name.len > 0 && name.at[0] >= 'a' && name.at[0] <= 'z') {
        buf_add_byte(out, (uint8_t)(name.at[0] - 'a' + 'A'));
        name = view_slice(name, 1, name.len);
    }
    buf_add(out, name);
}

/* ---- posture, score, device ---- */

/* "falcon:overall", "intune:compliance": what only a vendor can say, by its namespace. */
static void tell_vendor_remedy(struct teller *t, const char *signal, struct buf *m)
{
    struct view feed = view_slice(view_str(signal), 0, strcspn(signal, ":"));
    char name[64];

    view_copy(name, sizeof name, feed);
    if (view_is(feed, "falcon"))
        buf_add_str(m, "Check that the sensor runs; then `sallyport why ");
    else
        buf_addf(m, "Check that this device syncs with %s; then `sallyport why ", say_source(name));
    tell_app(t, false, m);
    buf_add_str(m, "`.");
}

static void tell_unknown_signal(struct teller *t, const struct signal_test *test,
                                const struct fact_value *v, bool score)
{
    struct buf r, m;

    buf_init(&r, LINE_BYTES);
    buf_init(&m, LINE_BYTES);
    say_signal(test->signal, &r);
    buf_add_str(&r, ": unknown, ");
    bool stale =
        v != NULL && (t->f->now >= v->expires_at ||
                      (test->max_age_ms > 0 && t->f->now - v->observed_at > test->max_age_ms));
    if (v == NULL) {
        buf_add_str(&r, "never reported.");
    } else if (v->kind == VALUE_NONE && !stale) {
        if (v->detail != NULL && *v->detail != '\0')
            encode_visible(view_str(v->detail), &r);
        else
            buf_addf(&r, "%s could not tell", say_source(v->source));
        buf_addf(&r, " (");
        say_age(t->f->now - v->observed_at, &r);
        buf_add_str(&r, " ago).");
    } else if (stale || v->assurance >= test->assurance) {
        buf_add_str(&r, score ? "last value " : "last report ");
        say_age(t->f->now - v->observed_at, &r);
        buf_add_str(&r, " ago.");
    } else {
        buf_addf(&r, "the word of %s is not enough here.", say_source(v->source));
    }
    if (score || strchr(test->signal, ':') != NULL) {
        tell_vendor_remedy(t, test->signal, &m);
    } else if (v != NULL && v->kind == VALUE_NONE && !stale) {
        buf_addf(
            &m,
            "%s, then `sallyport posture --send`; `sallyport posture --explain` says what is read.",
            say_remedy(test->signal));
    } else {
        buf_add_str(&m, "Is the agent running? `sallyport posture --send`");
    }
    tell(t, &r, &m);
}

static void tell_bad_signal(struct teller *t, const struct signal_test *test,
                            const struct fact_value *v)
{
    static const char *const ops[] = {"", "", "one of", "at least", "at most"};
    struct buf r, m;

    buf_init(&r, LINE_BYTES);
    buf_init(&m, LINE_BYTES);
    say_signal(test->signal, &r);
    buf_add_str(&r, ": ");
    say_value(test->signal, v, &r);
    if (test->op == TEST_IS || v == NULL) {
        buf_addf(&r, ", says %s (", v == NULL ? "nobody" : say_source(v->source));
        say_age(v == NULL ? 0 : t->f->now - v->observed_at, &r);
        buf_add_str(&r, " ago).");
    } else {
        buf_addf(&r, ", %s %s is asked.", ops[test->op], test->values[0].text);
    }
    buf_add_str(&m, say_remedy(test->signal));
    if (v != NULL && strcmp(v->source, "agent") == 0)
        buf_add_str(&m, ", then `sallyport posture --send`");
    else if (v != NULL && strcmp(v->source, "admin") != 0)
        buf_addf(&m, ", then sync %s.", say_source(v->source));
    tell(t, &r, &m);
}

static void tell_signal(struct teller *t, const struct signal_test *test, bool score)
{
    enum tri holds = signal_test_value(test, t->f);

    if (holds == TRI_UNKNOWN)
        tell_unknown_signal(t, test, signal_test_evidence(test, t->f), score);
    else if (holds == TRI_NO)
        tell_bad_signal(t, test, signal_test_evidence(test, t->f));
}

static void tell_posture(struct teller *t, const struct condition *c)
{
    if (!t->f->device_known) { /* one cause, one sentence */
        tell_text(t, "This app needs the Sallyport agent.", "Install the agent.", "", "");
        return;
    }
    for (size_t i = 0; i < c->is.posture.count; i++)
        tell_signal(t, &c->is.posture.at[i], false);
}

static void tell_score(struct teller *t, const struct condition *c)
{
    tell_signal(t, &c->is.score, true);
}

static void tell_device(struct teller *t, const struct condition *c)
{
    const struct facts *f = t->f;
    unsigned states = c->is.device.states, owners = c->is.device.owners;

    if (!f->device_known)
        tell_text(t, "This app needs the Sallyport agent.", "Install the agent.", "", "");
    else if (states != 0 && (states >> f->device_state & 1) == 0 &&
             f->device_state == DEVICE_PENDING)
        tell_text(t, "This device is waiting for approval.", "An admin has been told; request ",
                  t->request, ".");
    else if (states != 0 && (states >> f->device_state & 1) == 0)
        tell_text(t,
                  f->device_state == DEVICE_LOST      ? "This device is marked as lost."
                  : f->device_state == DEVICE_BLOCKED ? "This device is blocked."
                                                      : "This device is in another state than "
                                                        "this app asks for.",
                  "Ask your service desk; quote request ", t->request, ".");
    else if (owners != 0 && (owners >> f->device_owner & 1) == 0)
        tell_text(t, "This device is registered to someone else.",
                  "Use your own device, or ask your service desk; quote request ", t->request, ".");
    else
        tell_text(t, "This device's key is not kept in hardware, which this app asks for.",
                  "Use a device with a TPM; quote request ", t->request, ".");
}

/* ---- places ---- */

/* "your network is not on the list", "its country is unknown": clauses for `any`. */
static void clause(const struct condition *c, const struct facts *f, bool after_network,
                   struct buf *out)
{
    const char *its = after_network ? "its" : "your network's";

    switch (c->kind) {
    case COND_NETWORK:
        buf_add_str(out,
                    !f->peer.known ? "your network is unknown" : "your network is not on the list");
        break;
    case COND_COUNTRY:
        buf_addf(out,
                 f->country == NULL ? "%s country is unknown" : "%s country is not on the list",
                 its);
        break;
    case COND_TIME:
        buf_add_str(out, "it is not open at this time");
        break;
    case COND_POSTURE:
    case COND_SCORE:
        buf_add_str(out, "your device does not meet what it asks for");
        break;
    case COND_DEVICE:
        buf_add_str(out, "your device is not one of those that may");
        break;
    case COND_MFA:
        buf_add_str(out, "your second factor is too old or too weak");
        break;
    case COND_GROUPS:
    case COND_USERS:
        buf_add_str(out, "you are not one of those who may");
        break;
    case COND_RISK:
        buf_add_str(out, f->risk == RISK_NONE ? "your account's risk is unknown"
                                              : "your account shows unusual activity");
        break;
    case COND_APP:
        buf_add_str(out, "the app is of another kind");
        break;
    case COND_NONE:
    case COND_ANY:
    case COND_NOT:
    case COND_KINDS:
        buf_add_str(out, "a condition of the rule is not met");
        break;
    }
}

static const struct condition *first_untrue(const struct condition_list *l, const struct facts *f)
{
    for (size_t i = 0; i < l->count; i++)
        if (condition_value(&l->at[i], f, READ_AS_IS) != TRI_YES)
            return &l->at[i];
    return NULL;
}

static void finish_place(struct teller *t, struct buf *reason, bool network)
{
    struct buf m;

    if (reason->len > 0 && reason->at[0] >= 'a' && reason->at[0] <= 'z')
        reason->at[0] = (uint8_t)(reason->at[0] - 'a' + 'A');
    buf_add_byte(reason, '.');
    buf_init(&m, LINE_BYTES);
    buf_add_str(&m, network ? "Connect from the office network, or `sallyport request "
                            : "`sallyport request ");
    tell_app(t, false, &m);
    buf_add_str(&m, "`.");
    tell(t, reason, &m);
}

static void tell_any(struct teller *t, const struct condition *c)
{
    struct buf r;
    bool network = false;

    buf_init(&r, LINE_BYTES);
    for (size_t i = 0; i < c->is.any.count; i++) {
        const struct condition *missing = first_untrue(&c->is.any.at[i], t->f);
        if (missing == NULL)
            continue;
        buf_add_str(&r, r.len > 0 ? " and " : "");
        clause(missing, t->f, network, &r);
        network = network || missing->kind == COND_NETWORK;
    }
    finish_place(t, &r, network);
}

static void tell_clause(struct teller *t, const struct condition *c)
{
    struct buf r;

    buf_init(&r, LINE_BYTES);
    clause(c, t->f, false, &r);
    finish_place(t, &r, c->kind == COND_NETWORK);
}

static void tell_not(struct teller *t, const struct condition *c)
{
    bool unknown = condition_value(c, t->f, READ_AS_IS) == TRI_UNKNOWN;
    bool network = c->is.not .count == 1 && c->is.not .at[0].kind == COND_NETWORK;

    tell_text(t,
              unknown   ? "Something that must not hold could not be told."
              : network ? "Your network is closed to this app."
                        : "Something holds that must not.",
              network ? "Use another network, or quote request " : "Quote request ", t->request,
              ".");
}

static void tell_risk(struct teller *t, const struct condition *c)
{
    (void)c;
    tell_text(t,
              t->f->risk == RISK_NONE ? "Your account's risk is unknown."
                                      : "Your account shows unusual activity.",
              "Call the service desk; quote request ", t->request, ".");
}

/* ---- time ---- */

static void next_opening(struct teller *t, const struct time_window *w, struct buf *out)
{
    static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
    sp_unix_ms at = window_next_opening(w, t->f->now);

    if (at == 0 || (w->until != 0 && at >= w->until)) {
        buf_add_str(out, "Ask the app's owner");
        return;
    }
    struct local_time now = zone_local(w->zone, t->f->now), then = zone_local(w->zone, at);
    buf_add_str(out, "Try again ");
    if (then.day - now.day > 1)
        buf_addf(out, "on %s", days[then.weekday]);
    else
        buf_add_str(out, then.day == now.day ? "today" : "tomorrow");
    buf_addf(out, " at %02d:%02d", (int)(then.ms / (60 * MINUTE)), (int)(then.ms / MINUTE % 60));
}

static void tell_time(struct teller *t, const struct condition *c)
{
    const struct time_window *w = &c->is.time;
    bool over = w->until != 0 && t->f->now >= w->until;
    struct buf r, m;

    buf_init(&r, LINE_BYTES);
    buf_init(&m, LINE_BYTES);
    if (t->f->clock_alarm) {
        buf_add_str(&r, "The broker's clock is not to be trusted at the moment.");
        buf_addf(&m, "Call the service desk; quote request %s", t->request);
    } else if (over) {
        buf_add_str(&r, "Your access to ");
        tell_app(t, false, &r);
        buf_addf(&r, " ended on %.10s.", clock_text(w->until).s);
        buf_add_str(&m, "Ask the app's owner");
    } else {
        tell_app(t, true, &r);
        buf_add_str(&r, " is open ");
        say_window(w, &r);
        buf_add_byte(&r, '.');
        next_opening(t, w, &m);
    }
    if (!t->f->clock_alarm) {
        buf_add_str(&m, ", or `sallyport request ");
        tell_app(t, false, &m);
        buf_add_byte(&m, '`');
    }
    buf_add_byte(&m, '.');
    tell(t, &r, &m);
}

/* ---- second factor ---- */

static sp_unix_ms newest_of_kind(const struct facts *f, enum mfa_kind least)
{
    sp_unix_ms at = 0;

    for (size_t i = 0; i < f->proof_count; i++)
        if (f->proofs[i].kind >= least && f->proofs[i].at <= f->mfa_now && f->proofs[i].at > at)
            at = f->proofs[i].at;
    return at;
}

void tell_proof(struct teller *t, enum mfa_kind kind, int64_t every)
{
    bool strong = kind == MFA_PHISHING_RESISTANT;
    sp_unix_ms at = newest_of_kind(t->f, kind);
    struct buf r, m;

    buf_init(&r, LINE_BYTES);
    buf_init(&m, LINE_BYTES);
    tell_app(t, false, &r);
    buf_add_str(&r, strong ? " asks for a phishing-resistant sign-in" : " asks for a code");
    if (every == 0) {
        buf_add_str(&r, strong ? " for each session." : " for each new session.");
    } else if (strong && at == 0) {
        buf_add_byte(&r, '.');
    } else if (every == INT64_MAX) {
        buf_add_str(&r, at == 0 ? "." : " of another kind than you gave.");
    } else {
        buf_add_str(&r, " not older than ");
        say_long_age(every, &r);
        if (at == 0) {
            buf_add_str(&r, "; you have given none.");
        } else {
            buf_add_str(&r, "; yours is ");
            say_long_age(t->f->mfa_now - at, &r);
            buf_add_str(&r, " old.");
        }
    }
    buf_add_str(&m, strong ? "Sign in again with your security key."
                           : "Enter the code of your authenticator.");
    tell(t, &r, &m);
}

static void tell_mfa(struct teller *t, const struct condition *c)
{
    int64_t age = c->is.mfa.max_age_ms == 0 ? INT64_MAX : c->is.mfa.max_age_ms;
    enum mfa_kind kind = c->is.mfa.kind;

    if (c->is.mfa.acr.count > 0 || c->is.mfa.amr.count > 0) /* only the provider gives these */
        kind = MFA_PHISHING_RESISTANT;
    tell_proof(t, kind, age);
}

/* ---- people ---- */

static void tell_people(struct teller *t, const struct condition *c)
{
    if (c->kind == COND_GROUPS && !t->f->groups_known)
        tell_text(t, "Your groups could not be read from your sign-in provider.",
                  "Try again in a minute; request ", t->request, ".");
    else
        tell_text(t, "You are not one of those who may use this app.",
                  "Ask the app's owner; quote request ", t->request, ".");
}

static void (*const tellers[COND_KINDS])(struct teller *, const struct condition *) = {
    [COND_GROUPS] = tell_people,  [COND_USERS] = tell_people,    [COND_MFA] = tell_mfa,
    [COND_DEVICE] = tell_device,  [COND_POSTURE] = tell_posture, [COND_SCORE] = tell_score,
    [COND_NETWORK] = tell_clause, [COND_COUNTRY] = tell_clause,  [COND_TIME] = tell_time,
    [COND_APP] = tell_clause,     [COND_RISK] = tell_risk,       [COND_ANY] = tell_any,
    [COND_NOT] = tell_not,
};

void tell_rule(struct teller *t, const struct rule *r, bool mfa_too)
{
    for (size_t i = 0; i < r->when.count; i++) {
        const struct condition *c = &r->when.at[i];
        enum reading as = mfa_too ? READ_AS_IS : READ_MFA_GIVEN;
        if (condition_value(c, t->f, as) != TRI_YES && tellers[c->kind] != NULL)
            tellers[c->kind](t, c);
    }
}
