/* Verbs that show: status, posture, sessions, why. */
#include "client/agent/agent_internal.h"
#include "client/agent/health.h"
#include "client/desktop/notify.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The first collection may read package lists: until then nothing is overdue. */
enum { FIRST_REPORT_MS = 60 * 1000 };

/* ---- posture ----------------------------------------------------------------------------- */

static const char *verdict_of(const struct reporter_view *r, const char *signal, const char **text)
{
    static const char *const words[] = {[SIGNAL_NONE] = "",
                                        [SIGNAL_PASS] = "pass",
                                        [SIGNAL_FAIL] = "fail",
                                        [SIGNAL_UNKNOWN] = "unknown"};

    for (size_t i = 0; i < r->verdict_count; i++)
        if (strcmp(r->verdicts[i].signal, signal) == 0) {
            *text = r->verdicts[i].text;
            return words[r->verdicts[i].verdict];
        }
    *text = "";
    return "";
}

/* pass, fail and unknown are what a signal says of itself; values count as known. */
static struct json *posture_counts(const struct signals *all, struct health_facts *f)
{
    unsigned pass = 0, fail = 0, unknown = 0;
    struct json *j = json_object();

    for (size_t i = 0; i < all->count; i++) {
        const struct signal *s = &all->at[i];

        if (s->state == SEEN_PASS)
            pass++;
        if (s->state == SEEN_FAIL && fail++ == 0)
            f->first_fail = s->name;
        if (s->state == SEEN_UNKNOWN && unknown++ == 0)
            f->first_unknown = s->name;
    }
    f->posture_fail = fail;
    f->posture_unknown = unknown;
    json_set_int(j, "pass", pass);
    json_set_int(j, "fail", fail);
    json_set_int(j, "unknown", unknown);
    return j;
}

static struct json *signals_json(const struct reporter_view *r)
{
    struct json *list = json_array();

    for (size_t i = 0; i < r->signals->count; i++) {
        const struct signal *s = &r->signals->at[i];
        struct json *j = json_object();
        const char *text, *verdict = verdict_of(r, s->name, &text);

        json_set_cstr(j, "signal", s->name);
        json_set_cstr(j, "state", signal_state_text(s->state));
        if (s->state == SEEN_NUMBER)
            json_set_int(j, "value", s->number);
        else
            json_set_cstr(j, "value", s->text);
        json_set_cstr(j, "reason", s->reason);
        json_set_cstr(j, "source", s->source);
        json_set_cstr(j, "assurance", "signed");
        json_set_int(j, "observed", s->observed);
        json_set_cstr(j, "verdict", verdict);
        json_set_cstr(j, "verdict_text", text);
        json_push(list, j);
    }
    return list;
}

static void answer_posture(struct ask *a)
{
    struct reporter_view r = reporter_view(a->agent->reporter);
    struct health_facts unused = {0};
    struct json *j = json_object();

    json_set(j, "counts", posture_counts(r.signals, &unused));
    json_set(j, "signals", signals_json(&r));
    json_set_int(j, "reported", r.reported);
    json_set_int(j, "sequence", r.sequence);
    ask_ok(a, j);
}

static void on_sent(void *arg, const struct refusal *r)
{
    struct ask *a = arg;

    /* Without a broker the signals are still worth showing. */
    if (r->exit != EXIT_OK && json_is_true(json_get(a->request, "send")))
        ask_fail(a, r);
    else
        answer_posture(a);
}

void do_posture(struct ask *a)
{
    if (json_is_true(json_get(a->request, "send")) ||
        reporter_view(a->agent->reporter).signals->count == 0)
        reporter_now(a->agent->reporter, on_sent, a);
    else
        answer_posture(a);
}

/* ---- status ------------------------------------------------------------------------------ */

static struct json *sessions_list(const struct agent *agent)
{
    struct json *list = json_array();
    struct session_view v;

    for (size_t at = 0; sessions_next(agent->sessions, &at, &v);) {
        struct forward *w = forward_find(agent->forwards, v.app);
        struct json *j = session_json(agent, &v);
        struct address where[1];

        if (w != NULL && forward_addresses(w, where, 1) == 1)
            json_set_cstr(j, "address", address_text(&where[0]).s);
        json_push(list, j);
    }
    return list;
}

static const char *signal_reason(const struct signals *all, const char *name)
{
    const struct signal *s = signals_find(all, name);

    return s == NULL ? "" : s->reason;
}

static struct json *relay_list(const struct agent *agent)
{
    const char *at[SESSION_ADDRESSES_MAX];
    size_t n = sessions_relay(agent->sessions, at, SESSION_ADDRESSES_MAX);
    struct json *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_push(list, json_new_str(view_str(at[i])));
    return list;
}

static uint64_t strangers(const struct agent *agent)
{
    struct apps_list list = apps_last(agent->apps);
    uint64_t n = 0;

    for (size_t i = 0; i < list.count; i++) {
        struct forward *w = forward_find(agent->forwards, list.at[i].name);
        n += w == NULL ? 0 : forward_refusals(w);
    }
    return n;
}

void do_status(struct ask *a)
{
    struct agent *agent = a->agent;
    const struct control_login *l = control_login(agent->control);
    const struct dialer_lost *lost = control_lost(agent->control);
    struct reporter_view r = reporter_view(agent->reporter);
    struct health_warning warnings[HEALTH_WARNINGS_MAX];
    struct health_facts f = {
        .broker = agent->state->broker[0] != '\0',
        .connected = control_is_open(agent->control),
        .signed_in = l->user[0] != '\0',
        .lost = lost->why.text[0] != '\0' ? lost->why.text : sp_error_text(lost->error),
        .disconnected_ms = agent->lost_at == 0 ? 0 : clock_boot() - agent->lost_at,
        .login_left_ms = l->until - control_time(agent->control),
        .device = l->device,
        .groups_known = l->groups_known,
        .first_fail = "",
        .first_unknown = "",
        .report_age_ms = r.reported != 0 ? clock_unix() - r.reported
                         : clock_boot() - agent->started < FIRST_REPORT_MS ? 0
                                                                           : -1,
        .refused_users = strangers(agent),
        .integrity = lost->error == SP_ERR_AUDIENCE || lost->error == SP_ERR_SIGNATURE};
    struct json *j = json_object(), *broker = json_object(), *device = json_object();
    struct json *posture = posture_counts(r.signals, &f);
    char host[65] = "";

    sp_ignore(gethostname(host, sizeof host - 1) == 0 ? SP_OK : SP_ERR_IO); /* "" then */
    json_set(j, "login", login_json(agent));
    json_set_cstr(broker, "url", agent->state->broker);
    json_set_bool(broker, "connected", f.connected);
    json_set_int(broker, "rtt_ms", control_rtt_ms(agent->control));
    json_set_cstr(broker, "lost", f.connected || !f.broker ? "" : f.lost);
    json_set_cstr(broker, "ca", agent->state->ca);
    json_set_int(broker, "skew_ms", clock_unix() - control_time(agent->control));
    json_set_cstr(broker, "front", agent->state->l7 ? "l7" : "direct");
    json_set(j, "broker", broker);
    json_set_cstr(device, "name", host);
    json_set_id(device, "id", agent->state->device_id);
    json_set_cstr(device, "state", l->device);
    json_set_cstr(device, "key", "software");
    json_set_cstr(device, "fingerprint",
                  key_fingerprint(key_secret_public(agent->state->device)).s);
    json_set(j, "device", device);
    json_set_cstr(posture, "first_fail", f.first_fail);
    json_set_cstr(posture, "first_unknown", f.first_unknown);
    json_set_cstr(
        posture, "first_why",
        signal_reason(r.signals, f.first_fail[0] != '\0' ? f.first_fail : f.first_unknown));
    json_set_int(posture, "reported", r.reported);
    json_set(j, "posture", posture);
    json_set(j, "sessions", sessions_list(agent));
    json_set_bool(j, "paused", sessions_held(agent->sessions));
    json_set(j, "relay_addresses", relay_list(agent));
    json_set(j, "warnings", health_json(warnings, health_judge(&f, warnings)));
    json_set_cstr(j, "agent_version", SP_VERSION);
    json_set_int(j, "agent_pid", getpid());
    json_set_cstr(j, "agent_state", agent->state->dir);
    json_set_int(j, "agent_up_ms", clock_boot() - agent->started);
    ask_ok(a, j);
}

/* ---- sessions ---------------------------------------------------------------------------- */

void do_sessions(struct ask *a)
{
    struct json *j = json_object();

    json_set(j, "sessions", sessions_list(a->agent));
    ask_ok(a, j);
}

/* A whole id, its short form, or an app's name. */
static bool find_session(const struct agent *agent, struct view name, struct sp_id *out)
{
    struct session_view v;
    unsigned found = 0;

    for (size_t at = 0; sessions_next(agent->sessions, &at, &v);)
        if (view_is(name, id_text(v.id).s) || view_is(name, session_short(v.id).s) ||
            view_is(name, v.app)) {
            *out = v.id;
            found++;
        }
    return found == 1;
}

void do_sessions_end(struct ask *a)
{
    struct json *j = json_object();
    struct refusal why;
    struct sp_id id;

    if (json_is_true(json_get(a->request, "all"))) {
        json_set_int(j, "ended", (int64_t)sessions_end_all(a->agent->sessions, "ended"));
        ask_ok(a, j);
    } else if (find_session(a->agent, ask_text(a, "id"), &id)) {
        json_set_int(j, "ended", (int64_t)sessions_end(a->agent->sessions, id));
        ask_ok(a, j);
    } else {
        json_free(j);
        why = refusal_make(EXIT_SESSION, "not_found", "There is no such session.",
                           "It has ended, or the name means several.", "sallyport sessions");
        ask_fail(a, &why);
    }
}

/* ---- the desktop ------------------------------------------------------------------------- */

static void on_tried(void *arg, sp_error e, const char *server)
{
    struct ask *a = arg;
    struct refusal why;
    struct json *j;

    a->tries_desktop = false;
    if (e == SP_OK) {
        j = json_object();
        json_set_cstr(j, "server", server);
        ask_ok(a, j);
        return;
    }
    why = refusal_make(EXIT_ERROR, "desktop", "No notification was shown.",
                       e == SP_ERR_UNSUPPORTED ? "This machine has no libsystemd."
                       : e == SP_ERR_NOT_FOUND ? "The agent sees no desktop session (session bus)."
                       : e == SP_ERR_BUSY      ? "Another try is under way."
                                               : "The desktop has no notification service.",
                       "sallyport status says the same in a terminal");
    ask_fail(a, &why);
}

void do_notify(struct ask *a)
{
    sp_error e = notify_try(desk_notify(a->agent->desk), on_tried, a);

    if (e == SP_OK)
        a->tries_desktop = true;
    else
        on_tried(a, e, "");
}

void do_pause(struct ask *a)
{
    struct json *j = json_object();
    bool on = json_is_true(json_get(a->request, "on"));

    sessions_hold(a->agent->sessions, on);
    json_set_bool(j, "paused", on);
    json_set_int(j, "ended", on ? (int64_t)sessions_end_all(a->agent->sessions, "ended") : 0);
    ask_ok(a, j);
}

/* ---- why --------------------------------------------------------------------------------- */

static struct json *texts(const struct view *v, size_t count)
{
    struct json *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_push(list, json_new_str(v[i]));
    return list;
}

static void on_why(void *arg, sp_error e, const struct envelope *m)
{
    struct ask *a = arg;
    struct why_said answer;
    struct json *j, *reasons;
    struct refusal why;

    a->question = NULL; /* no longer pending */
    if (e != SP_OK || fields_read(m->members, why_said_fields, NULL, &answer) != SP_OK) {
        why = e != SP_OK ? control_refusal(a->agent->control, "No explanation.", e, m)
                         : refusal_make(EXIT_ERROR, "protocol", "No explanation.",
                                        "The broker's answer is not understood.", NULL);
        ask_fail(a, &why);
        return;
    }
    j = json_object();
    reasons = json_array();
    for (size_t i = 0; i < answer.reason_count; i++) {
        struct json *one = json_object();

        json_set_str(one, "code", answer.reasons[i].code);
        json_set_str(one, "text", answer.reasons[i].text);
        json_push(reasons, one);
    }
    json_set_cstr(j, "decision",
                  answer.decision == SESSION_UNDECIDED ? "deny"
                                                       : session_decision_names[answer.decision]);
    json_set_str(j, "code", answer.code);
    json_set(j, "reasons", reasons);
    json_set(j, "remedies", texts(answer.remedies, answer.remedy_count));
    /* An app that is not visible has no trace. */
    json_set(j, "trace", answer.trace == NULL ? json_new_null() : json_ref(answer.trace));
    json_set_str(j, "request", answer.request);
    ask_ok(a, j);
}

void do_why(struct ask *a)
{
    struct why_ask ask = {ask_text(a, "app")};
    struct call_ask call = {"why", fields_write(why_ask_fields, &ask), ENVELOPE_CALL_MS};
    struct refusal why;
    sp_error e;

    if ((e = control_ask(a->agent->control, &call, on_why, a, &a->question)) == SP_OK)
        return;
    why = control_refusal(a->agent->control, "No explanation.", e, NULL);
    ask_fail(a, &why);
}
