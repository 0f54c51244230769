/* What an agent asks about its login and its posture. */
#include "broker/control/control_internal.h"
#include "broker/identity/logins.h"
#include "broker/identity/tickets.h"
#include "broker/posture/judge.h"
#include "broker/session/live.h"
#include "broker/session/sessions.h"
#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/proto/login.h"
#include "lib/proto/posture.h"

#include <stdio.h>
#include <stdlib.h>

enum { URL_BYTES_MAX_HERE = LOGIN_URL_MAX };

static const char *const mfa_kinds[] = {[ROW_MFA_NONE] = "",
                                        [ROW_MFA_ANY] = "any",
                                        [ROW_MFA_OTP] = "otp",
                                        [ROW_MFA_PHISHING_RESISTANT] = "phishing_resistant"};
static const char *const device_states[] = {[ROW_DEVICE_NONE] = "unknown",
                                            [ROW_DEVICE_PENDING] = "pending",
                                            [ROW_DEVICE_APPROVED] = "approved",
                                            [ROW_DEVICE_BLOCKED] = "blocked",
                                            [ROW_DEVICE_LOST] = "lost"};

/* Texts of the device with an end, for the calls that take C strings. */
struct said {
    char name[ROW_NAME_MAX + 1], os[ROW_NAME_MAX + 1], serials[ROW_NAME_MAX + 1];
};

static struct login_device device_of(const struct turn *t, const struct said *said)
{
    const struct channel_peer *p = &t->peer->proven;

    return (struct login_device){.key = &p->key,
                                 .hardware_key = p->key.kind == KEY_P256,
                                 .name = said == NULL ? "" : said->name,
                                 .os = said == NULL ? "" : said->os,
                                 .serials = said == NULL ? "" : said->serials,
                                 .software = p->software,
                                 .address = p->address};
}

void agent_login_start(struct turn *t)
{
    struct login_start_answer answer = {0};
    struct login_begun begun = {0};
    struct login_start m;
    struct sp_why why = {0};
    struct said said;
    struct buf url;
    sp_error e;

    if (!turn_read(t, login_start_fields, &m))
        return;
    view_copy(said.name, sizeof said.name, m.name);
    view_copy(said.os, sizeof said.os, m.os);
    view_copy(said.serials, sizeof said.serials, m.serials);
    const struct login_device device = device_of(t, &said);
    const struct login_begin begin = {.redirect = m.redirect,
                                      .challenge = m.challenge,
                                      .state = m.state,
                                      .idp = m.idp,
                                      .device_code = m.device_code};

    buf_init(&url, URL_BYTES_MAX_HERE);
    e = logins_begin(t->control->o.logins, &device, &begin, &why, &url, &begun);
    if (e == SP_OK) {
        answer.url = buf_view(&url);
        answer.code = view_str(begun.match);
        answer.until = begun.until;
        answer.poll = view_str(begun.poll);
        answer.interval_ms = m.device_code ? LOGINS_POLL_MS : 0;
        turn_answer(t, login_start_answer_fields, &answer);
    } else {
        turn_refuse(t, e, why.text);
    }
    secret_wipe(&begun, sizeof begun);
    buf_deinit(&url);
}

void agent_login_poll(struct turn *t)
{
    const struct login_device device = device_of(t, NULL);
    struct login_poll_answer answer = {0};
    struct login_poll m;

    if (!turn_read(t, login_poll_fields, &m))
        return;
    answer.state =
        view_str(logins_poll(t->control->o.logins, &device, m.code, &answer.interval_ms));
    turn_answer(t, login_poll_answer_fields, &answer);
}

void agent_login_finish(struct turn *t)
{
    const struct login_device device = device_of(t, NULL);
    struct login_finish m;
    struct sp_why why = {0};
    struct login_done done;

    if (!turn_read(t, login_finish_fields, &m))
        return;
    sp_error e = logins_finish(t->control->o.logins, &device, m.code, m.verifier, &why, &done);
    if (e != SP_OK) {
        turn_refuse(t, e, why.text);
        return;
    }
    const struct login_finish_answer answer = {
        .user = view_str(done.user.name),
        .device = done.device.id,
        .state = view_str(device_states[done.device.state]),
        .until = done.login.expires,
        .groups_known = done.user.groups == GROUPS_KNOWN,
        .mfa_at = done.login.mfa_at,
        .mfa_kind = view_str(mfa_kinds[done.login.mfa_kind]),
    };
    peer_known(t->control, t->peer->edge, done.device.id, done.user.id);
    turn_answer(t, login_finish_answer_fields, &answer);
}

void agent_login_factor(struct turn *t)
{
    struct mfa_answer verdict = {0};
    struct login_factor m;
    struct login_row login;

    if (!turn_read(t, login_factor_fields, &m))
        return;
    sp_error e = logins_factor(t->control->o.logins, t->peer->id, m.code, t->peer->proven.address,
                               &verdict, &login);
    if (e == SP_ERR_DENIED) {
        char text[160];
        if (verdict.locked_until != 0)
            snprintf(text, sizeof text, "Too many wrong codes. Try again at %s.",
                     clock_text(verdict.locked_until).s);
        else
            snprintf(text, sizeof text, "%s %lld tries left.",
                     verdict.verdict == TOTP_USED ? "That code was used already: wait for the next "
                                                    "one, at most 30 s."
                                                  : "That code is wrong.",
                     (long long)verdict.tries_left);
        turn_refuse(t, e, text);
        return;
    }
    if (e != SP_OK) {
        turn_refuse(t, e, NULL);
        return;
    }
    const struct login_factor_answer answer = {.mfa_at = login.mfa_at,
                                               .kind = view_str(mfa_kinds[login.mfa_kind])};
    sessions_touch(t->control->o.sessions, LIVE_DEVICE, t->peer->id); /* paused ones go on */
    turn_answer(t, login_factor_answer_fields, &answer);
}

void agent_login_end(struct turn *t)
{
    struct login_end m;

    if (!turn_read(t, login_end_fields, &m))
        return;
    const struct login_end_answer answer = {
        .sessions = (int64_t)live_find(t->control->o.live, LIVE_DEVICE, t->peer->id, NULL, 0)};
    sp_error e =
        logins_end(t->control->o.logins, t->peer->id, m.everywhere, t->peer->proven.address);
    if (e != SP_OK && e != SP_ERR_NOT_FOUND) {
        turn_refuse(t, e, NULL);
        return;
    }
    peer_known(t->control, t->peer->edge, t->peer->id, (struct sp_id){0});
    turn_answer(t, login_end_answer_fields, &answer);
}

void agent_api_ticket(struct turn *t)
{
    char text[TICKET_TEXT + 1];
    struct login_row login;

    if (logins_of_device(t->control->o.logins, t->peer->id, clock_unix(), &login) != SP_OK) {
        turn_refuse(t, SP_ERR_UNAUTHENTICATED, "Nobody is signed in on this device.");
        return;
    }
    tickets_issue(t->control->o.tickets, t->peer->id, clock_boot(), text);
    const struct api_ticket_answer answer = {.ticket = view_str(text),
                                             .until = clock_unix() + TICKET_LIFE_MS};
    turn_answer(t, api_ticket_answer_fields, &answer);
    secret_wipe(text, sizeof text);
}

void agent_posture_nonce(struct turn *t)
{
    struct posture_nonce_answer answer = {.until = clock_unix() + POSTURE_NONCE_MS};
    sp_error e = judge_nonce(t->control->o.judge, t->peer->id, answer.nonce);

    if (e == SP_OK)
        turn_answer(t, posture_nonce_answer_fields, &answer);
    else
        turn_refuse(t, e, NULL);
}

static int verdict_of(enum tri t)
{
    return t == TRI_YES ? SIGNAL_PASS : t == TRI_NO ? SIGNAL_FAIL : SIGNAL_UNKNOWN;
}

/* Into the wire's form; the answer borrows `from`. */
static void fill_verdicts(const struct posture_answer *from, struct posture_report_answer *to)
{
    to->sequence = (int64_t)from->sequence;
    for (size_t s = 0; s < from->count && s < POSTURE_ANSWER_MAX; s++) {
        to->signals[s] = (struct posture_signal){.signal = view_str(from->at[s].signal),
                                                 .verdict = verdict_of(from->at[s].verdict),
                                                 .text = view_str(from->at[s].value)};
        to->signal_count++;
    }
}

static void report(struct turn *t, const struct posture_report *m, struct buf *bytes,
                   struct buf *sig)
{
    struct posture_answer *verdicts = calloc(1, sizeof *verdicts);
    struct posture_report_answer *answer = calloc(1, sizeof *answer);
    sp_error e = verdicts == NULL || answer == NULL ? SP_ERR_NOMEM : SP_OK;

    if (e == SP_OK && (e = decode_base64url(m->bytes, bytes)) == SP_OK &&
        (e = decode_base64url(m->sig, sig)) == SP_OK) {
        const struct posture_sent sent = {.device = t->peer->id,
                                          .key = t->peer->proven.key,
                                          .report = buf_view(bytes),
                                          .sig = buf_view(sig)};
        e = judge_report(t->control->o.judge, &sent, clock_unix(), verdicts);
    }
    if (e == SP_OK) {
        fill_verdicts(verdicts, answer);
        turn_answer(t, posture_report_answer_fields, answer);
    } else {
        log_event(LOG_WARN, "posture.refuse", sp_error_text(e), "device", LOG_ID(t->peer->id),
                  NULL);
        turn_refuse(t, e, NULL);
    }
    free(verdicts);
    free(answer);
}

void agent_posture_report(struct turn *t)
{
    struct posture_report m;
    struct buf bytes, sig;

    if (!turn_read(t, posture_report_fields, &m))
        return;
    buf_init(&bytes, POSTURE_REPORT_TEXT_MAX);
    buf_init(&sig, 128);
    report(t, &m, &bytes, &sig);
    buf_deinit(&bytes);
    buf_deinit(&sig);
}
