/* The browser's ticket on a real store: rolling, grace, theft, idle and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/identity/signin.h"
#include "lib/base/encode.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "tests/unit/broker/store/temp.h"

#define T0 INT64_C(1764043200000)
#define SESSION_MS (12 * 3600 * 1000)
#define IDLE_MS (60 * 60 * 1000)

static struct temp t;
static struct signin *s;
static const struct audit_record by = {.actor_kind = AUDIT_ACTOR_USER};

static int setup(void **state)
{
    (void)state;
    clock_set_for_test(T0, 1000);
    temp_new(&t);
    return signin_new(t.st, SESSION_MS, IDLE_MS, &s) == SP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    signin_free(s);
    temp_free(&t);
    clock_set_for_test(-1, -1);
    return 0;
}

/* A browser: it keeps the value of the last Set-Cookie. */
struct browser {
    char cookie[128];
    struct http_header header;
    struct request req;
};

static void take_cookie(struct browser *b, struct response *res)
{
    static const char name[] = "set-cookie: __Host-sallyport=";
    const char *head, *at, *end;

    assert_int_equal(response_error(res), SP_OK);
    head = buf_cstr(&res->head);
    if ((at = strstr(head, name)) != NULL) {
        end = strchr(at, ';');
        assert_non_null(end);
        /* AAL-7 and TM-15: of the session, for no script, for no other site */
        assert_non_null(strstr(end, "HttpOnly"));
        assert_non_null(strstr(end, "Secure"));
        assert_non_null(strstr(end, "SameSite=Strict"));
        assert_null(strstr(head, "Domain"));
        (void)snprintf(b->cookie, sizeof b->cookie, "__Host-sallyport=%.*s",
                       (int)(end - at) - (int)sizeof name + 1, at + sizeof name - 1);
    }
    b->header = (struct http_header){view_str("cookie"), view_str(b->cookie)};
    b->req = (struct request){.method = METHOD_GET, .headers = &b->header, .header_count = 1};
    (void)snprintf(b->req.peer, sizeof b->req.peer, "198.51.100.24");
    response_deinit(res);
}

static void log_in(struct browser *b, struct sp_id user)
{
    struct login_row row = {.user = user, .auth_at = T0, .mfa_at = T0, .mfa_kind = ROW_MFA_OTP};
    struct response res;

    response_init(&res);
    assert_int_equal(signin_start(s, &b->req, &res, &row), SP_OK);
    take_cookie(b, &res);
}

static sp_error find(struct browser *b, struct login_row *row)
{
    struct response res;
    sp_error e;

    response_init(&res);
    e = signin_find(s, &b->req, &res, row);
    take_cookie(b, &res);
    return e;
}

static void a_ticket_names_its_user_and_is_stored_as_a_hash(void **state)
{
    (void)state;
    struct browser b = {.cookie = ""}, stranger = {.cookie = ""};
    struct login_row row;
    struct sp_id user = random_id();
    uint8_t bytes[32];

    log_in(&b, user);
    assert_int_equal(find(&b, &row), SP_OK);
    assert_true(id_equal(row.user, user));
    assert_int_equal(row.mfa_at, T0);
    assert_int_equal(decode_base64url_exact(view_str(b.cookie + strlen("__Host-sallyport=")), bytes,
                                            sizeof bytes),
                     SP_OK);
    assert_memory_not_equal(row.hash, bytes, sizeof bytes);
    struct hash h = hash_sha256((struct view){bytes, sizeof bytes});
    assert_memory_equal(row.hash, h.bytes, sizeof bytes);
    (void)snprintf(stranger.cookie, sizeof stranger.cookie,
                   "__Host-sallyport=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    struct response res;
    response_init(&res);
    take_cookie(&stranger, &res);
    assert_int_equal(find(&stranger, &row), SP_ERR_UNAUTHENTICATED);
    (void)snprintf(stranger.cookie, sizeof stranger.cookie, "other=1");
    response_init(&res);
    take_cookie(&stranger, &res);
    assert_int_equal(find(&stranger, &row), SP_ERR_UNAUTHENTICATED);
}

static void a_ticket_rolls_and_its_last_value_has_grace(void **state)
{
    (void)state;
    struct browser b = {.cookie = ""}, old;
    struct login_row row;

    log_in(&b, random_id());
    old = b;
    old.req.headers = &old.header;
    old.header.value = view_str(old.cookie);
    clock_set_for_test(T0 + SIGNIN_ROLL_MS - 1, 1000);
    assert_int_equal(find(&b, &row), SP_OK);
    assert_string_equal(b.cookie, old.cookie);
    clock_set_for_test(T0 + SIGNIN_ROLL_MS, 1000);
    assert_int_equal(find(&b, &row), SP_OK);
    assert_string_not_equal(b.cookie, old.cookie);
    clock_set_for_test(T0 + SIGNIN_ROLL_MS + SIGNIN_GRACE_MS, 1000);
    assert_int_equal(find(&old, &row), SP_OK); /* a request that was under way */
    assert_int_equal(find(&b, &row), SP_OK);
}

static void OA_08_an_old_value_after_its_grace_ends_the_login(void **state)
{
    (void)state;
    struct browser b = {.cookie = ""}, thief;
    struct login_row row;

    log_in(&b, random_id());
    thief = b;
    thief.req.headers = &thief.header;
    thief.header.value = view_str(thief.cookie);
    clock_set_for_test(T0 + SIGNIN_ROLL_MS, 1000);
    assert_int_equal(find(&b, &row), SP_OK);
    clock_set_for_test(T0 + SIGNIN_ROLL_MS + SIGNIN_GRACE_MS + 1, 1000);
    assert_int_equal(find(&thief, &row), SP_ERR_UNAUTHENTICATED);
    assert_int_equal(find(&b, &row), SP_ERR_UNAUTHENTICATED);
}

static void AAL_01_a_ticket_ends_when_idle_and_when_its_time_is_over(void **state)
{
    (void)state;
    struct browser idle = {.cookie = ""}, busy = {.cookie = ""};
    struct login_row row;

    log_in(&idle, random_id());
    log_in(&busy, random_id());
    for (int64_t at = T0; at < T0 + SESSION_MS; at += SIGNIN_ROLL_MS) {
        clock_set_for_test(at, 1000);
        assert_int_equal(find(&busy, &row), SP_OK);
        if (at == T0 + IDLE_MS)
            assert_int_equal(find(&idle, &row), SP_ERR_UNAUTHENTICATED);
    }
    clock_set_for_test(T0 + SESSION_MS, 1000);
    assert_int_equal(find(&busy, &row), SP_ERR_UNAUTHENTICATED);
}

static void TM_21_a_login_and_a_step_up_change_the_ticket(void **state)
{
    (void)state;
    struct browser b = {.cookie = ""}, before;
    struct login_row row;
    struct response res;

    log_in(&b, random_id());
    before = b;
    before.req.headers = &before.header;
    before.header.value = view_str(before.cookie);
    response_init(&res);
    assert_int_equal(signin_factor(s, &b.req, &res, T0 + 5000, ROW_MFA_OTP, &row), SP_OK);
    take_cookie(&b, &res);
    assert_int_equal(find(&b, &row), SP_OK);
    assert_int_equal(row.mfa_at, T0 + 5000);
    assert_int_equal(find(&before, &row), SP_ERR_UNAUTHENTICATED);
    before = b;
    before.req.headers = &before.header;
    before.header.value = view_str(before.cookie);
    log_in(&b, random_id()); /* someone else on the same browser */
    assert_int_equal(find(&before, &row), SP_ERR_UNAUTHENTICATED);
    assert_int_equal(find(&b, &row), SP_OK);
}

/* AAL-7: 256 random bits, each ticket its own, gone with the browser and out of a script's reach.
 */
static void AAL_07_a_ticket_is_random_of_the_session_and_for_no_script(void **state)
{
    (void)state;
    enum { TICKETS = 64, BITS = 256 };
    struct browser b = {.cookie = ""};
    struct login_row row = {.user = random_id(), .auth_at = T0};
    uint8_t seen[TICKETS][BITS / 8];
    unsigned ones = 0;

    for (size_t i = 0; i < TICKETS; i++) {
        struct response res;
        const char *cookie;
        response_init(&res);
        assert_int_equal(signin_start(s, &b.req, &res, &row), SP_OK);
        cookie = strstr(buf_cstr(&res.head), "set-cookie: ");
        assert_non_null(cookie);
        assert_null(strstr(cookie, "Max-Age"));
        assert_null(strstr(cookie, "Expires"));
        assert_null(strstr(cookie, "max-age"));
        assert_null(strstr(cookie, "expires"));
        take_cookie(&b, &res); /* HttpOnly, Secure, SameSite=Strict, no Domain */
        assert_int_equal(decode_base64url_exact(view_str(b.cookie + strlen("__Host-sallyport=")),
                                                seen[i], sizeof seen[i]),
                         SP_OK);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seen[i], seen[k], sizeof seen[i]);
        for (size_t k = 0; k < sizeof seen[i]; k++)
            ones += (unsigned)__builtin_popcount(seen[i][k]);
        b.header = (struct http_header){view_str("cookie"), view_str("")}; /* a new browser */
    }
    /* 16384 coins: eight standard deviations (64) from the half never happen by chance */
    assert_in_range(ones, TICKETS * BITS / 2 - 512, TICKETS * BITS / 2 + 512);
}

static void AAL_07_signing_out_ends_the_ticket_and_clears_the_cookie(void **state)
{
    (void)state;
    struct browser b = {.cookie = ""};
    struct login_row row;
    struct response res;

    log_in(&b, random_id());
    response_init(&res);
    assert_int_equal(signin_end(s, &b.req, &res, &by), SP_OK);
    assert_non_null(strstr(buf_cstr(&res.head), "__Host-sallyport=;"));
    response_deinit(&res);
    assert_int_equal(find(&b, &row), SP_ERR_UNAUTHENTICATED);
    response_init(&res);
    assert_int_equal(signin_end(s, &b.req, &res, &by), SP_OK); /* twice is no fault */
    response_deinit(&res);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_ticket_names_its_user_and_is_stored_as_a_hash),
        CASE(a_ticket_rolls_and_its_last_value_has_grace),
        CASE(OA_08_an_old_value_after_its_grace_ends_the_login),
        CASE(AAL_01_a_ticket_ends_when_idle_and_when_its_time_is_over),
        CASE(TM_21_a_login_and_a_step_up_change_the_ticket),
        CASE(AAL_07_a_ticket_is_random_of_the_session_and_for_no_script),
        CASE(AAL_07_signing_out_ends_the_ticket_and_clears_the_cookie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
