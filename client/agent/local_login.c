/* Verbs about who is signed in: login, logout, one-time codes, keys, tickets. */
#include "client/agent/agent_internal.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The answer of a call, read by `table`; false: the request was ended with the reason. */
static bool answered(struct ask *a, const char *what, sp_error e, const struct envelope *m,
                     const struct field *table, void *out)
{
    struct refusal why;

    a->question = NULL; /* no longer pending */
    if (e != SP_OK)
        why = control_refusal(a->agent->control, what, e, m);
    else if (fields_read(m->members, table, NULL, out) != SP_OK)
        why = refusal_make(EXIT_ERROR, "protocol", what, "The broker's answer is not understood.",
                           NULL);
    else
        return true;
    ask_fail(a, &why);
    return false;
}

static void call(struct ask *a, const char *type, struct json *members, call_done *done)
{
    struct call_ask call = {type, members, ENVELOPE_CALL_MS};
    struct refusal why;
    sp_error e = control_ask(a->agent->control, &call, done, a, &a->question);

    if (e == SP_OK)
        return;
    why = control_refusal(a->agent->control, "The broker was not asked.", e, NULL);
    ask_fail(a, &why);
}

/* ---- login ------------------------------------------------------------------------------- */

static void on_started(void *arg, sp_error e, const struct envelope *m)
{
    struct ask *a = arg;
    struct login_start_answer answer;
    struct json *j;

    if (!answered(a, "The login can't begin.", e, m, login_start_answer_fields, &answer))
        return;
    j = json_object();
    json_set_str(j, "url", answer.url);
    json_set_str(j, "code", answer.code);
    json_set_int(j, "until", local_time(a->agent, answer.until));
    json_set_cstr(j, "broker", a->agent->state->broker);
    json_set_cstr(j, "pin", key_fingerprint(control_pin(a->agent->control)).s);
    if (answer.poll.len > 0) {
        json_set_str(j, "poll", answer.poll);
        json_set_int(j, "interval_ms", answer.interval_ms);
    }
    a->logs_in = true;
    ask_event(a, "open", j); /* the request stays: login states follow */
}

/* What the device says of itself, for the approval page and the registry. */
static struct view signal_value(const struct signals *all, const char *name)
{
    const struct signal *s = signals_find(all, name);

    return s != NULL && s->state == SEEN_TEXT ? view_str(s->text) : (struct view){0};
}

static void start_login(struct ask *a)
{
    const struct signals *seen = reporter_view(a->agent->reporter).signals;
    struct view os = signal_value(seen, "os"), version = signal_value(seen, "os_version");
    char host[65] = "", system[128];

    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    snprintf(system, sizeof system, "%.*s %.*s", VIEW_ARG(os), VIEW_ARG(version));
    struct login_start start = {.redirect = ask_text(a, "redirect"),
                                .challenge = ask_text(a, "challenge"),
                                .state = ask_text(a, "state"),
                                .idp = ask_text(a, "idp"),
                                .name = view_str(host),
                                .os = os.len > 0 ? view_str(system) : (struct view){0},
                                .serials = signal_value(seen, "serial"),
                                .device_code = json_is_true(json_get(a->request, "device_code"))};

    call(a, "login.start", fields_write(login_start_fields, &start), on_started);
}

/* The same CA again, as a setting gives it at each login, is no change that ends sessions. */
static bool has_ca(const struct state *s, struct view pem)
{
    struct buf kept;
    bool same;

    if (pem.len == 0)
        return true;
    buf_init(&kept, STATE_CA_BYTES_MAX);
    same = s->ca[0] != '\0' && file_read(s->ca, STATE_CA_BYTES_MAX, &kept, NULL) == SP_OK &&
           view_equal(buf_view(&kept), pem);
    buf_deinit(&kept);
    return same;
}

/* `--broker`, `--ca` and `--front` of this login, into the state. */
static sp_error use_broker(struct ask *a, bool *changed, struct sp_why *why)
{
    struct view text = ask_text(a, "broker"), pem = ask_text(a, "ca");
    struct state *s = a->agent->state;
    bool l7 = json_is_true(json_get(a->request, "l7"));
    struct enrol_address address;
    sp_error e;

    *changed = false;
    if (text.len == 0 && pem.len == 0 && !l7)
        return SP_OK;
    if (text.len == 0)
        text = view_str(s->broker);
    if ((e = enrol_address_parse(text, why, &address)) != SP_OK)
        return e;
    *changed = strcmp(address.url, s->broker) != 0 || !has_ca(s, pem) || address.ca_len > 0 ||
               (l7 && !s->l7);
    e = *changed || address.fingerprint.s[0] != '\0' ? state_set_broker(s, &address, pem, l7, why)
                                                     : SP_OK;
    enrol_address_wipe(&address);
    return e;
}

void do_login_begin(struct ask *a)
{
    struct agent *agent = a->agent;
    struct sp_why why = {0};
    struct refusal refusal;
    bool changed;
    sp_error e = use_broker(a, &changed, &why);

    if (e == SP_OK && changed) {
        sessions_end_all(agent->sessions, "ended");
        e = control_restart(agent->control, &why);
    }
    if (e != SP_OK) {
        refusal = refusal_make(
            e == SP_ERR_TLS ? EXIT_UNREACHABLE : EXIT_USAGE, "broker", "This broker can't be used.",
            why.text[0] != '\0' ? why.text : sp_error_text(e), "sallyport help login");
        ask_fail(a, &refusal);
    } else if (agent->state->broker[0] == '\0') {
        refusal = control_offline(agent->control);
        ask_fail(a, &refusal);
    } else {
        start_login(a);
    }
}

struct json *login_json(const struct agent *a)
{
    const struct control_login *l = control_login(a->control);
    struct json *j = json_object();

    json_set_cstr(j, "user", l->user);
    json_set_int(j, "until", local_time(a, l->until));
    json_set_int(j, "mfa_at", local_time(a, l->mfa_at));
    json_set_cstr(j, "mfa_kind", l->mfa_kind);
    json_set_bool(j, "groups_known", l->groups_known);
    return j;
}

static void on_polled(void *arg, sp_error e, const struct envelope *m)
{
    struct ask *a = arg;
    struct login_poll_answer answer;
    struct json *j;

    if (!answered(a, "The broker does not say what became of the code.", e, m,
                  login_poll_answer_fields, &answer))
        return;
    j = json_object();
    json_set_str(j, "state", answer.state);
    json_set_int(j, "interval_ms", answer.interval_ms);
    ask_ok(a, j);
}

void do_login_poll(struct ask *a)
{
    struct login_poll poll = {ask_text(a, "code")};

    call(a, "login.poll", fields_write(login_poll_fields, &poll), on_polled);
}

static void on_finished(void *arg, sp_error e, const struct envelope *m)
{
    struct ask *a = arg;
    struct login_finish_answer answer;
    char host[65] = "";
    struct json *j;

    if (!answered(a, "The sign-in was not accepted.", e, m, login_finish_answer_fields, &answer))
        return;
    control_signed_in(a->agent->control, &answer);
    reporter_now(a->agent->reporter, NULL, NULL);
    sp_ignore(gethostname(host, sizeof host - 1) == 0 ? SP_OK : SP_ERR_IO); /* "" then */
    j = login_json(a->agent);
    json_set_cstr(j, "broker", a->agent->state->broker);
    json_set_cstr(j, "device", host);
    json_set_id(j, "device_id", a->agent->state->device_id);
    json_set_str(j, "device_state", answer.state);
    json_set_cstr(j, "device_key", "software");
    json_set_cstr(j, "fingerprint", key_fingerprint(key_secret_public(a->agent->state->device)).s);
    json_set_cstr(j, "pin", key_fingerprint(control_pin(a->agent->control)).s);
    ask_ok(a, j);
}

void do_login_finish(struct ask *a)
{
    struct login_finish finish = {ask_text(a, "code"), ask_text(a, "verifier")};

    call(a, "login.finish", fields_write(login_finish_fields, &finish), on_finished);
}

/* ---- logout, factor, ticket -------------------------------------------------------------- */

static void on_logged_out(void *arg, sp_error e, const struct envelope *m)
{
    struct ask *a = arg;
    struct login_end_answer answer;
    struct json *j;
    size_t here;

    if (!answered(a, "The broker did not end the login.", e, m, login_end_answer_fields, &answer))
        return;
    here = sessions_end_all(a->agent->sessions, "ended");
    control_signed_out(a->agent->control);
    j = json_object();
    json_set_int(j, "sessions", answer.sessions > (int64_t)here ? answer.sessions : (int64_t)here);
    ask_ok(a, j);
}

void do_logout(struct ask *a)
{
    struct login_end end = {json_is_true(json_get(a->request, "everywhere"))};

    call(a, "login.end", fields_write(login_end_fields, &end), on_logged_out);
}

static void on_factor(void *arg, sp_error e, const struct envelope *m)
{
    struct ask *a = arg;
    struct login_factor_answer answer;

    if (!answered(a, "The code was not accepted.", e, m, login_factor_answer_fields, &answer))
        return;
    control_proved(a->agent->control, &answer);
    sessions_proved(a->agent->sessions);
    ask_ok(a, login_json(a->agent));
}

void do_factor(struct ask *a)
{
    struct login_factor factor = {ask_text(a, "code")};

    call(a, "login.factor", fields_write(login_factor_fields, &factor), on_factor);
}

static void on_ticket(void *arg, sp_error e, const struct envelope *m)
{
    struct ask *a = arg;
    struct api_ticket_answer answer;
    struct json *j;

    if (!answered(a, "No ticket for the API.", e, m, api_ticket_answer_fields, &answer))
        return;
    j = json_object();
    json_set_str(j, "ticket", answer.ticket);
    json_set_int(j, "until", local_time(a->agent, answer.until));
    json_set_cstr(j, "broker", a->agent->state->broker);
    json_set_cstr(j, "ca", a->agent->state->ca);
    ask_ok(a, j);
}

void do_ticket(struct ask *a)
{
    call(a, "api.ticket", json_object(), on_ticket);
}

void do_key(struct ask *a)
{
    const struct state *s = a->agent->state;
    struct json *j = json_object();

    json_set_cstr(j, "device", key_fingerprint(key_secret_public(s->device)).s);
    json_set_cstr(j, "device_key", key_text(key_secret_public(s->device)).s);
    json_set_cstr(j, "broker", s->broker);
    json_set_cstr(j, "broker_identity",
                  s->pin.kind == KEY_NONE ? NULL : key_fingerprint(&s->pin).s);
    ask_ok(a, j);
}
