#include "broker/pages/pages_internal.h"
#include "lib/base/encode.h"
#include "lib/qr/qr.h"

/* ---- words -------------------------------------------------------------------------------- */

static void add_duration(int64_t ms, struct buf *out)
{
    int64_t s = (ms + 999) / 1000;

    if (s < 120)
        buf_addf(out, "%lld s", (long long)s);
    else if (s < 2 * 3600)
        buf_addf(out, "%lld min", (long long)((s + 59) / 60));
    else
        buf_addf(out, "%lld h", (long long)((s + 3599) / 3600));
}

void code_words(const struct mfa_answer *a, struct buf *out)
{
    sp_unix_ms now = clock_unix();

    switch (a->verdict) {
    case TOTP_USED:
        buf_add_str(out, "That code was used already. Wait for the next one, at most 30 s.");
        break;
    case TOTP_BEHIND:
        buf_addf(out,
                 "That code is too old: the clock of your phone seems to be behind by about "
                 "%u min.",
                 a->minutes_behind);
        break;
    case TOTP_AHEAD:
        buf_addf(out, "The clock of your phone does not agree with ours. It is %s here.",
                 clock_text(now).s);
        break;
    default:
        buf_add_str(out, "That is not the code.");
    }
    if (a->locked_until > now + INT64_C(365) * 24 * 3600 * 1000) {
        buf_add_str(out, " There were too many: only a recovery code or an administrator helps.");
    } else if (a->locked_until > now) {
        buf_add_str(out, " There were too many: codes work again in ");
        add_duration(a->locked_until - now, out);
        buf_add_str(out, ".");
    } else if (a->tries_left > 0) {
        buf_addf(out, " %lld %s left.", (long long)a->tries_left,
                 a->tries_left == 1 ? "try" : "tries");
    }
}

/* Whom a code is asked for, as the person knows it. */
static void who(struct visit *v, struct sp_id user, char out[ROW_EMAIL_MAX + 1])
{
    struct user_row row;

    out[0] = '\0';
    if (logins_user(v->p->o.logins, user, &row) == SP_OK) {
        const char *text = row.email[0] != '\0' ? row.email : row.name;
        memcpy(out, text, strlen(text) + 1);
    }
}

/* ---- one code ----------------------------------------------------------------------------- */

/* `hidden`: name and value that the form carries along. `error` NULL: the first time. */
static void draw_code(struct visit *v, struct sp_id user, const char *action, const char *hidden,
                      const char *value, const char *error)
{
    char name[ROW_EMAIL_MAX + 1];

    who(v, user, name);
    pages_begin(v, "Enter the code", false);
    html_f(&v->page,
           "<div><h1>Enter the 6-digit code</h1><p>From the authenticator app of %s.</p></div>"
           "<form class=\"stack\" method=\"post\" action=\"%s\">"
           "<input type=\"hidden\" name=\"%s\" value=\"%s\">"
           "<div class=\"field\"><label for=\"c\">Code</label>"
           "<input class=\"in otp\" id=\"c\" name=\"code\" type=\"text\" inputmode=\"numeric\" "
           "autocomplete=\"one-time-code\" maxlength=\"64\" required autofocus",
           name, action, hidden, value);
    if (error != NULL) {
        buf_add_str(&v->page, " aria-invalid=\"true\" aria-describedby=\"ce\">");
        page_error(&v->page, "ce", error);
    } else {
        buf_add_str(&v->page, ">");
    }
    html_f(&v->page,
           "</div><button class=\"btn main full\">Continue</button></form><hr>"
           "<p class=\"sub\">A recovery code works in the same field. No phone and no recovery "
           "code? Ask %s to reset your authenticator.</p>",
           v->p->o.help);
    page_end(v, error == NULL ? 200 : 403);
}

/* ---- setting one up ----------------------------------------------------------------------- */

static void draw_secret(struct visit *v, const struct mfa_enrolment *e)
{
    struct buf text;

    buf_init(&text, 64);
    encode_base32((struct view){e->secret, sizeof e->secret}, &text);
    buf_add_str(&v->page, "<code id=\"secret\">");
    for (size_t i = 0; i < text.len; i++) {
        if (i > 0 && i % 4 == 0)
            buf_add_byte(&v->page, ' ');
        buf_add_byte(&v->page, text.at[i]);
    }
    buf_add_str(&v->page, "</code>");
    buf_wipe(&text);
}

static sp_error draw_qr(struct visit *v, const struct mfa_enrolment *e)
{
    char name[ROW_EMAIL_MAX + 1];
    struct buf uri;
    sp_error error;

    who(v, e->user, name);
    buf_init(&uri, QR_TEXT_MAX);
    error = totp_uri((struct view){e->secret, sizeof e->secret}, view_str(v->p->o.organisation),
                     view_str(name), &uri);
    if (error == SP_OK)
        error =
            qr_svg(buf_view(&uri), "QR code with the same secret as the text beside it", &v->page);
    buf_wipe(&uri);
    return error;
}

/* The secret is on this page and, sealed, in its form; nothing is stored before a code is right.
 * Every answer of ours is no-store, so no cache keeps it (OTP-6). */
void draw_enrol(struct visit *v, const struct mfa_enrolment *e, const char *action,
                const struct login *login, const char *problem)
{
    struct buf sealed;
    sp_error error;

    buf_init(&sealed, 512);
    if ((error = mfa_enrolment_seal(v->p->o.mfa, e, &sealed)) != SP_OK) {
        buf_deinit(&sealed);
        page_failed(v, error);
        return;
    }
    pages_begin(v, "Set up your authenticator", true);
    buf_add_str(&v->page,
                "<div><h1>Set up your authenticator</h1><p>Once. From then on a code proves that "
                "it is you, even if your password leaks.</p></div>"
                "<ol class=\"steps\"><li class=\"done\">Sign in</li><li aria-current=\"step\">Scan"
                "</li><li>Recovery codes</li></ol><div class=\"qr\">");
    error = draw_qr(v, e);
    html_f(&v->page,
           "<form class=\"stack\" method=\"post\" action=\"%s\">"
           "<input type=\"hidden\" name=\"l\" value=\"%s\">"
           "<input type=\"hidden\" name=\"seed\" value=\"%s\">"
           "<p class=\"sub\">Open an authenticator app on your phone, add an account, and scan the "
           "square.</p>"
           "<div class=\"field\"><span class=\"label\">Cannot scan? Type this secret</span>"
           "<div class=\"copy\">",
           action, login != NULL ? id_text(login->id).s : "", buf_cstr(&sealed));
    draw_secret(v, e);
    page_copy(&v->page, "btn small icon quiet", "secret", "Copy secret", NULL);
    buf_add_str(&v->page,
                "</div><span class=\"hint\">TOTP, 6 digits, 30 s, SHA-1</span></div>"
                "<div class=\"field\"><label for=\"c\">Code that the app shows now</label>"
                "<input class=\"in otp\" id=\"c\" name=\"code\" type=\"text\" "
                "inputmode=\"numeric\" autocomplete=\"one-time-code\" maxlength=\"16\" required");
    if (problem != NULL) {
        buf_add_str(&v->page, " aria-invalid=\"true\" aria-describedby=\"ce\">");
        page_error(&v->page, "ce", problem);
    } else {
        buf_add_str(&v->page, ">");
    }
    buf_add_str(&v->page, "</div><button class=\"btn main full\">Confirm</button></form></div>");
    buf_deinit(&sealed);
    if (error != SP_OK)
        page_failed(v, error);
    else
        page_end(v, problem == NULL ? 200 : 403);
}

void draw_recovery(struct visit *v, const struct mfa_recovery *codes, const char *next)
{
    pages_begin(v, "Recovery codes", false);
    buf_add_str(&v->page,
                "<div><h1>Keep these recovery codes</h1><p>Each replaces one code if you lose your "
                "phone. They are shown this once.</p></div>"
                "<ol class=\"steps\"><li class=\"done\">Sign in</li><li class=\"done\">Scan</li>"
                "<li aria-current=\"step\">Recovery codes</li></ol>"
                "<ol class=\"codes\" id=\"codes\" aria-label=\"Recovery codes\">");
    for (size_t i = 0; i < MFA_RECOVERY_CODES; i++)
        html_f(&v->page, "<li>%s</li>", codes->codes[i]);
    buf_add_str(&v->page, "</ol><div class=\"filters\">");
    page_copy(&v->page, "btn", "codes", NULL, "Copy");
    buf_add_str(&v->page,
                "<button type=\"button\" class=\"btn\" data-save=\"codes\" "
                "data-name=\"sallyport-recovery-codes.txt\" hidden>Save as text</button>"
                "<button type=\"button\" class=\"btn\" data-print hidden>Print</button></div>");
    html_f(&v->page,
           "<p class=\"sub\">Keep them somewhere other than this device.</p>"
           "<a class=\"btn main full\" href=\"%s\">I have kept them</a>",
           next);
    page_end(v, 200);
}

/* ---- the routes --------------------------------------------------------------------------- */

static void begin_enrolment(struct visit *v, const struct login *login)
{
    struct mfa_enrolment e;

    if (!v->p->o.enrol_at_login) {
        page_stopped(v, 403, "You have no authenticator yet",
                     "Setting one up has to be allowed first. Ask whoever helps you.");
        return;
    }
    mfa_enrolment_new(login->user, &e);
    draw_enrol(v, &e, "/login/enrol", login, NULL);
    mfa_enrolment_wipe(&e);
}

void code_page(struct visit *v)
{
    struct mfa_state state;
    struct login login;
    struct form query;
    sp_error e = visit_query(v, &query);

    if (e == SP_OK) {
        e = logins_load(v->p->o.logins, v->req, form_get(&query, "l"), LOGIN_FACTOR, &login);
        form_deinit(&query);
    }
    if (e != SP_OK || (e = mfa_state(v->p->o.mfa, login.user, &state)) != SP_OK)
        page_failed(v, e);
    else if (state.enrolled)
        draw_code(v, login.user, "/login/code", "l", id_text(login.id).s, NULL);
    else
        begin_enrolment(v, &login);
}

/* Where a login goes on after its factor was proved. */
static void next_address(const struct login *login, struct buf *out)
{
    if (login->device)
        buf_addf(out, "/login/approve?l=%s", id_text(login->id).s);
    else
        buf_add_str(out, login->return_to);
}

void code_post(struct visit *v)
{
    struct mfa_answer answer = {.verdict = TOTP_WRONG};
    struct audit_record by;
    struct login login;
    struct form form;
    struct buf text;
    sp_error e = visit_form(v, &form);

    if (e != SP_OK) {
        page_failed(v, e);
        return;
    }
    buf_init(&text, 1024);
    e = logins_load(v->p->o.logins, v->req, form_get(&form, "l"), LOGIN_FACTOR, &login);
    if (e == SP_OK) {
        by = visit_record(v, login.user);
        e = mfa_verify(v->p->o.mfa, login.user, form_get(&form, "code"), &by, &answer);
        if (e == SP_OK)
            e = logins_proved(v->p->o.logins, &login, &answer, v->req, v->res);
        else if (e == SP_ERR_DENIED)
            code_words(&answer, &text);
    }
    if (e == SP_OK) {
        next_address(&login, &text);
        response_redirect(v->res, buf_view(&text));
    } else if (e == SP_ERR_DENIED) {
        draw_code(v, login.user, "/login/code", "l", id_text(login.id).s, buf_cstr(&text));
    } else {
        page_failed(v, e);
    }
    buf_deinit(&text);
    form_deinit(&form);
}

/* Under a right code: the login goes on, and the recovery codes are on the page in between. */
static void enrolled(struct visit *v, struct login *login, const struct mfa_answer *answer,
                     const struct mfa_recovery *codes)
{
    struct buf next;
    sp_error e = logins_proved(v->p->o.logins, login, answer, v->req, v->res);

    buf_init(&next, 1024);
    if (e != SP_OK) {
        page_failed(v, e);
    } else {
        next_address(login, &next);
        draw_recovery(v, codes, buf_cstr(&next));
    }
    buf_deinit(&next);
}

void enrol_post(struct visit *v)
{
    struct mfa_enrolment enrolment = {{0}, {{0}}, 0};
    struct mfa_recovery codes;
    struct mfa_answer answer;
    struct audit_record by;
    struct login login;
    struct form form;
    struct buf text;
    sp_error e = visit_form(v, &form);

    if (e != SP_OK) {
        page_failed(v, e);
        return;
    }
    buf_init(&text, 512);
    e = logins_load(v->p->o.logins, v->req, form_get(&form, "l"), LOGIN_FACTOR, &login);
    if (e == SP_OK && !v->p->o.enrol_at_login)
        e = SP_ERR_NOT_FOUND;
    if (e == SP_OK)
        e = mfa_enrolment_open(v->p->o.mfa, form_get(&form, "seed"), &enrolment);
    if (e == SP_OK && !id_equal(enrolment.user, login.user))
        e = SP_ERR_NOT_FOUND; /* the form of another login */
    if (e == SP_OK) {
        by = visit_record(v, login.user);
        e = mfa_enrol(
            v->p->o.mfa,
            &(struct mfa_confirmation){.enrolment = &enrolment, .typed = form_get(&form, "code")},
            &by, &answer, &codes);
        if (e == SP_OK) {
            enrolled(v, &login, &answer, &codes);
        } else if (e == SP_ERR_DENIED) {
            code_words(&answer, &text);
            draw_enrol(v, &enrolment, "/login/enrol", &login, buf_cstr(&text));
        } else if (e == SP_ERR_EXISTS) {
            page_go(v, "/login/code", &login); /* set up in another tab meanwhile */
        } else {
            page_failed(v, e);
        }
    } else if (e == SP_ERR_EXPIRED && login.step == LOGIN_FACTOR) {
        begin_enrolment(v, &login); /* gone stale: a new secret, the old one is void */
    } else {
        page_failed(v, e);
    }
    secret_wipe(&codes, sizeof codes);
    mfa_enrolment_wipe(&enrolment);
    buf_deinit(&text);
    form_deinit(&form);
}

/* ---- a newer proof for a login that exists ------------------------------------------------ */

static void to_login(struct visit *v, struct view return_to)
{
    struct buf to;

    buf_init(&to, 2048);
    buf_add_str(&to, "/login?return_to=");
    encode_percent(return_to, &to);
    response_redirect(v->res, buf_view(&to));
    buf_deinit(&to);
}

void factor_page(struct visit *v)
{
    struct login_row row;
    struct form query;
    struct buf path;
    sp_error e = visit_query(v, &query);

    if (e != SP_OK) {
        page_failed(v, e);
        return;
    }
    buf_init(&path, LOGINS_RETURN_MAX);
    buf_add(&path, logins_return_to(form_get(&query, "return_to")));
    e = signin_find(v->p->o.signin, v->req, v->res, &row);
    if (e == SP_ERR_UNAUTHENTICATED)
        to_login(v, buf_view(&path));
    else if (e != SP_OK)
        page_failed(v, e);
    else
        draw_code(v, row.user, "/login/factor", "return_to", buf_cstr(&path), NULL);
    buf_deinit(&path);
    form_deinit(&query);
}

void factor_post(struct visit *v)
{
    struct mfa_answer answer = {.verdict = TOTP_WRONG};
    struct audit_record by;
    struct login_row row;
    struct form form;
    struct buf path, text;
    sp_error e = visit_form(v, &form);

    if (e != SP_OK) {
        page_failed(v, e);
        return;
    }
    buf_init(&path, LOGINS_RETURN_MAX);
    buf_init(&text, 512);
    buf_add(&path, logins_return_to(form_get(&form, "return_to")));
    if ((e = signin_find(v->p->o.signin, v->req, NULL, &row)) == SP_OK) {
        by = visit_record(v, row.user);
        e = mfa_verify(v->p->o.mfa, row.user, form_get(&form, "code"), &by, &answer);
    }
    if (e == SP_OK)
        e = signin_factor(v->p->o.signin, v->req, v->res, answer.at, ROW_MFA_OTP, &row);
    if (e == SP_OK) {
        response_redirect(v->res, buf_view(&path));
    } else if (e == SP_ERR_DENIED) {
        code_words(&answer, &text);
        draw_code(v, row.user, "/login/factor", "return_to", buf_cstr(&path), buf_cstr(&text));
    } else if (e == SP_ERR_UNAUTHENTICATED) {
        to_login(v, buf_view(&path));
    } else {
        page_failed(v, e);
    }
    buf_deinit(&text);
    buf_deinit(&path);
    form_deinit(&form);
}
