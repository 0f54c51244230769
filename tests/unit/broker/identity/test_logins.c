/*
 * Whole logins on a real store, registry and provider: from the device's channel through the
 * browser back to the channel, and in the browser alone.
 */
#include "tests/unit/broker/identity/scene.h"

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

static void OA_06_a_device_logs_in_from_its_channel_and_back_and_a_second_use_ends_it(void **state)
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
        struct login_begun begun;
        struct buf url;

        buf_init(&url, 4096);
        if ((logins_begin(x.l, &x.device, &begin, NULL, &url, &begun) == SP_OK) != rows[i].fine)
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
        CASE(OA_06_a_device_logs_in_from_its_channel_and_back_and_a_second_use_ends_it),
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
