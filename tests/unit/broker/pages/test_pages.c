/* The pages as a browser without script walks them: sign in, set up, step up, approve, sign out. */
#include "broker/pages/pages.h"

#include "tests/unit/broker/identity/scene.h"

static struct pages *pages;
static char location[4096], body[256 * 1024];
static const char *form_action;
static int status;

static void open_pages_with(bool enrol_at_login)
{
    const struct pages_options o = {.organisation = "Example <Org>",
                                    .enrol_at_login = enrol_at_login,
                                    .logins = x.l,
                                    .oidc = x.oidc,
                                    .mfa = x.mfa,
                                    .signin = x.signin};

    memset(&browser, 0, sizeof browser);
    assert_int_equal(pages_new(&o, &pages), SP_OK);
}

static void open_pages(void)
{
    open_pages_with(true);
}

/* One file of ours, nothing inline; what needs it is hidden until it has run. */
static void only_our_script(void)
{
    static const char ours[] = "<script type=\"module\" src=\"/assets/pages.js\"></script>";
    const char *at = strstr(body, "<script");

    if (at != NULL) {
        assert_int_equal(strncmp(at, ours, sizeof ours - 1), 0);
        assert_null(strstr(at + 1, "<script"));
    }
    assert_null(strstr(body, "onclick="));
    for (at = body; (at = strstr(at, "<button type=\"button\"")) != NULL; at++) {
        const char *hidden = strstr(at, " hidden>"), *end = strchr(at, '>');
        assert_non_null(hidden);
        assert_true(hidden < end);
    }
}

static void visit(enum http_method method, const char *to, const char *form)
{
    static const char type[] = "application/x-www-form-urlencoded";
    struct browser *b = &browser;
    struct http_header fields[2];
    struct response res;
    char path[4096], *query;
    const char *at;

    (void)snprintf(path, sizeof path, "%s", to);
    if ((query = strchr(path, '?')) != NULL)
        *query++ = '\0';
    (void)send_query(b, query == NULL ? "" : query);
    fields[0] = b->field;
    fields[1] = (struct http_header){view_str("content-type"), view_str(type)};
    b->req.method = method;
    b->req.path = view_str(path);
    b->req.headers = fields;
    b->req.header_count = 2;
    b->req.body = view_str(form);
    response_init(&res);
    assert_true(pages_handle(pages, &b->req, &res));
    status = res.status;
    form_action = res.form_action;
    assert_int_equal(buf_error(&res.body), SP_OK);
    (void)snprintf(body, sizeof body, "%s", buf_cstr(&res.body));
    location[0] = '\0';
    if ((at = strstr(buf_cstr(&res.head), "location: ")) != NULL)
        (void)sscanf(at, "location: %4095[^\r]", location);
    only_our_script();
    assert_null(strstr(body, "style="));
    receive(b, &res);
    response_deinit(&res);
}

/* What stands between `before` and the next quotation mark, with its entities read. */
static void grab(const char *before, char *out, size_t size)
{
    const char *at = strstr(body, before);
    size_t n = 0;

    if (at == NULL) {
        fail_msg("no %s in the page", before);
        return;
    }
    for (at += strlen(before); *at != '"' && n + 1 < size; at++) {
        out[n++] = *at;
        if (strncmp(at, "&amp;", 5) == 0)
            at += 4;
    }
    out[n] = '\0';
}

static bool signed_in(void)
{
    for (size_t i = 0; i < browser.count; i++)
        if (strcmp(browser.names[i], SIGNIN_COOKIE) == 0)
            return true;
    return false;
}

/* From the login page to the page of the factor; `to` gets its address. */
static void through_provider(const char *from, char to[4096])
{
    char link[4096], state[64] = "";

    visit(METHOD_GET, from, "");
    assert_int_equal(status, 200);
    assert_non_null(strstr(body, "Example &lt;Org&gt;"));
    grab("class=\"btn main full\" href=\"", link, sizeof link);
    visit(METHOD_GET, link, "");
    assert_int_equal(status, 303);
    assert_int_equal(sscanf(strstr(location, "&state="), "&state=%43s", state), 1);
    assert_int_equal(sscanf(strstr(location, "&nonce="), "&nonce=%43s", nonce), 1);
    (void)snprintf(link, sizeof link, "/login/callback/corp?code=c&state=%s", state);
    visit(METHOD_GET, link, "");
    assert_int_equal(status, 303);
    (void)snprintf(to, 4096, "%s", location);
}

/* The secret as a person reads it from the page, and the code that an app makes of it. */
static void read_code(int64_t steps, char code[10])
{
    char text[64];
    struct buf secret;
    const char *at = strstr(body, "<code id=\"secret\">");
    size_t n = 0;

    assert_non_null(at);
    for (at += strlen("<code id=\"secret\">"); *at != '<' && n + 1 < sizeof text; at++)
        text[n++] = *at;
    text[n] = '\0';
    buf_init(&secret, 64);
    assert_int_equal(decode_base32(view_str(text), &secret), SP_OK);
    assert_int_equal(secret.len, TOTP_SECRET_BYTES);
    assert_int_equal(
        totp_hotp(buf_view(&secret), (uint64_t)(clock_unix() / 30000 + steps), TOTP_SHA1, 6, code),
        SP_OK);
    buf_deinit(&secret);
}

static void OTP_06_sign_in_sets_up_a_factor_and_ends_where_it_began(void **state)
{
    (void)state;
    char to[4096], l[64], seed[512], form[1024], code[10], next[256];

    open_pages();
    through_provider("/login?return_to=/policies", to);
    visit(METHOD_GET, to, "");
    assert_int_equal(status, 200);
    assert_non_null(strstr(body, "<svg"));
    grab("name=\"l\" value=\"", l, sizeof l);
    grab("name=\"seed\" value=\"", seed, sizeof seed);
    (void)snprintf(form, sizeof form, "l=%s&seed=%s&code=12345", l, seed);
    visit(METHOD_POST, "/login/enrol", form);
    assert_int_equal(status, 403);
    assert_non_null(strstr(body, "That is not the code."));
    read_code(0, code); /* the same secret is shown again */
    grab("name=\"seed\" value=\"", seed, sizeof seed);
    (void)snprintf(form, sizeof form, "l=%s&seed=%s&code=%s", l, seed, code);
    visit(METHOD_POST, "/login/enrol", form);
    assert_int_equal(status, 200);
    assert_non_null(strstr(body, "Keep these recovery codes"));
    assert_non_null(strstr(body, "data-copy=\"codes\""));
    assert_non_null(strstr(body, "data-save=\"codes\""));
    assert_non_null(strstr(body, "data-print"));
    grab("class=\"btn main full\" href=\"", next, sizeof next);
    assert_string_equal(next, "/policies");
    assert_int_equal(browser.count, 1); /* the ticket alone */

    visit(METHOD_GET, "/login/factor?return_to=//evil", "");
    assert_int_equal(status, 200);
    assert_non_null(strstr(body, "name=\"return_to\" value=\"/\""));
    visit(METHOD_POST, "/login/factor", "return_to=/home&code=000000");
    assert_int_equal(status, 403);
    assert_non_null(strstr(body, "4 tries left."));

    visit(METHOD_POST, "/logout", "");
    assert_string_equal(location, "/login");
    assert_int_equal(browser.count, 0);
    visit(METHOD_GET, "/login/factor?return_to=/home", "");
    assert_string_equal(location, "/login?return_to=%2Fhome");

    /* the second time the factor is asked for */
    through_provider("/login", to);
    visit(METHOD_GET, to, "");
    assert_non_null(strstr(body, "Enter the 6-digit code"));
    assert_null(strstr(body, "name=\"seed\""));
    pages_free(pages);
}

/* OTP-10: where setting up is not allowed at login, a person without a factor gets neither a
 * secret nor in; not by the form of another login either. */
static void OTP_10_without_leave_nobody_sets_a_factor_up_at_login(void **state)
{
    (void)state;
    char to[4096], l[64], seed[512], form[1024], code[10];

    open_pages();
    through_provider("/login", to);
    visit(METHOD_GET, to, "");
    grab("name=\"l\" value=\"", l, sizeof l);
    grab("name=\"seed\" value=\"", seed, sizeof seed);
    read_code(0, code);
    pages_free(pages);
    struct browser kept = browser;
    open_pages_with(false);
    browser = kept;
    visit(METHOD_GET, to, "");
    assert_int_equal(status, 403);
    assert_non_null(strstr(body, "You have no authenticator yet"));
    assert_null(strstr(body, "class=\"qr\""));
    assert_null(strstr(body, "name=\"seed\""));
    assert_null(strstr(body, "id=\"secret\""));
    (void)snprintf(form, sizeof form, "l=%s&seed=%s&code=%s", l, seed, code);
    visit(METHOD_POST, "/login/enrol", form); /* a form from the time when it was allowed */
    assert_int_equal(status, 400);
    assert_false(signed_in());
    (void)snprintf(form, sizeof form, "l=%s&code=%s", l, code);
    visit(METHOD_POST, "/login/code", form);
    assert_int_not_equal(status, 303);
    assert_false(signed_in());
    pages_free(pages);
}

/* Signs in as op_sub with the factor set up; its secret stands on the page. */
static void set_up_factor(struct buf *secret)
{
    char to[4096], l[64], seed[512], form[1024], code[10], text[64];
    const char *at;
    size_t n = 0;

    through_provider("/login", to);
    visit(METHOD_GET, to, "");
    at = strstr(body, "<code id=\"secret\">");
    assert_non_null(at);
    for (at += strlen("<code id=\"secret\">"); *at != '<' && n + 1 < sizeof text; at++)
        text[n++] = *at;
    text[n] = '\0';
    assert_int_equal(decode_base32(view_str(text), secret), SP_OK);
    grab("name=\"l\" value=\"", l, sizeof l);
    grab("name=\"seed\" value=\"", seed, sizeof seed);
    read_code(0, code);
    (void)snprintf(form, sizeof form, "l=%s&seed=%s&code=%s", l, seed, code);
    visit(METHOD_POST, "/login/enrol", form);
    assert_int_equal(status, 200);
    assert_true(signed_in());
    visit(METHOD_POST, "/logout", "");
}

/* The person's failures in a row, as the store has them. */
static int64_t failures(struct sp_id person)
{
    struct mfa_state st;

    assert_int_equal(mfa_state(x.mfa, person, &st), SP_OK);
    return st.fails;
}

/* AAL-5: a stranger has no page where a code of this person can be tried: without a login at the
 * provider, with one of somebody else, with a forged or a finished one. */
static void AAL_05_a_stranger_cannot_lock_anyone_out(void **state)
{
    (void)state;
    char to[4096], l[64], form[256], state_text[64] = "", link[4096];
    struct login begun;
    struct sp_id person;
    struct buf secret;

    open_pages();
    buf_init(&secret, 64);
    set_up_factor(&secret);
    through_provider("/login", to);
    assert_int_equal(sscanf(to, "/login/code?l=%63s", l), 1);
    assert_int_equal(logins_load(x.l, send_query(&browser, ""), view_str(l), LOGIN_FACTOR, &begun),
                     SP_OK);
    person = begun.user;
    assert_int_equal(failures(person), 0);

    memset(&browser, 0, sizeof browser); /* the stranger: no cookie of that login */
    (void)snprintf(form, sizeof form, "l=%s&code=000000", l);
    for (int i = 0; i < 8; i++) {
        visit(METHOD_POST, "/login/code", form);
        assert_int_equal(status, 400);
        visit(METHOD_POST, "/login/factor", "return_to=/&code=000000");
        assert_int_not_equal(status, 403);
    }
    visit(METHOD_GET, "/login", ""); /* a login of their own, not yet at the provider, and there */
    grab("class=\"btn main full\" href=\"", link, sizeof link);
    assert_int_equal(sscanf(link, "/login/go?l=%22[A-Za-z0-9_-]", l), 1);
    (void)snprintf(form, sizeof form, "l=%s&code=000000", l);
    visit(METHOD_POST, "/login/code", form);
    assert_int_equal(status, 400);
    visit(METHOD_GET, link, "");
    assert_int_equal(sscanf(strstr(location, "&state="), "&state=%43s", state_text), 1);
    assert_int_equal(sscanf(strstr(location, "&nonce="), "&nonce=%43s", nonce), 1);
    visit(METHOD_POST, "/login/code", form);
    assert_int_equal(status, 400);
    assert_int_equal(failures(person), 0);

    op_sub = "mallory"; /* at last with a good login: the code that is asked is mallory's own */
    (void)snprintf(link, sizeof link, "/login/callback/corp?code=c&state=%s", state_text);
    visit(METHOD_GET, link, "");
    assert_int_equal(status, 303);
    for (int i = 0; i < 8; i++)
        visit(METHOD_POST, "/login/code", form);
    assert_int_equal(failures(person), 0);
    buf_deinit(&secret);
    pages_free(pages);
}

/* AAL-6: the second use of a code is refused, and the person reads that it was used. */
static void AAL_06_a_code_that_was_used_is_said_to_be_used(void **state)
{
    (void)state;
    char to[4096], l[64], form[256], code[10];
    struct buf secret;

    open_pages();
    buf_init(&secret, 64);
    set_up_factor(&secret);
    assert_int_equal(
        totp_hotp(buf_view(&secret), (uint64_t)(clock_unix() / 30000), TOTP_SHA1, 6, code), SP_OK);
    through_provider("/login", to);
    assert_int_equal(sscanf(to, "/login/code?l=%63s", l), 1);
    (void)snprintf(form, sizeof form, "l=%s&code=%s", l, code); /* the one that set it up */
    visit(METHOD_POST, "/login/code", form);
    assert_int_equal(status, 403);
    assert_non_null(strstr(body, "That code was used already. Wait for the next one"));
    assert_false(signed_in());
    assert_int_equal(
        totp_hotp(buf_view(&secret), (uint64_t)(clock_unix() / 30000 + 1), TOTP_SHA1, 6, code),
        SP_OK);
    (void)snprintf(form, sizeof form, "l=%s&code=%s", l, code);
    visit(METHOD_POST, "/login/code", form);
    assert_int_equal(status, 303);
    assert_true(signed_in());
    (void)snprintf(form, sizeof form, "return_to=/home&code=%s", code); /* again, for a step-up */
    visit(METHOD_POST, "/login/factor", form);
    assert_int_equal(status, 403);
    assert_non_null(strstr(body, "That code was used already."));
    buf_deinit(&secret);
    pages_free(pages);
}

static sp_error break_seed(struct store_tx *tx, void *arg)
{
    static const uint8_t rubbish[80] = {0};
    struct totp_row row = {.user = *(struct sp_id *)arg, .seed = {rubbish, sizeof rubbish}};
    bool won;
    sp_error e = x.t.s->once->totp_put(tx, &row);

    return e == SP_OK ? x.t.s->once->totp_advance(tx, row.user, 1, tx_now(tx), &won) : e;
}

/* LOG-7, ASVS 16.5.1: what nobody expected shows its request's reference and no word of the inside.
 */
static void LOG_07_an_unexpected_error_shows_only_its_reference(void **state)
{
    (void)state;
    static const char *const inside[] = {
        "integrity", "INTEGRITY", "SP_ERR", "sql",   "SQL",  "totp",
        "seed",      ".c:",       "/tmp/",  "store", "AEAD", "aead"};
    char to[4096], l[64], form[256];
    struct login begun;
    struct buf secret;

    open_pages();
    buf_init(&secret, 64);
    set_up_factor(&secret);
    through_provider("/login", to);
    assert_int_equal(sscanf(to, "/login/code?l=%63s", l), 1);
    assert_int_equal(logins_load(x.l, send_query(&browser, ""), view_str(l), LOGIN_FACTOR, &begun),
                     SP_OK);
    assert_int_equal(store_commit(x.t.st, break_seed, &begun.user), SP_OK);
    (void)snprintf(form, sizeof form, "l=%s&code=123456", l);
    visit(METHOD_POST, "/login/code", form);
    assert_int_equal(status, 500);
    assert_non_null(strstr(body, "Something went wrong here"));
    assert_non_null(strstr(body, "R-1"));
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        if (strstr(body, inside[i]) != NULL)
            fail_msg("the page says '%s'", inside[i]);
    assert_false(signed_in());
    buf_deinit(&secret);
    pages_free(pages);
}

static void a_device_is_approved_on_its_loopback_address(void **state)
{
    (void)state;
    struct login login;
    char path[128], form[128];

    open_pages();
    until_approval(&browser, "http://127.0.0.1:39301/cb-a8f3", &login);
    (void)snprintf(path, sizeof path, "/login/approve?l=%s", id_text(login.id).s);
    visit(METHOD_GET, path, "");
    assert_int_equal(status, 200);
    assert_non_null(strstr(body, login.match));
    assert_non_null(strstr(body, "chen-desk"));
    assert_non_null(strstr(body, key_fingerprint(key_secret_public(x.key)).s));
    assert_string_equal(form_action, "http://127.0.0.1:*"); /* a form's redirect needs it */
    (void)snprintf(form, sizeof form, "l=%s&answer=approve", id_text(login.id).s);
    visit(METHOD_POST, "/login/approve", form);
    assert_int_equal(status, 303);
    assert_memory_equal(location, "http://127.0.0.1:39301/cb-a8f3?code=", 36);
    visit(METHOD_POST, "/login/approve", form);
    assert_int_equal(status, 400);
    pages_free(pages);
}

static void OA_10_the_code_of_another_device_is_entered_and_answered(void **state)
{
    (void)state;
    const struct login_begin begin = {.challenge = view_str(x.challenge),
                                      .state = view_str("0123456789abcdef"),
                                      .device_code = true};
    struct login_begun begun;
    char text[256], l[64];
    struct login login;
    int64_t interval;
    struct buf url;

    open_pages();
    buf_init(&url, 256);
    assert_int_equal(logins_begin(x.l, &x.device, &begin, NULL, &url, &begun), SP_OK);
    buf_deinit(&url);
    (void)snprintf(text, sizeof text, "/d/%s", begun.match);
    visit(METHOD_GET, text, ""); /* a link that something fetched ahead opens nothing */
    assert_int_equal(status, 200);
    (void)snprintf(text, sizeof text, "value=\"%s\"", begun.match);
    assert_non_null(strstr(body, text));
    assert_non_null(strstr(body, "Did someone send you this code"));
    visit(METHOD_GET, "/d/\"><script>alert(1)</script>", "");
    assert_null(strstr(body, "<script>alert"));
    visit(METHOD_POST, "/d", "user_code=BBBB-BBBB");
    assert_int_equal(status, 400);
    assert_non_null(strstr(body, "No device waits with this code"));
    (void)snprintf(text, sizeof text, "user_code=%s", begun.match);
    visit(METHOD_POST, "/d", text);
    assert_int_equal(status, 200);
    assert_non_null(strstr(body, "asked from 198.51.100.24"));
    grab("/login/go?l=", l, sizeof l);
    *strchr(l, '&') = '\0';
    assert_int_equal(logins_load(x.l, send_query(&browser, ""), view_str(l), LOGIN_CHOOSE, &login),
                     SP_OK);
    through_factor(&browser, &login);
    (void)snprintf(text, sizeof text, "/login/approve?l=%s", l);
    visit(METHOD_GET, text, "");
    assert_non_null(strstr(body, begun.match));
    assert_non_null(strstr(body, "only if you started this sign-in on it yourself"));
    (void)snprintf(text, sizeof text, "l=%s&answer=approve", l);
    visit(METHOD_POST, "/login/approve", text);
    assert_int_equal(status, 200);
    assert_non_null(strstr(body, "chen-desk is signed in"));
    assert_null(strstr(body, begun.poll));
    assert_string_equal(logins_poll(x.l, &x.device, view_str(begun.poll), &interval), "approved");
    for (int i = 0; i < 5; i++)
        visit(METHOD_POST, "/d", "user_code=BBBB-BBBB");
    visit(METHOD_POST, "/d", "user_code=BBBB-BBBB");
    assert_int_equal(status, 429);
    pages_free(pages);
}

static void TM_15_what_is_no_form_of_ours_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        enum http_method method;
        const char *path;
        int status;
    } rows[] = {{METHOD_GET, "/login/device?start=xx", 400},
                {METHOD_GET, "/login/callback/corp?code=a&state=b", 400},
                {METHOD_GET, "/login/code?l=AAAAAAAAAAAAAAAAAAAAAQ", 400},
                {METHOD_POST, "/login/approve", 400},
                {METHOD_POST, "/login", 405},
                {METHOD_GET, "/logout", 405},
                {METHOD_GET, "/home", 404}}; /* no session room given here */
    struct response res;

    open_pages();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        visit(rows[i].method, rows[i].path, "");
        if (status != rows[i].status)
            fail_msg("%s: %d", rows[i].path, status);
    }
    (void)send_query(&browser, "");
    browser.req.method = METHOD_GET;
    browser.req.path = view_str("/api/v1/apps");
    response_init(&res);
    assert_false(pages_handle(pages, &browser.req, &res));
    response_deinit(&res);
    assert_true(pages_calls_out(view_str("/login/go")));
    assert_true(pages_calls_out(view_str("/login/callback/corp")));
    assert_false(pages_calls_out(view_str("/login/callback/")));
    assert_false(pages_calls_out(view_str("/login")));
    pages_free(pages);
}

/* Every page behind the first, with this login: none takes a step that is not the next one. */
static void try_all(const char *l, const char *callback, bool code_is_next)
{
    static const struct {
        enum http_method method;
        const char *path, *more;
        bool of_code;
    } rows[] = {{METHOD_GET, "/login/code", "", true},
                {METHOD_POST, "/login/code", "&code=000000", true},
                {METHOD_POST, "/login/enrol", "&seed=AAAA&code=000000", true},
                {METHOD_GET, "/login/approve", "", false},
                {METHOD_POST, "/login/approve", "&answer=approve", false},
                {METHOD_POST, "/login/approve", "&answer=deny", false}};
    char query[512];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool get = rows[i].method == METHOD_GET;
        (void)snprintf(query, sizeof query, "%s%sl=%s%s", get ? rows[i].path : "", get ? "?" : "",
                       l, rows[i].more);
        if (code_is_next && rows[i].of_code)
            continue;
        visit(rows[i].method, get ? query : rows[i].path, get ? "" : query);
        if (status != 400)
            fail_msg("%s: %d", rows[i].path, status);
        assert_false(signed_in());
    }
    if (callback != NULL) {
        visit(METHOD_GET, callback, "");
        assert_int_equal(status, 400);
        assert_false(signed_in());
    }
}

/* Steps left out, repeated, and taken with another browser's login. */
static void INC_10_a_login_driven_out_of_order_lets_nobody_in(void **state)
{
    char link[4096], l[64] = "", token[64] = "", callback[256];
    struct browser other;

    (void)state;
    open_pages();
    visit(METHOD_GET, "/login", "");
    grab("class=\"btn main full\" href=\"", link, sizeof link);
    assert_int_equal(sscanf(link, "/login/go?l=%22[A-Za-z0-9_-]", l), 1);
    try_all(l, "/login/callback/corp?code=c&state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            false);

    visit(METHOD_GET, link, ""); /* at the provider, not back yet */
    assert_int_equal(sscanf(strstr(location, "&state="), "&state=%43s", token), 1);
    assert_int_equal(sscanf(strstr(location, "&nonce="), "&nonce=%43s", nonce), 1);
    try_all(l, NULL, false);

    (void)snprintf(callback, sizeof callback, "/login/callback/corp?code=c&state=%s", token);
    other = browser; /* a browser without the cookies of this login */
    memset(&browser, 0, sizeof browser);
    try_all(l, callback, false);
    browser = other;

    visit(METHOD_GET, callback, "");
    assert_int_equal(status, 303);
    assert_memory_equal(location, "/login/code", 11);
    try_all(l, callback, true); /* the same answer again, and approval without the factor */
    pages_free(pages);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(OTP_06_sign_in_sets_up_a_factor_and_ends_where_it_began),
        CASE(OTP_10_without_leave_nobody_sets_a_factor_up_at_login),
        CASE(AAL_05_a_stranger_cannot_lock_anyone_out),
        CASE(AAL_06_a_code_that_was_used_is_said_to_be_used),
        CASE(LOG_07_an_unexpected_error_shows_only_its_reference),
        CASE(a_device_is_approved_on_its_loopback_address),
        CASE(OA_10_the_code_of_another_device_is_entered_and_answered),
        CASE(TM_15_what_is_no_form_of_ours_changes_nothing),
        CASE(INC_10_a_login_driven_out_of_order_lets_nobody_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
