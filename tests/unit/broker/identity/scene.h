#ifndef SP_TESTS_IDENTITY_SCENE_H
#define SP_TESTS_IDENTITY_SCENE_H

/*
 * scene: what whole logins play on: a provider on TLS, a browser with a jar of cookies, the
 * broker's identity services on a real store. For test_logins.c and test_pages.c.
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
                                .device_code = true,
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
    assert_int_equal(
        logins_to_provider(x.l, send_query(b, ""), login, view_str("corp"), &url, NULL), SP_OK);
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
    assert_int_equal(mfa_enrol(x.mfa,
                               &(struct mfa_confirmation){.enrolment = &e, .typed = view_str(code)},
                               &by, &answer, &codes),
                     SP_OK);
    return answer;
}

/* A login that this browser has opened, to the provider and back, up to the approval page. */
static void through_factor(struct browser *b, struct login *login)
{
    struct mfa_answer answer;
    char query[512];

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
}

/* A device's login up to the approval page. */
__attribute__((unused)) static void until_approval(struct browser *b, const char *redirect,
                                                   struct login *login)
{
    struct login_begin begin = {.redirect = view_str(redirect),
                                .challenge = view_str(x.challenge),
                                .state = view_str("0123456789abcdef")};
    struct sp_why why = {0};
    struct login_begun begun;
    struct buf url, start;
    struct url u;
    struct form f;

    buf_init(&url, 4096);
    buf_init(&start, 4096);
    if (logins_begin(x.l, &x.device, &begin, &why, &url, &begun) != SP_OK)
        fail_msg("logins_begin: %s", why.text);
    assert_true(url.len <= 2048); /* LOGIN_URL_MAX of the channel's message */
    assert_int_equal(url_parse(buf_view(&url), &u), SP_OK);
    assert_true(view_is(u.path, "/login/device"));
    assert_int_equal(form_parse(u.query, &f), SP_OK);
    assert_int_equal(logins_open_device(x.l, form_get(&f, "start"), login), SP_OK);
    form_deinit(&f);
    assert_string_equal(login->match, begun.match);
    assert_string_equal(x.moved, "opened");
    through_factor(b, login);
    buf_deinit(&url);
    buf_deinit(&start);
}

static struct browser browser;

#endif
