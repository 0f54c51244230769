/* What a person changes on their own page: a session ends, a device signs out, the authenticator is
 * replaced, recovery codes are made anew. The last two ask for a code first when the last one is
 * older than MINE_FRESH_MS. */
#include "broker/pages/pages_internal.h"
#include "broker/session/cut.h"
#include "broker/session/live.h"

enum { MINE_FRESH_MS = 5 * 60 * 1000, MINE_SESSIONS = 32, MINE_DEVICES = 16 };

/* Who sends this request; false: an answer stands in `res` already. */
static bool who_am_i(struct visit *v, struct response *roll, struct login_row *row)
{
    sp_error e = signin_find(v->p->o.signin, v->req, roll, row);

    if (e == SP_ERR_UNAUTHENTICATED)
        response_redirect(v->res, view_str("/login?return_to=%2Fhome"));
    else if (e != SP_OK)
        page_failed(v, e);
    return e == SP_OK;
}

/* A code of the last minutes; false: the browser is on its way to the page that asks for one. */
static bool is_fresh(struct visit *v, const struct login_row *row, const char *factor)
{
    if (row->mfa_at > 0 && clock_unix() - row->mfa_at < MINE_FRESH_MS)
        return true;
    response_redirect(v->res, view_str(factor));
    return false;
}

static sp_error end_session(struct visit *v, const struct login_row *row, struct view id)
{
    struct session mine[MINE_SESSIONS];
    struct audit_record by = visit_record(v, row->user);
    struct kill_target target = {0};
    size_t count, cut;
    sp_error e = id_parse(id, &target.session);

    if (e != SP_OK)
        return e;
    count = live_find(v->p->o.live, LIVE_USER, row->user, mine, MINE_SESSIONS);
    for (size_t i = 0; i < count && i < MINE_SESSIONS; i++)
        if (id_equal(mine[i].id, target.session))
            return sessions_kill(v->p->o.sessions, &target, "ended by its user", &by, &cut);
    return SP_OK; /* over already, or never theirs: nothing to tell */
}

static sp_error sign_out(struct visit *v, const struct login_row *row, struct view id)
{
    struct device_row devices[MINE_DEVICES];
    struct sp_id device;
    size_t count = 0;
    sp_error e;

    if ((e = id_parse(id, &device)) != SP_OK ||
        (e = logins_devices(v->p->o.logins, row->user, devices, MINE_DEVICES, &count)) != SP_OK)
        return e;
    for (size_t i = 0; i < count; i++)
        if (id_equal(devices[i].id, device)) {
            e = logins_end(v->p->o.logins, device, false, v->req->peer);
            return e == SP_ERR_NOT_FOUND ? SP_OK : e; /* signed out already */
        }
    return SP_OK;
}

/* One field names what is meant, and the act is done on what is the person's own. */
static void act_on(struct visit *v, const char *field,
                   sp_error (*act)(struct visit *, const struct login_row *, struct view))
{
    struct login_row row;
    struct form form;
    sp_error e = visit_form(v, &form);

    if (e != SP_OK) {
        page_failed(v, e);
        return;
    }
    if (who_am_i(v, NULL, &row)) {
        if ((e = act(v, &row, form_get(&form, field))) != SP_OK)
            page_failed(v, e == SP_ERR_INVALID ? SP_ERR_MALFORMED : e);
        else
            response_redirect(v->res, view_str("/home"));
    }
    form_deinit(&form);
}

void mine_end(struct visit *v)
{
    if (v->p->o.sessions == NULL || v->p->o.live == NULL)
        page_stopped(v, 404, "Not here", "This broker shows no apps in the browser.");
    else
        act_on(v, "session", end_session);
}

void mine_sign_out(struct visit *v)
{
    act_on(v, "device", sign_out);
}

/* ---- second factor ------------------------------------------------------------------------ */

void mine_codes(struct visit *v)
{
    struct audit_record by;
    struct mfa_recovery codes;
    struct login_row row;
    sp_error e;

    if (!who_am_i(v, NULL, &row) || !is_fresh(v, &row, "/login/factor?return_to=%2Fhome"))
        return;
    by = visit_record(v, row.user);
    if ((e = mfa_recovery_new(v->p->o.mfa, row.user, &by, &codes)) != SP_OK) {
        page_failed(v, e);
        return;
    }
    draw_recovery(v, &codes, "/home");
    secret_wipe(&codes, sizeof codes);
}

void mine_authenticator(struct visit *v)
{
    struct mfa_enrolment e;
    struct login_row row;

    if (!who_am_i(v, v->res, &row) ||
        !is_fresh(v, &row, "/login/factor?return_to=%2Fhome%2Fauthenticator"))
        return;
    mfa_enrolment_new(row.user, &e);
    draw_enrol(v, &e, "/home/authenticator", NULL, NULL);
    mfa_enrolment_wipe(&e);
}

/* The new one counts from its first right code on; until then the old one does. */
static sp_error replace(struct visit *v, const struct login_row *row, const struct form *form)
{
    struct mfa_enrolment enrolment = {{0}, {{0}}, 0};
    struct audit_record by = visit_record(v, row->user);
    struct mfa_recovery codes;
    struct mfa_answer answer;
    struct buf text;
    sp_error e = mfa_enrolment_open(v->p->o.mfa, form_get(form, "seed"), &enrolment);

    buf_init(&text, 512);
    if (e == SP_OK && !id_equal(enrolment.user, row->user))
        e = SP_ERR_NOT_FOUND; /* the form of someone else */
    if (e == SP_OK)
        e = mfa_enrol(v->p->o.mfa,
                      &(struct mfa_confirmation){.enrolment = &enrolment,
                                                 .typed = form_get(form, "code"),
                                                 .replace = true},
                      &by, &answer, &codes);
    if (e == SP_OK) {
        draw_recovery(v, &codes, "/home");
    } else if (e == SP_ERR_DENIED) {
        code_words(&answer, &text);
        draw_enrol(v, &enrolment, "/home/authenticator", NULL, buf_cstr(&text));
        e = SP_OK;
    }
    secret_wipe(&codes, sizeof codes);
    mfa_enrolment_wipe(&enrolment);
    buf_deinit(&text);
    return e;
}

void mine_authenticator_post(struct visit *v)
{
    struct login_row row;
    struct form form;
    sp_error e = visit_form(v, &form);

    if (e != SP_OK) {
        page_failed(v, e);
        return;
    }
    if (who_am_i(v, NULL, &row) &&
        is_fresh(v, &row, "/login/factor?return_to=%2Fhome%2Fauthenticator") &&
        (e = replace(v, &row, &form)) != SP_OK)
        page_failed(v, e);
    form_deinit(&form);
}
