/*
 * Logins whose code is entered in a browser elsewhere (RFC 8628, OA-10): on a real store, registry
 * and provider, from the device's channel through the browser back to the channel.
 */
#include "tests/unit/broker/identity/scene.h"

static struct login_begun begin(void)
{
    const struct login_begin begin = {.challenge = view_str(x.challenge),
                                      .state = view_str("0123456789abcdef"),
                                      .device_code = true};
    struct login_begun begun;
    struct sp_why why = {0};
    char address[128];
    struct buf url;

    buf_init(&url, 4096);
    if (logins_begin(x.l, &x.device, &begin, &why, &url, &begun) != SP_OK)
        fail_msg("logins_begin: %s", why.text);
    (void)snprintf(address, sizeof address, "https://access.example.test/d/%s", begun.match);
    assert_string_equal(buf_cstr(&url), address);
    buf_deinit(&url);
    memset(&browser, 0, sizeof browser);
    return begun;
}

static const char *poll_as(const struct login_device *device, const char *secret)
{
    int64_t interval;

    return logins_poll(x.l, device, view_str(secret), &interval);
}

static const char *poll(const struct login_begun *begun)
{
    return poll_as(&x.device, begun->poll);
}

static sp_error finish(const struct login_begun *begun, const char *verifier,
                       struct login_done *done)
{
    return logins_finish(x.l, &x.device, view_str(begun->poll), view_str(verifier), NULL, done);
}

/* Enters the code and answers; what logins_approve gave. */
static void approve(const struct login_begun *begun)
{
    struct login login;
    struct buf out;

    buf_init(&out, 64);
    assert_int_equal(logins_open_code(x.l, view_str(begun->match), "198.51.100.9", &login), SP_OK);
    assert_string_equal(x.moved, "opened");
    assert_true(login.waits);
    through_factor(&browser, &login);
    assert_int_equal(logins_load(x.l, send_query(&browser, ""), view_str(id_text(login.id).s),
                                 LOGIN_APPROVE, &login),
                     SP_OK);
    assert_true(login.waits); /* the cookie keeps it */
    assert_int_equal(logins_approve(x.l, &login, &browser.req, &x.res, &out), SP_OK);
    receive(&browser, &x.res);
    assert_string_equal(x.moved, "approved");
    assert_int_equal(out.len, 0); /* nothing to type, nothing to steal */
    buf_deinit(&out);
}

static void OA_10_a_code_entered_elsewhere_signs_the_device_in_once(void **state)
{
    (void)state;
    struct login_begun begun = begin();
    struct login_done done;
    struct login_row row;

    assert_int_equal(strspn(begun.match, "BCDFGHJKLMNPQRSTVWXZ"), 4);
    assert_int_equal(begun.match[4], '-');
    assert_int_equal(strspn(begun.match + 5, "BCDFGHJKLMNPQRSTVWXZ"), 4);
    assert_string_equal(poll(&begun), "waiting");
    assert_int_equal(finish(&begun, x.verifier, &done), SP_ERR_DENIED); /* nobody answered */
    approve(&begun);
    assert_string_equal(poll(&begun), "approved");
    assert_int_equal(finish(&begun, x.verifier, &done), SP_OK);
    assert_string_equal(done.user.email, "kim@example.test");
    assert_int_equal(done.login.mfa_kind, ROW_MFA_OTP);
    assert_int_equal(logins_of_device(x.l, done.device.id, clock_unix(), &row), SP_OK);
    assert_string_equal(poll(&begun), "expired");

    /* OA-6: once more: refused, and the login that it gave has ended */
    assert_int_equal(finish(&begun, x.verifier, &done), SP_ERR_DENIED);
    assert_int_equal(logins_of_device(x.l, done.device.id, clock_unix(), &row),
                     SP_ERR_UNAUTHENTICATED);
}

static void OA_10_the_secret_is_worthless_to_another_device_or_verifier(void **state)
{
    (void)state;
    struct login_begun begun = begin();
    struct login_device stranger = x.device;
    struct login_done done;
    char wrong[LOGINS_POLL_TEXT + 1];

    stranger.key = key_secret_public(x.other);
    approve(&begun);
    assert_string_equal(poll_as(&stranger, begun.poll), "expired");
    assert_int_equal(
        logins_finish(x.l, &stranger, view_str(begun.poll), view_str(x.verifier), NULL, &done),
        SP_ERR_DENIED);
    memcpy(wrong, begun.poll, sizeof wrong);
    wrong[LOGINS_POLL_TEXT - 1] = wrong[LOGINS_POLL_TEXT - 1] == 'B' ? 'C' : 'B';
    assert_string_equal(poll_as(&x.device, wrong), "expired");
    assert_string_equal(poll_as(&x.device, ""), "expired");
    assert_string_equal(poll(&begun), "approved"); /* none of them spent it */
    assert_int_equal(finish(&begun, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXx", &done),
                     SP_ERR_DENIED);
    assert_int_equal(finish(&begun, x.verifier, &done), SP_ERR_DENIED); /* this one did */
}

static void OA_10_a_code_that_is_not_mine_is_refused_and_the_device_told(void **state)
{
    (void)state;
    struct login_begun begun = begin();
    struct login_done done;
    struct login login;

    assert_int_equal(logins_open_code(x.l, view_str(begun.match), "198.51.100.9", &login), SP_OK);
    through_factor(&browser, &login);
    assert_int_equal(logins_refuse(x.l, &login, send_query(&browser, ""), &x.res), SP_OK);
    receive(&browser, &x.res);
    assert_string_equal(x.moved, "refused");
    assert_string_equal(poll(&begun), "refused");
    assert_int_equal(finish(&begun, x.verifier, &done), SP_ERR_DENIED);
    assert_int_equal(logins_open_code(x.l, view_str(begun.match), "198.51.100.9", &login),
                     SP_ERR_NOT_FOUND);
}

static void OA_10_a_code_is_opened_five_times_and_an_address_errs_five_times(void **state)
{
    (void)state;
    struct login_begun begun = begin(), other;
    struct login login;

    for (int i = 0; i < LOGINS_OPEN_TRIES; i++)
        assert_int_equal(logins_open_code(x.l, view_str(begun.match), "192.0.2.1", &login), SP_OK);
    assert_int_equal(logins_open_code(x.l, view_str(begun.match), "192.0.2.1", &login),
                     SP_ERR_NOT_FOUND);
    other = begin();
    for (int i = 0; i < 6; i++)
        assert_int_equal(logins_open_code(x.l, view_str("BBBB-BBBB"), "192.0.2.2", &login),
                         SP_ERR_NOT_FOUND);
    assert_int_equal(logins_open_code(x.l, view_str(other.match), "192.0.2.2", &login),
                     SP_ERR_LIMIT);
    assert_int_equal(logins_open_code(x.l, view_str(other.match), "192.0.2.3", &login), SP_OK);
}

static void a_code_is_read_without_case_dashes_and_blanks(void **state)
{
    (void)state;
    static const char *const bad[] = {"",        "-", "BBBB", "BBBB-BBBBB", "\xff\xff\xff\xff",
                                      "        "};
    struct login_begun begun = begin();
    struct login login;
    char typed[128];

    (void)snprintf(typed, sizeof typed, " %.4s %s ", begun.match, begun.match + 5);
    for (char *c = typed; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    assert_int_equal(logins_open_code(x.l, view_str(typed), "192.0.2.1", &login), SP_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char from[32];
        (void)snprintf(from, sizeof from, "192.0.2.%zu", i + 10);
        assert_int_equal(logins_open_code(x.l, view_str(bad[i]), from, &login), SP_ERR_NOT_FOUND);
    }
}

static void OA_10_who_asks_too_often_is_slowed_down(void **state)
{
    (void)state;
    struct login_begun begun = begin();
    int64_t interval = 0;

    for (int i = 1; i <= 20; i++)
        (void)logins_poll(x.l, &x.device, view_str(begun.poll), &interval);
    assert_int_equal(interval, LOGINS_POLL_MAX_MS);
}

static void OA_10_it_is_off_unless_the_configuration_says_so(void **state)
{
    (void)state;
    struct login_begin begin = {.challenge = view_str(x.challenge),
                                .state = view_str("0123456789abcdef"),
                                .device_code = true};
    struct logins_options off = {.store = x.t.st,
                                 .registry = x.registry,
                                 .oidc = x.oidc,
                                 .mfa = x.mfa,
                                 .signin = x.signin,
                                 .cookie_key = x.cookie,
                                 .origin = "https://access.example.test"};
    struct login_begun begun = {.poll = ""};
    struct sp_why why = {0};
    struct logins *l;
    struct login login;
    struct buf url;

    assert_int_equal(logins_new(&off, &l), SP_OK);
    buf_init(&url, 4096);
    assert_int_equal(logins_begin(l, &x.device, &begin, &why, &url, &begun), SP_ERR_DENIED);
    assert_int_equal(url.len, 0);
    assert_string_equal(begun.poll, "");
    assert_int_equal(logins_open_code(l, view_str("BBBB-BBBB"), "192.0.2.1", &login),
                     SP_ERR_UNSUPPORTED);
    assert_false(logins_codes_allowed(l));
    buf_deinit(&url);
    logins_free(l);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(OA_10_a_code_entered_elsewhere_signs_the_device_in_once),
        CASE(OA_10_the_secret_is_worthless_to_another_device_or_verifier),
        CASE(OA_10_a_code_that_is_not_mine_is_refused_and_the_device_told),
        CASE(OA_10_a_code_is_opened_five_times_and_an_address_errs_five_times),
        CASE(a_code_is_read_without_case_dashes_and_blanks),
        CASE(OA_10_who_asks_too_often_is_slowed_down),
        CASE(OA_10_it_is_off_unless_the_configuration_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
