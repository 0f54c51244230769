/*
 * The router on a real store, real logins and real groups: who gets through to a handler, who
 * does not, and what is written down. The handlers are this file's: they note that they ran.
 */
#include "broker/api/api.h"
#include "broker/api/cuts.h"
#include "broker/api/feed.h"
#include "broker/api/figures.h"
#include "broker/api/verified.h"
#include "broker/identity/bootstrap.h"
#include "broker/identity/signin.h"
#include "broker/identity/tickets.h"
#include "broker/registry/users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

static size_t ran; /* handlers that were called */
static enum api_role ran_as;

static sp_error note(struct api_call *c)
{
    ran++;
    ran_as = c->caller.role;
    response_empty(c->res, 204);
    return SP_OK;
}

#define H(name)                                              \
    sp_error api_##name(struct api *api, struct api_call *c) \
    {                                                        \
        (void)api;                                           \
        return note(c);                                      \
    }
#include "tests/unit/broker/api/handlers.h"

/* What api_start() makes is not needed here: these routes ask for none of it. */
sp_error cuts_new(struct live *live, struct cuts **out)
{
    (void)live;
    *out = NULL;
    return SP_OK;
}
void cuts_free(struct cuts *c)
{
    (void)c;
}
sp_error figures_new(struct store *st, struct figures **out)
{
    (void)st;
    *out = NULL;
    return SP_OK;
}
void figures_free(struct figures *f)
{
    (void)f;
}
sp_error verified_new(struct verified **out)
{
    *out = NULL;
    return SP_OK;
}
void verified_free(struct verified *v)
{
    (void)v;
}
sp_error feed_follow(struct api *api)
{
    (void)api;
    return SP_OK;
}
sp_error contract_make(struct buf *out)
{
    (void)out;
    return SP_OK;
}

/* ---- people ------------------------------------------------------------------------------- */

enum { HOUR_MS = 3600 * 1000, TICKET_COOKIE_MAX = 256 };

static const struct api_role_rule roles[] = {
    {"corp/watchers", ROLE_VIEWER}, {"corp/operators", ROLE_OPERATOR}, {"corp/admins", ROLE_ADMIN}};

struct world {
    struct temp t;
    struct api api;
    struct user_row user;
    char cookie[TICKET_COOKIE_MAX];
    char ticket[TICKET_TEXT + 1];
};

static void admit(struct world *w, const char *group, enum groups_state state)
{
    const char *groups[] = {group};
    struct principal p = {.iss = "https://id.example.org",
                          .sub = "1",
                          .idp = "corp",
                          .plain_names = true,
                          .preferred = "ines",
                          .groups_state = state,
                          .groups = groups,
                          .group_count = 1};

    assert_int_equal(users_admit(w->api.registry, &p, NULL, &w->user), SP_OK);
}

/* Signs in as a browser whose second factor was proved `mfa_age_ms` ago. */
static void sign_in(struct world *w, int64_t mfa_age_ms)
{
    struct request req = {.method = METHOD_GET, .path = view_str("/login"), .peer = "198.18.0.7"};
    struct login_row row = {.user = w->user.id,
                            .auth_at = clock_unix(),
                            .mfa_at = clock_unix() - mfa_age_ms,
                            .mfa_kind = ROW_MFA_OTP};
    struct response res;

    response_init(&res);
    assert_int_equal(signin_start(w->api.signin, &req, &res, &row), SP_OK);
    const char *head = buf_cstr(&res.head), *at = strstr(head, "__Host-sallyport=");
    assert_non_null(at);
    snprintf(w->cookie, sizeof w->cookie, "%.*s", (int)strcspn(at, ";"), at);
    response_deinit(&res);
}

static void begin(struct world *w, const char *group)
{
    memset(w, 0, sizeof *w);
    ran = 0;
    temp_new(&w->t);
    assert_int_equal(registry_new(w->t.st, &w->api.registry), SP_OK);
    assert_int_equal(signin_new(w->t.st, 12 * HOUR_MS, HOUR_MS, &w->api.signin), SP_OK);
    assert_int_equal(tickets_new(&w->api.tickets), SP_OK);
    w->api.about = (struct api_about){
        .public_url = "https://access.example.org", .roles = roles, .role_count = 3};
    assert_int_equal(api_start(&w->api), SP_OK);
    admit(w, group, GROUPS_KNOWN);
    sign_in(w, 60 * 1000);
}

static void end(struct world *w)
{
    api_stop(&w->api);
    tickets_free(w->api.tickets);
    signin_free(w->api.signin);
    registry_free(w->api.registry);
    temp_free(&w->t);
}

/* ---- requests ----------------------------------------------------------------------------- */

struct ask {
    enum http_method method;
    const char *path, *origin, *site, *console, *authorization, *body;
    bool no_cookie;
};

static void add(struct http_header *headers, size_t *n, const char *name, const char *value)
{
    if (value != NULL)
        headers[(*n)++] = (struct http_header){view_str(name), view_str(value)};
}

/* The status and, of a refusal, the code. */
static int answer(struct world *w, const struct ask *a, char code[32])
{
    struct http_header headers[8];
    struct request req = {
        .method = a->method, .path = view_str(a->path), .peer = "198.18.0.7", .ref = "R-TEST"};
    struct response res;
    struct json *body = NULL;
    size_t n = 0;

    add(headers, &n, "cookie", a->no_cookie ? NULL : w->cookie);
    add(headers, &n, "origin", a->origin);
    add(headers, &n, "sec-fetch-site", a->site);
    add(headers, &n, "sallyport-console", a->console);
    add(headers, &n, "authorization", a->authorization);
    add(headers, &n, "content-type", a->body == NULL ? NULL : "application/json");
    req.body = a->body == NULL ? (struct view){0} : view_str(a->body);
    req.headers = headers;
    req.header_count = n;
    response_init(&res);
    api_handle(&w->api, &req, &res);
    int status = res.status;
    code[0] = '\0';
    if (json_parse(buf_view(&res.body), 65536, NULL, &body) == SP_OK)
        snprintf(code, 32, "%s", json_cstr(json_get(body, "code")));
    json_free(body);
    response_deinit(&res);
    return status;
}

#define OURS "https://access.example.org"
#define ID "AAAAAAAAAAAAAAAAAAAAAA"

static void check(struct world *w, const struct ask *a, int status, const char *code)
{
    char found[32];
    size_t before = ran;
    int got = answer(w, a, found);

    if (got != status || strcmp(found, code) != 0)
        fail_msg("%s %s: %d %s", http_method_name(a->method), a->path, got, found);
    assert_int_equal(ran - before, status == 204 ? 1 : 0);
}

/* ---- tests -------------------------------------------------------------------------------- */

static void TM_15_a_change_that_another_site_may_have_caused_is_not_done(void **state)
{
    (void)state;
    static const struct {
        const char *name, *origin, *site, *console;
        bool done;
    } cases[] = {
        {"the console itself", OURS, "same-origin", "1", true},
        {"an old browser of ours", OURS, NULL, "1", true},
        {"a form of another site", "https://evil.example", "cross-site", NULL, false},
        {"a sister site", "https://other.example.org", "same-site", "1", false},
        {"a form without scripts", OURS, "same-origin", NULL, false},
        {"no origin", NULL, NULL, "1", false},
        {"origin null", "null", "cross-site", "1", false},
        {"another scheme", "http://access.example.org", NULL, "1", false},
        {"another port", OURS ":8443", NULL, "1", false},
        {"a longer name", OURS ".evil.example", NULL, "1", false},
        {"a wrong header", OURS, "same-origin", "yes", false},
    };
    struct world w;

    begin(&w, "corp/admins");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ask a = {.method = METHOD_POST,
                        .path = "/api/v1/users/" ID "/lock",
                        .origin = cases[i].origin,
                        .site = cases[i].site,
                        .console = cases[i].console};
        char code[32];
        int status = answer(&w, &a, code);
        if (cases[i].done ? status != 204 : status != 403 || strcmp(code, "cross_site") != 0)
            fail_msg("%s: %d %s", cases[i].name, status, code);
    }
    check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/v1/users", .site = "cross-site"},
          403, "cross_site");
    check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/v1/users", .site = "none"}, 204,
          "");
    check(&w,
          &(struct ask){
              .method = METHOD_GET, .path = "/api/v1/users", .origin = "https://evil.example"},
          403, "cross_site");
    end(&w);
}

static void a_role_may_what_the_lower_ones_may_and_nothing_above(void **state)
{
    (void)state;
    static const char *const groups[] = {"corp/staff", "corp/watchers", "corp/operators",
                                         "corp/admins"};
    static const struct ask read = {.method = METHOD_GET, .path = "/api/v1/apps"};
    static const struct ask kill = {
        .method = METHOD_POST, .path = "/api/v1/sessions/kill", .origin = OURS, .console = "1"};
    static const struct ask change = {
        .method = METHOD_POST, .path = "/api/v1/apps", .origin = OURS, .console = "1"};

    for (size_t i = 0; i < 4; i++) {
        struct world w;
        begin(&w, groups[i]);
        check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/v1/me"}, 204, "");
        check(&w, &read, i >= 1 ? 204 : 403, i >= 1 ? "" : "role");
        check(&w, &kill, i >= 2 ? 204 : 403, i >= 2 ? "" : "role");
        check(&w, &change, i >= 3 ? 204 : 403, i >= 3 ? "" : "role");
        end(&w);
    }
}

static void what_cannot_be_undone_needs_a_code_of_the_last_five_minutes(void **state)
{
    (void)state;
    static const struct ask remove = {
        .method = METHOD_DELETE, .path = "/api/v1/apps/" ID, .origin = OURS, .console = "1"};
    struct world w;

    begin(&w, "corp/admins");
    check(&w, &remove, 204, "");
    sign_in(&w, API_FRESH_MS + 1000);
    check(&w, &remove, 401, "step_up");
    check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/v1/apps"}, 204, "");
    end(&w);
}

static void nobody_a_locked_user_and_a_login_that_ended_are_sent_to_sign_in(void **state)
{
    (void)state;
    static const struct ask read = {.method = METHOD_GET, .path = "/api/v1/apps"};
    struct world w;

    begin(&w, "corp/admins");
    check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/v1/apps", .no_cookie = true}, 401,
          "login");
    check(&w,
          &(struct ask){
              .method = METHOD_GET, .path = "/api/v1/apps", .authorization = "Bearer sat_x"},
          401, "login");
    check(&w, &read, 204, "");
    assert_int_equal(users_sign_out(w.api.registry, w.user.id, NULL), SP_OK);
    check(&w, &read, 401, "login");
    sign_in(&w, 0);
    check(&w, &read, 204, "");
    assert_int_equal(users_set_state(w.api.registry, w.user.id, USER_LOCKED, NULL, &w.user), SP_OK);
    check(&w, &read, 401, "login");
    end(&w);
}

static void unreadable_groups_make_nobody_an_admin(void **state)
{
    (void)state;
    struct world w;

    begin(&w, "corp/admins");
    admit(&w, "corp/admins", GROUPS_UNREADABLE);
    check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/v1/apps"}, 403, "role");
    check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/v1/me"}, 204, "");
    end(&w);
}

static sp_error put_device_login(struct store_tx *tx, void *arg)
{
    struct world *w = arg;
    struct login_row row = {.device = {{4}},
                            .user = w->user.id,
                            .mfa_at = tx_now(tx),
                            .mfa_kind = ROW_MFA_OTP,
                            .expires = tx_now(tx) + HOUR_MS};

    return w->t.s->logins->device_put(tx, &row);
}

static void a_device_s_ticket_is_its_login_and_needs_no_browser_s_headers(void **state)
{
    (void)state;
    char bearer[TICKET_TEXT + 16];
    struct world w;

    begin(&w, "corp/operators");
    tickets_issue(w.api.tickets, (struct sp_id){{4}}, clock_boot(), w.ticket);
    snprintf(bearer, sizeof bearer, "Bearer %s", w.ticket);
    struct ask kill = {.method = METHOD_POST,
                       .path = "/api/v1/sessions/kill",
                       .authorization = bearer,
                       .no_cookie = true};
    check(&w, &kill, 401, "login"); /* nobody is signed in on the device */
    assert_int_equal(store_commit(w.t.st, put_device_login, &w), SP_OK);
    check(&w, &kill, 204, "");
    assert_int_equal(ran_as, ROLE_OPERATOR);
    /* What belongs to one browser login can't be done by a device's ticket. */
    check(&w,
          &(struct ask){.method = METHOD_POST,
                        .path = "/api/v1/me/sign-out",
                        .authorization = bearer,
                        .no_cookie = true},
          401, "login");
    end(&w);
}

static void only_what_waits_for_others_is_kept_from_taking_every_worker(void **state)
{
    (void)state;
    struct request req = {.method = METHOD_POST, .path = view_str("/api/v1/apps/" ID "/test")};

    assert_true(api_waits_long(&req));
    req.path = view_str("/api/v1/audit/verification");
    assert_true(api_waits_long(&req));
    req.path = view_str("/api/v1/apps/" ID);
    assert_false(api_waits_long(&req));
}

static void addresses_that_are_none_and_methods_that_do_not_fit(void **state)
{
    (void)state;
    struct world w;

    begin(&w, "corp/admins");
    check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/v1/nosuch"}, 404, "not_found");
    check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/"}, 404, "not_found");
    check(&w,
          &(struct ask){
              .method = METHOD_PATCH, .path = "/api/v1/apps", .origin = OURS, .console = "1"},
          405, "method");
    check(&w, &(struct ask){.method = METHOD_OPTIONS, .path = "/api/v1/apps"}, 405, "method");
    check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/v1/live"}, 426, "upgrade");
    check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/openapi.json", .no_cookie = true},
          204, "");
    end(&w);
}

struct found {
    const char *action;
    size_t count;
    size_t named; /* of them with the name of who did it */
    const char *object;
};

static bool count_action(void *arg, const struct audit_row *row)
{
    struct found *f = arg;
    struct json *j = NULL;

    assert_int_equal(json_parse(row->text, AUDIT_RECORD_MAX, NULL, &j), SP_OK);
    if (strcmp(json_cstr(json_get(j, "action")), f->action) == 0) {
        f->count++;
        f->named += json_str(json_get(json_get(j, "actor"), "name")).len > 0;
        if (f->object != NULL)
            assert_string_equal(json_cstr(json_get(json_get(j, "object"), "name")), f->object);
    }
    json_free(j);
    return true;
}

static void LOG_04_refusals_of_people_name_them_and_acts_without_a_change_are_recorded(void **state)
{
    (void)state;
    struct found refused = {"api.refuse", 0, 0, NULL};
    struct found tested = {"app.test", 0, 0, "/api/v1/apps/{id}/test"}; /* no app has this id */
    struct found fed = {"feed.test", 0, 0, "falcon"};
    struct world w;

    begin(&w, "corp/operators");
    check(&w,
          &(struct ask){
              .method = METHOD_POST, .path = "/api/v1/apps", .origin = OURS, .console = "1"},
          403, "role");
    check(&w,
          &(struct ask){.method = METHOD_POST,
                        .path = "/api/v1/apps/" ID "/test",
                        .origin = OURS,
                        .console = "1"},
          204, "");
    check(&w,
          &(struct ask){.method = METHOD_POST,
                        .path = "/api/v1/feeds/falcon/test",
                        .origin = OURS,
                        .console = "1"},
          204, "");
    check(&w, &(struct ask){.method = METHOD_GET, .path = "/api/v1/apps", .no_cookie = true}, 401,
          "login");
    assert_int_equal(w.t.s->audit->walk(w.t.st, 1, 1, 1000, count_action, &refused), SP_OK);
    assert_int_equal(w.t.s->audit->walk(w.t.st, 1, 1, 1000, count_action, &tested), SP_OK);
    assert_int_equal(w.t.s->audit->walk(w.t.st, 1, 1, 1000, count_action, &fed), SP_OK);
    assert_int_equal(fed.count, 1);
    assert_int_equal(refused.count, 1);
    assert_int_equal(refused.named, 1);
    assert_int_equal(tested.count, 1);
    assert_int_equal(tested.named, 1);
    end(&w);
}

static void INC_15_the_session_of_the_bootstrap_token_is_an_administrator_the_token_is_nobody(
    void **state)
{
    (void)state;
    char bearer[BOOTSTRAP_TEXT + 16], path[128];
    sp_unix_ms expires;
    struct buf token, session;
    struct world w;

    begin(&w, "corp/staff");
    w.api.about.state = w.t.folder;
    buf_init(&token, 256);
    buf_init(&session, 256);
    assert_int_equal(bootstrap_make(w.t.folder, clock_unix(), &token, NULL), SP_OK);
    snprintf(bearer, sizeof bearer, "Bearer %s", buf_cstr(&token));
    struct ask make = {
        .method = METHOD_POST, .path = "/api/v1/apps", .authorization = bearer, .no_cookie = true};
    struct ask remove = make;
    remove.method = METHOD_DELETE;
    remove.path = "/api/v1/apps/" ID; /* asks for a fresh code of others */
    check(&w, &make, 401, "login");
    assert_int_equal(
        bootstrap_spend(w.t.folder, buf_view(&token), clock_unix(), &session, &expires), SP_OK);
    snprintf(bearer, sizeof bearer, "Bearer %s", buf_cstr(&session));
    check(&w, &make, 204, "");
    assert_int_equal(ran_as, ROLE_ADMIN);
    check(&w, &remove, 204, "");
    w.api.about.state = NULL; /* a broker that takes none */
    check(&w, &make, 401, "login");
    w.api.about.state = w.t.folder;
    assert_int_equal(bootstrap_end(w.t.folder, NULL), SP_OK);
    check(&w, &make, 401, "login");
    snprintf(path, sizeof path, "%s/bootstrap.lock", w.t.folder);
    unlink(path);
    buf_wipe(&session);
    buf_wipe(&token);
    end(&w);
}

static void INC_15_spending_the_bootstrap_token_and_showing_it_again_are_recorded(void **state)
{
    (void)state;
    struct found spent = {"bootstrap", 0, 0, NULL};
    char path[128], body[256], code[32];
    struct buf token;
    struct world w;

    begin(&w, "corp/staff");
    w.api.about.state = w.t.folder;
    buf_init(&token, 256);
    assert_int_equal(bootstrap_make(w.t.folder, clock_unix(), &token, NULL), SP_OK);
    snprintf(body, sizeof body, "{\"token\":\"%s\"}", buf_cstr(&token));
    struct ask spend = {.method = METHOD_POST, .path = "/api/v1/bootstrap", .body = body};
    const struct ask wrong = {.method = METHOD_POST,
                              .path = "/api/v1/bootstrap",
                              .body = "{\"token\":\"spt_x\"}",
                              .no_cookie = true};
    spend.no_cookie = true;
    assert_int_equal(answer(&w, &wrong, code), 401); /* a guess leaves a log line only */
    assert_int_equal(w.t.s->audit->walk(w.t.st, 1, 1, 1000, count_action, &spent), SP_OK);
    assert_int_equal(spent.count, 0);
    assert_int_equal(answer(&w, &spend, code), 201);
    assert_int_equal(answer(&w, &spend, code), 401);
    assert_string_equal(code, "login");
    assert_int_equal(w.t.s->audit->walk(w.t.st, 1, 1, 1000, count_action, &spent), SP_OK);
    assert_int_equal(spent.count, 2);
    assert_int_equal(bootstrap_end(w.t.folder, NULL), SP_OK);
    snprintf(path, sizeof path, "%s/bootstrap.lock", w.t.folder);
    unlink(path);
    buf_wipe(&token);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TM_15_a_change_that_another_site_may_have_caused_is_not_done),
        cmocka_unit_test(a_role_may_what_the_lower_ones_may_and_nothing_above),
        cmocka_unit_test(what_cannot_be_undone_needs_a_code_of_the_last_five_minutes),
        cmocka_unit_test(nobody_a_locked_user_and_a_login_that_ended_are_sent_to_sign_in),
        cmocka_unit_test(unreadable_groups_make_nobody_an_admin),
        cmocka_unit_test(a_device_s_ticket_is_its_login_and_needs_no_browser_s_headers),
        cmocka_unit_test(
            INC_15_the_session_of_the_bootstrap_token_is_an_administrator_the_token_is_nobody),
        cmocka_unit_test(INC_15_spending_the_bootstrap_token_and_showing_it_again_are_recorded),
        cmocka_unit_test(only_what_waits_for_others_is_kept_from_taking_every_worker),
        cmocka_unit_test(addresses_that_are_none_and_methods_that_do_not_fit),
        cmocka_unit_test(
            LOG_04_refusals_of_people_name_them_and_acts_without_a_change_are_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
