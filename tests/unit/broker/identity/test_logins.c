/*
 * Whole logins on a real store, registry and provider: from the device's channel through the
 * browser back to the channel, and in the browser alone.
 */
#include "broker/identity/logins.h"
#include "lib/base/encode.h"
#include "lib/crypto/jwt.h"
#include "lib/crypto/random.h"
#include "lib/http/form.h"
#include "lib/http/url.h"
#include "tests/unit/lib/http/harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

/* ---- a provider that says yes --------------------------------------------------------------- */

static struct harness op;
static struct key_secret *op_key;
static char issuer[64], nonce[64];
static const char *op_sub, *op_email;

static void discovery_document(struct response *res)
{
    struct json *j = json_object();
    char url[128];

    json_set_cstr(j, "issuer", issuer);
    (void)snprintf(url, sizeof url, "%s/authorize", issuer);
    json_set_cstr(j, "authorization_endpoint", url);
    (void)snprintf(url, sizeof url, "%s/token", issuer);
    json_set_cstr(j, "token_endpoint", url);
    (void)snprintf(url, sizeof url, "%s/jwks", issuer);
    json_set_cstr(j, "jwks_uri", url);
    response_json(res, 200, j);
}

static void tokens(struct response *res)
{
    struct json *c = json_object(), *j = json_object();
    struct buf id;

    buf_init(&id, 8192);
    json_set_cstr(c, "iss", issuer);
    json_set_cstr(c, "aud", "sallyport");
    json_set_cstr(c, "sub", op_sub);
    json_set_cstr(c, "email", op_email);
    json_set_cstr(c, "preferred_username", op_sub);
    json_set_cstr(c, "nonce", nonce);
    json_set_cstr(c, "groups", "staff");
    json_set_int(c, "iat", clock_unix() / 1000);
    json_set_int(c, "exp", clock_unix() / 1000 + 300);
    assert_int_equal(jwt_sign(op_key, "k", c, &id), SP_OK);
    json_set_str(j, "id_token", buf_view(&id));
    json_set_cstr(j, "access_token", "a");
    response_json(res, 200, j);
    json_free(c);
    buf_deinit(&id);
}

static void provide(void *arg, const struct request *req, struct response *res)
{
    const char *kid = "k";
    struct buf text;

    (void)arg;
    if (view_is(req->path, "/.well-known/openid-configuration")) {
        discovery_document(res);
    } else if (view_is(req->path, "/jwks")) {
        buf_init(&text, 4096);
        assert_int_equal(jwks_write(key_secret_public(op_key), &kid, 1, &text), SP_OK);
        response_text(res, 200, "application/json", buf_view(&text));
        buf_deinit(&text);
    } else {
        tokens(res);
    }
}

/* ---- a browser: it keeps cookies ------------------------------------------------------------ */

enum { JAR_MAX = 16 };

struct browser {
    char names[JAR_MAX][96], values[JAR_MAX][3200];
    size_t count;
    char header[64 * 1024], query[4096];
    struct http_header field;
    struct request req;
};

static void jar_set(struct browser *b, const char *name, const char *value, bool gone)
{
    size_t i = 0;

    while (i < b->count && strcmp(b->names[i], name) != 0)
        i++;
    if (gone) {
        if (i < b->count) {
            b->count--;
            memmove(b->names[i], b->names[b->count], sizeof b->names[i]);
            memmove(b->values[i], b->values[b->count], sizeof b->values[i]);
        }
        return;
    }
    assert_true(i < JAR_MAX);
    (void)snprintf(b->names[i], sizeof b->names[i], "%s", name);
    (void)snprintf(b->values[i], sizeof b->values[i], "%s", value);
    if (i == b->count)
        b->count++;
}

/* Takes the answer's cookies, and forgets the answer. */
static void receive(struct browser *b, struct response *res)
{
    char *line, *save = NULL, *head;

    assert_int_equal(response_error(res), SP_OK);
    head = strdup(buf_cstr(&res->head));
    assert_non_null(head);
    for (line = strtok_r(head, "\r\n", &save); line != NULL; line = strtok_r(NULL, "\r\n", &save)) {
        char *value, *end;
        if (strncmp(line, "set-cookie: ", 12) != 0)
            continue;
        line += 12;
        value = strchr(line, '=');
        end = strchr(line, ';');
        assert_non_null(value);
        assert_non_null(end);
        *value = *end = '\0';
        jar_set(b, line, value + 1, strstr(end + 1, "Max-Age=0") != NULL);
    }
    free(head);
    response_deinit(res);
    response_init(res);
}

/* The next request of the browser, with all its cookies. */
static const struct request *send_query(struct browser *b, const char *query)
{
    size_t n = 0;

    b->header[0] = '\0';
    for (size_t i = 0; i < b->count; i++)
        n += (size_t)snprintf(b->header + n, sizeof b->header - n, "%s%s=%s", i > 0 ? "; " : "",
                              b->names[i], b->values[i]);
    assert_true(n < 12 * 1024); /* a request's head holds 16 KiB */
    (void)snprintf(b->query, sizeof b->query, "%s", query);
    b->field = (struct http_header){view_str("cookie"), view_str(b->header)};
    b->req = (struct request){.method = METHOD_GET,
                              .headers = &b->field,
                              .header_count = b->count > 0,
                              .query = view_str(b->query)};
    (void)snprintf(b->req.peer, sizeof b->req.peer, "198.51.100.24");
    (void)snprintf(b->req.ref, sizeof b->req.ref, "R-1");
    return &b->req;
}

/* ---- the broker's side ---------------------------------------------------------------------- */

static struct {
    struct temp t;
    struct registry *registry;
    struct changes *changes;
    struct oidc *oidc;
    struct secret *master, *cookie;
    struct mfa *mfa;
    struct signin *signin;
    struct logins *l;
    struct key_secret *key, *other;
    struct login_device device;
    char verifier[64], challenge[64], moved[64];
    struct response res;
} x;

static void on_moved(void *arg, const struct key_public *device, const char *state,
                     const char *text)
{
    (void)arg;
    (void)text;
    assert_true(key_equal(device, key_secret_public(x.key)));
    (void)snprintf(x.moved, sizeof x.moved, "%s", state);
}

static void make_oidc(void)
{
    struct provider_options p = {.name = "corp",
                                 .issuer = issuer,
                                 .client_id = "sallyport",
                                 .ca_file = data_path("tls/ca.pem")};
    struct oidc_options o = {
        .providers = &p, .provider_count = 1, .origin = "https://access.example.test"};

    assert_int_equal(oidc_new(&o, NULL, &x.oidc), SP_OK);
}

static int setup(void **state)
{
    struct changes_listener follow;
    struct logins_options o;
    struct buf text;
    struct hash h;

    (void)state;
    memset(&x, 0, sizeof x);
    op_sub = "kim";
    op_email = "kim@example.test";
    assert_int_equal(key_secret_new(KEY_P256, &op_key), SP_OK);
    op = (struct harness){.handle = provide, .tls = "good"};
    harness_start(&op);
    (void)snprintf(issuer, sizeof issuer, "https://localhost:%u", op.port);
    temp_new(&x.t);
    assert_int_equal(registry_new(x.t.st, &x.registry), SP_OK);
    assert_int_equal(changes_new(x.t.st, false, &x.changes), SP_OK);
    follow = registry_listener(x.registry);
    assert_int_equal(changes_listen(x.changes, &follow), SP_OK);
    assert_int_equal(changes_start(x.changes), SP_OK);
    make_oidc();
    assert_int_equal(secret_new_random(32, &x.master), SP_OK);
    assert_int_equal(secret_new_random(32, &x.cookie), SP_OK);
    assert_int_equal(mfa_new(x.t.st, x.master, &x.mfa), SP_OK);
    assert_int_equal(signin_new(x.t.st, 12 * 3600 * 1000, 0, &x.signin), SP_OK);
    o = (struct logins_options){.store = x.t.st,
                                .registry = x.registry,
                                .oidc = x.oidc,
                                .mfa = x.mfa,
                                .signin = x.signin,
                                .cookie_key = x.cookie,
                                .origin = "https://access.example.test",
                                .session_ms = 12 * 3600 * 1000,
                                .approve_devices = true,
                                .moved = on_moved};
    assert_int_equal(logins_new(&o, &x.l), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &x.key), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &x.other), SP_OK);
    x.device = (struct login_device){.key = key_secret_public(x.key),
                                     .name = "chen-desk",
                                     .os = "Debian 12",
                                     .software = "sallyport 0.1",
                                     .address = "198.51.100.24"};
    (void)snprintf(x.verifier, sizeof x.verifier, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    buf_init(&text, 64);
    h = hash_sha256(view_str(x.verifier));
    encode_base64url(hash_view(&h), &text);
    (void)snprintf(x.challenge, sizeof x.challenge, "%s", buf_cstr(&text));
    buf_deinit(&text);
    response_init(&x.res);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    response_deinit(&x.res);
    logins_free(x.l);
    signin_free(x.signin);
    mfa_free(x.mfa);
    secret_free(x.master);
    secret_free(x.cookie);
    oidc_free(x.oidc);
    changes_free(x.changes);
    registry_free(x.registry);
    temp_free(&x.t);
    key_secret_free(x.key);
    key_secret_free(x.other);
    harness_stop(&op);
    key_secret_free(op_key);
    return 0;
}

/* To the provider and back; the query of the callback. */
static void to_provider(struct browser *b, struct login *login, char query[512])
{
    struct buf url;

    buf_init(&url, 8192);
    assert_int_equal(logins_to_provider(x.l, login, view_str("corp"), &url, NULL), SP_OK);
    logins_keep(x.l, login, send_query(b, ""), &x.res);
    receive(b, &x.res);
    (void)snprintf(nonce, sizeof nonce, "%s", login->attempt.nonce);
    (void)snprintf(query, 512, "code=c&state=%s", login->attempt.state);
    buf_deinit(&url);
}

static sp_error back(struct browser *b, const char *query, struct login *out)
{
    struct sp_why why = {0};
    sp_error e = logins_answer(x.l, send_query(b, query), view_str("corp"), out, &why);

    if (e == SP_OK) {
        logins_keep(x.l, out, &b->req, &x.res);
        receive(b, &x.res);
    }
    return e;
}

static struct mfa_answer enrol(struct sp_id user)
{
    struct audit_record by = {.actor_kind = AUDIT_ACTOR_USER};
    struct mfa_enrolment e;
    struct mfa_recovery codes;
    struct mfa_answer answer;
    char code[10];

    mfa_enrolment_new(user, &e);
    assert_int_equal(totp_hotp((struct view){e.secret, sizeof e.secret},
                               (uint64_t)(clock_unix() / 30000), TOTP_SHA1, 6, code),
                     SP_OK);
    assert_int_equal(mfa_enrol(x.mfa, &e, view_str(code), false, &by, &answer, &codes), SP_OK);
    return answer;
}

/* A device's login up to the approval page. */
static void until_approval(struct browser *b, const char *redirect, struct login *login)
{
    struct login_begin begin = {.redirect = view_str(redirect),
                                .challenge = view_str(x.challenge),
                                .state = view_str("0123456789abcdef")};
    char match[LOGINS_MATCH_TEXT + 1], query[512];
    struct mfa_answer answer;
    struct sp_why why = {0};
    sp_unix_ms until;
    struct buf url, start;
    struct url u;
    struct form f;

    buf_init(&url, 4096);
    buf_init(&start, 4096);
    if (logins_begin(x.l, &x.device, &begin, &why, &url, match, &until) != SP_OK)
        fail_msg("logins_begin: %s", why.text);
    assert_true(url.len <= 2048); /* LOGIN_URL_MAX of the channel's message */
    assert_int_equal(url_parse(buf_view(&url), &u), SP_OK);
    assert_true(view_is(u.path, "/login/device"));
    assert_int_equal(form_parse(u.query, &f), SP_OK);
    assert_int_equal(logins_open_device(x.l, form_get(&f, "start"), login), SP_OK);
    form_deinit(&f);
    assert_string_equal(login->match, match);
    assert_string_equal(x.moved, "opened");
    logins_keep(x.l, login, send_query(b, ""), &x.res);
    receive(b, &x.res);
    to_provider(b, login, query);
    assert_int_equal(back(b, query, login), SP_OK);
    assert_int_equal(login->step, LOGIN_FACTOR);
    assert_string_equal(x.moved, "signed_in");
    answer = enrol(login->user);
    assert_int_equal(
        logins_load(x.l, send_query(b, ""), view_str(id_text(login->id).s), LOGIN_FACTOR, login),
        SP_OK);
    assert_int_equal(logins_proved(x.l, login, &answer, &b->req, &x.res), SP_OK);
    receive(b, &x.res);
    assert_int_equal(login->step, LOGIN_APPROVE);
    buf_deinit(&url);
    buf_deinit(&start);
}

static void approve(struct browser *b, struct login *login, struct buf *out)
{
    assert_int_equal(
        logins_load(x.l, send_query(b, ""), view_str(id_text(login->id).s), LOGIN_APPROVE, login),
        SP_OK);
    assert_int_equal(logins_approve(x.l, login, &b->req, &x.res, out), SP_OK);
    receive(b, &x.res);
    assert_string_equal(x.moved, "approved");
    assert_int_equal(b->count, 0); /* the login's cookie is gone */
}

static struct browser browser;

static void a_device_logs_in_from_its_channel_and_back(void **state)
{
    (void)state;
    struct browser *b = &browser;
    struct login_done done;
    struct login_row row;
    struct sp_why why = {0};
    struct login login;
    struct buf out;
    struct url u;
    struct form f;

    memset(b, 0, sizeof *b);
    buf_init(&out, 1024);
    until_approval(b, "http://127.0.0.1:39301/cb-a8f3", &login);
    approve(b, &login, &out);
    assert_int_equal(url_parse(buf_view(&out), &u), SP_OK);
    assert_int_equal(u.port, 39301);
    assert_true(view_is(u.path, "/cb-a8f3"));
    assert_int_equal(form_parse(u.query, &f), SP_OK);
    assert_true(view_is(form_get(&f, "state"), "0123456789abcdef"));
    if (logins_finish(x.l, &x.device, form_get(&f, "code"), view_str(x.verifier), &why, &done) !=
        SP_OK)
        fail_msg("logins_finish: %s", why.text);
    assert_string_equal(done.user.email, "kim@example.test");
    assert_string_equal(done.device.name, "chen-desk");
    assert_int_equal(done.device.state, ROW_DEVICE_APPROVED);
    assert_true(done.login.mfa_at > 0);
    assert_int_equal(done.login.mfa_kind, ROW_MFA_OTP);
    assert_int_equal(logins_of_device(x.l, done.device.id, clock_unix(), &row), SP_OK);
    assert_true(id_equal(row.user, done.user.id));
    assert_int_equal(logins_of_device(x.l, done.device.id, row.expires, &row),
                     SP_ERR_UNAUTHENTICATED);

    /* OA-6: the code again: refused, and the login that it gave has ended */
    assert_int_equal(
        logins_finish(x.l, &x.device, form_get(&f, "code"), view_str(x.verifier), &why, &done),
        SP_ERR_DENIED);
    assert_int_equal(logins_of_device(x.l, done.device.id, clock_unix(), &row),
                     SP_ERR_UNAUTHENTICATED);
    form_deinit(&f);
    buf_deinit(&out);
}

static void OA_07_a_code_is_worthless_on_another_channel_or_with_another_verifier(void **state)
{
    (void)state;
    struct login_device stranger = x.device;
    struct browser *b = &browser;
    struct login_done done;
    struct login login;
    struct buf out;

    stranger.key = key_secret_public(x.other);
    memset(b, 0, sizeof *b);
    buf_init(&out, 1024);
    until_approval(b, "", &login); /* no browser on the device: the code is typed */
    approve(b, &login, &out);
    assert_int_equal(out.len, 14); /* "ABCD-EFGH-JKLM" */
    assert_int_equal(
        logins_finish(x.l, &stranger, buf_view(&out), view_str(x.verifier), NULL, &done),
        SP_ERR_DENIED);
    /* burnt: the right channel cannot use it either */
    assert_int_equal(
        logins_finish(x.l, &x.device, buf_view(&out), view_str(x.verifier), NULL, &done),
        SP_ERR_DENIED);
    buf_deinit(&out);
}

static void a_typed_code_is_read_without_case_and_dashes(void **state)
{
    (void)state;
    struct browser *b = &browser;
    struct login_done done;
    struct login login;
    struct buf out, typed;

    memset(b, 0, sizeof *b);
    buf_init(&out, 64);
    buf_init(&typed, 64);
    until_approval(b, "", &login);
    approve(b, &login, &out);
    for (size_t i = 0; i < out.len; i++)
        if (out.at[i] != '-')
            buf_add_byte(&typed, out.at[i] >= 'A' && out.at[i] <= 'Z'
                                     ? (uint8_t)(out.at[i] - 'A' + 'a')
                                     : out.at[i]);
    assert_int_equal(
        logins_finish(x.l, &x.device, buf_view(&typed), view_str(x.verifier), NULL, &done), SP_OK);
    buf_deinit(&typed);
    buf_deinit(&out);
}

static void a_device_that_is_not_mine_gets_nothing(void **state)
{
    (void)state;
    struct browser *b = &browser;
    struct login login;
    struct buf out;

    memset(b, 0, sizeof *b);
    buf_init(&out, 64);
    until_approval(b, "", &login);
    assert_int_equal(logins_refuse(x.l, &login, send_query(b, ""), &x.res), SP_OK);
    receive(b, &x.res);
    assert_string_equal(x.moved, "refused");
    assert_int_equal(logins_approve(x.l, &login, &b->req, &x.res, &out), SP_ERR_REPLAY);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
}

/* C-010, IDT-19: ten tabs, their callbacks in reverse order, one of them twice. */
static void C_010_ten_tabs_log_in_at_once(void **state)
{
    (void)state;
    struct browser *b = &browser;
    static struct login tabs[10];
    char queries[10][512], nonces[10][64];
    struct login login;

    memset(b, 0, sizeof *b);
    for (int i = 0; i < 10; i++) {
        logins_open_browser(x.l, view_str("/policies"), &tabs[i]);
        logins_keep(x.l, &tabs[i], send_query(b, ""), &x.res);
        receive(b, &x.res);
        to_provider(b, &tabs[i], queries[i]);
        memcpy(nonces[i], nonce, sizeof nonce);
    }
    assert_int_equal(b->count, 10);
    for (int i = 9; i >= 0; i--) {
        memcpy(nonce, nonces[i], sizeof nonce);
        assert_int_equal(back(b, queries[i], &login), SP_OK);
        assert_true(id_equal(login.id, tabs[i].id));
        if (i == 5) /* its step has moved on: this state names no waiting login any more */
            assert_int_equal(back(b, queries[i], &login), SP_ERR_NOT_FOUND);
    }
}

static void TM_21_of_parallel_callbacks_with_one_cookie_one_wins(void **state)
{
    (void)state;
    struct browser *b = &browser;
    struct login login, first, second;
    char query[512];

    memset(b, 0, sizeof *b);
    logins_open_browser(x.l, view_str("/"), &login);
    to_provider(b, &login, query);
    /* the same cookie twice: as two requests that were sent at the same time */
    assert_int_equal(logins_answer(x.l, send_query(b, query), view_str("corp"), &first, NULL),
                     SP_OK);
    assert_int_equal(logins_answer(x.l, send_query(b, query), view_str("corp"), &second, NULL),
                     SP_ERR_REPLAY);
}

static void IDT_19_a_state_of_another_browser_or_provider_is_refused(void **state)
{
    (void)state;
    struct browser *b = &browser;
    static struct browser thief;
    struct login login, out;
    char query[512];

    memset(b, 0, sizeof *b);
    memset(&thief, 0, sizeof thief);
    logins_open_browser(x.l, view_str("/"), &login);
    to_provider(b, &login, query);
    assert_int_equal(logins_answer(x.l, send_query(&thief, query), view_str("corp"), &out, NULL),
                     SP_ERR_NOT_FOUND);
    assert_int_equal(logins_answer(x.l, send_query(b, query), view_str("evil"), &out, NULL),
                     SP_ERR_NOT_FOUND);
    assert_int_equal(
        logins_answer(x.l, send_query(b, "code=c&state="), view_str("corp"), &out, NULL),
        SP_ERR_NOT_FOUND);
    assert_int_equal(
        logins_answer(x.l, send_query(b, "code=c&code=d&state=s"), view_str("corp"), &out, NULL),
        SP_ERR_PROTOCOL);                          /* IDT-21: repeated */
    assert_int_equal(back(b, query, &out), SP_OK); /* none of it harmed the right one */
}

static void a_browser_login_ends_in_a_ticket_and_only_once(void **state)
{
    (void)state;
    struct browser *b = &browser;
    struct login login, copy;
    struct mfa_answer answer;
    struct login_row row;
    char query[512];

    memset(b, 0, sizeof *b);
    logins_open_browser(x.l, view_str("/policies?x=1"), &login);
    to_provider(b, &login, query);
    assert_int_equal(back(b, query, &login), SP_OK);
    answer = enrol(login.user);
    copy = login;
    assert_int_equal(logins_proved(x.l, &login, &answer, send_query(b, ""), &x.res), SP_OK);
    receive(b, &x.res);
    assert_int_equal(b->count, 1);
    assert_string_equal(b->names[0], "__Host-sallyport");
    assert_int_equal(signin_find(x.signin, send_query(b, ""), NULL, &row), SP_OK);
    assert_true(id_equal(row.user, login.user));
    assert_string_equal(login.return_to, "/policies?x=1");
    assert_int_equal(logins_proved(x.l, &copy, &answer, send_query(b, ""), &x.res), SP_ERR_REPLAY);
}

/* C-009: (iss, sub) and nothing else is the key of a person. */
static void C_009_renamed_and_recycled_addresses(void **state)
{
    (void)state;
    struct browser *b = &browser;
    static const struct {
        const char *sub, *email;
        int same_as; /* -1: someone new */
    } rows[] = {{"1", "kim@example.test", -1},
                {"1", "kim.new@example.test", 0},
                {"2", "kim@example.test", -1}};
    struct sp_id users[3];

    for (size_t i = 0; i < 3; i++) {
        struct mfa_state st;
        struct login login;
        char query[512];

        memset(b, 0, sizeof *b);
        op_sub = rows[i].sub;
        op_email = rows[i].email;
        logins_open_browser(x.l, view_str("/"), &login);
        to_provider(b, &login, query);
        assert_int_equal(back(b, query, &login), SP_OK);
        users[i] = login.user;
        assert_int_equal(mfa_state(x.mfa, login.user, &st), SP_OK);
        assert_int_equal(st.enrolled, rows[i].same_as >= 0); /* a factor never moves along */
        if (!st.enrolled)
            (void)enrol(login.user);
    }
    assert_true(id_equal(users[0], users[1]));
    assert_false(id_equal(users[0], users[2]));
}

static void OA_09_only_literal_loopback_redirects_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *redirect;
        bool fine;
    } rows[] = {
        {"http://127.0.0.1:39301/cb", true},
        {"http://[::1]:39301/cb", true},
        {"", true},
        {"http://localhost:39301/cb", false},
        {"http://127.0.0.1/cb", false},
        {"http://127.0.0.1:39301", false},
        {"http://127.0.0.1:39301/", false},
        {"https://127.0.0.1:39301/cb", false},
        {"http://127.0.0.2:39301/cb", false},
        {"http://evil.example:39301/cb", false},
        {"http://127.0.0.1:39301@evil.example/cb", false},
        {"http://127.0.0.1:39301/cb?x=1", false},
        {"http://127.0.0.1:39301/cb#x", false},
        {"javascript:alert(1)", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct login_begin begin = {.redirect = view_str(rows[i].redirect),
                                    .challenge = view_str(x.challenge),
                                    .state = view_str("0123456789abcdef")};
        char match[LOGINS_MATCH_TEXT + 1];
        sp_unix_ms until;
        struct buf url;

        buf_init(&url, 4096);
        if ((logins_begin(x.l, &x.device, &begin, NULL, &url, match, &until) == SP_OK) !=
            rows[i].fine)
            fail_msg("%s", rows[i].redirect);
        buf_deinit(&url);
    }
}

static void OA_04_a_return_path_stays_on_this_origin(void **state)
{
    (void)state;
    static const char *const bad[] = {"//evil",
                                      "/\\evil",
                                      "/%2f/evil",
                                      "/%5cevil",
                                      "https:evil",
                                      "javascript:alert(1)",
                                      "/a\r\nSet-Cookie: x",
                                      "",
                                      "a",
                                      "/a b",
                                      "/\xc3\xa9"};
    static const char *const good[] = {"/", "/home", "/policies?x=1&y=%2F", "/a//b"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_true(view_is(logins_return_to(view_str(bad[i])), "/"));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(view_is(logins_return_to(view_str(good[i])), good[i]));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_device_logs_in_from_its_channel_and_back),
        CASE(OA_07_a_code_is_worthless_on_another_channel_or_with_another_verifier),
        CASE(a_typed_code_is_read_without_case_and_dashes),
        CASE(a_device_that_is_not_mine_gets_nothing),
        CASE(C_010_ten_tabs_log_in_at_once),
        CASE(TM_21_of_parallel_callbacks_with_one_cookie_one_wins),
        CASE(IDT_19_a_state_of_another_browser_or_provider_is_refused),
        CASE(a_browser_login_ends_in_a_ticket_and_only_once),
        CASE(C_009_renamed_and_recycled_addresses),
        CASE(OA_09_only_literal_loopback_redirects_are_taken),
        CASE(OA_04_a_return_path_stays_on_this_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
