/*
 * The built-in provider as its browser and its client meet it, on a real store: from the request
 * to userinfo, and what each of them may not do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/idp/provider.h"
#include "lib/base/encode.h"
#include "lib/base/json.h"
#include "lib/crypto/hash.h"
#include "lib/http/form.h"
#include "lib/http/url.h"
#include "tests/unit/broker/store/temp.h"

#define BACK "https://access.example.test/login/callback/builtin"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define PASSWORD "correct horse battery"

static struct {
    struct temp t;
    struct secret *master;
    struct accounts *accounts;
    struct idp *idp;
    int status;
    char head[8192], body[64 * 1024], cookie[256], basic[1024], bearer[4608];
} x;

static int setup(void **state)
{
    struct idp_config config = {
        .origin = "https://access.example.test", .redirect_uri = BACK, .organisation = "Example"};
    struct account_change anna = {.password = view_str(PASSWORD)};
    struct idp_client client;
    struct sp_id id;
    struct buf text, pair;

    (void)state;
    memset(&x, 0, sizeof x);
    temp_new(&x.t);
    assert_int_equal(secret_new_random(32, &x.master), SP_OK);
    assert_int_equal(accounts_new(x.t.st, &x.accounts), SP_OK);
    assert_int_equal(idp_new(&config, x.t.st, x.accounts, x.master, &x.idp), SP_OK);
    assert_int_equal(accounts_add(x.accounts, "anna", &anna, NULL, &id), SP_OK);
    client = idp_client(x.idp);
    buf_init(&pair, 512);
    buf_init(&text, 1024);
    buf_addf(&pair, "%s:", client.client_id);
    encode_percent(secret_open(client.secret), &pair);
    secret_close(client.secret);
    encode_base64(buf_view(&pair), &text);
    (void)snprintf(x.basic, sizeof x.basic, "Basic %s", buf_cstr(&text));
    buf_deinit(&pair);
    buf_deinit(&text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    idp_free(x.idp);
    accounts_free(x.accounts);
    secret_free(x.master);
    temp_free(&x.t);
    clock_set_for_test(-1, -1);
    return 0;
}

/* One request over TLS, with the cookie of this browser and `authorization` (NULL: none). */
static void ask(enum http_method method, const char *path, const char *query, const char *body,
                const char *authorization)
{
    struct http_header h[3] = {
        {view_str("content-type"), view_str("application/x-www-form-urlencoded")},
        {view_str("cookie"), view_str(x.cookie)},
        {view_str("authorization"), view_str(authorization == NULL ? "" : authorization)}};
    struct request req = {.method = method,
                          .path = view_str(path),
                          .query = view_str(query),
                          .headers = h,
                          .header_count = authorization == NULL ? 2 : 3,
                          .body = view_str(body),
                          .tls = true};
    struct response res;

    (void)snprintf(req.peer, sizeof req.peer, "198.51.100.24");
    (void)snprintf(req.ref, sizeof req.ref, "R-1");
    response_init(&res);
    assert_true(idp_handle(x.idp, &req, &res));
    assert_int_equal(response_error(&res), SP_OK);
    x.status = res.status;
    (void)snprintf(x.head, sizeof x.head, "%s", buf_cstr(&res.head));
    (void)snprintf(x.body, sizeof x.body, "%s", buf_cstr(&res.body));
    response_deinit(&res);
}

/* The authorization request of our relying party; `more` may say something again, differently. */
static void authorize(const char *type, const char *more)
{
    struct hash h = hash_sha256(view_str(VERIFIER));
    struct buf query, challenge;
    const char *at;

    buf_init(&query, 4096);
    buf_init(&challenge, 64);
    encode_base64url(hash_view(&h), &challenge);
    buf_addf(
        &query,
        "response_type=%s&client_id=sallyport&redirect_uri=https%%3A%%2F%%2Faccess.example.test"
        "%%2Flogin%%2Fcallback%%2Fbuiltin&scope=openid%%20groups&state=s-1&nonce=n-1"
        "&code_challenge=%s&code_challenge_method=S256%s",
        type, buf_cstr(&challenge), more);
    ask(METHOD_GET, "/idp/authorize", buf_cstr(&query), "", NULL);
    if ((at = strstr(x.head, "set-cookie: ")) != NULL)
        (void)sscanf(at, "set-cookie: %255[^;]", x.cookie);
    buf_deinit(&query);
    buf_deinit(&challenge);
}

static void sign_in(const char *name, const char *password)
{
    static char form[8192];
    char request[4096] = "";
    const char *at = strstr(x.body, "name=\"request\" value=\"");

    assert_non_null(at);
    assert_int_equal(sscanf(at, "name=\"request\" value=\"%4095[^\"]", request), 1);
    (void)snprintf(form, sizeof form, "request=%s&username=%s&password=%s", request, name,
                   password);
    ask(METHOD_POST, "/idp/authorize", "", form, NULL);
}

static void code_of_location(char code[4096])
{
    const char *at = strstr(x.head, "location: " BACK "?code=");

    assert_int_equal(x.status, 303);
    assert_non_null(at);
    assert_int_equal(sscanf(at + sizeof "location: " BACK "?code=" - 1, "%4095[^&\r]", code), 1);
    assert_non_null(strstr(at, "&state=s-1"));
    assert_non_null(strstr(at, "&iss=https%3A%2F%2Faccess.example.test%2Fidp"));
}

static void redeem(const char *code, const char *verifier)
{
    static char form[8192];

    (void)snprintf(form, sizeof form,
                   "grant_type=authorization_code&code=%s&redirect_uri=https%%3A%%2F%%2F"
                   "access.example.test%%2Flogin%%2Fcallback%%2Fbuiltin&code_verifier=%s",
                   code, verifier);
    ask(METHOD_POST, "/idp/token", "", form, x.basic);
}

static void take_bearer(void)
{
    struct json *j = NULL;

    assert_int_equal(x.status, 200);
    assert_int_equal(json_parse(view_str(x.body), sizeof x.body, NULL, &j), SP_OK);
    (void)snprintf(x.bearer, sizeof x.bearer, "Bearer %.*s",
                   VIEW_ARG(json_str(json_get(j, "access_token"))));
    assert_true(json_str(json_get(j, "id_token")).len > 0);
    assert_null(json_get(j, "refresh_token")); /* IDT-18: none is given */
    json_free(j);
}

static int userinfo(void)
{
    ask(METHOD_GET, "/idp/userinfo", "", "", x.bearer);
    return x.status;
}

static void a_code_for_me(char code[4096])
{
    authorize("code", "");
    assert_int_equal(x.status, 200);
    sign_in("anna", "correct+horse+battery");
    code_of_location(code);
}

static void OA_06_a_code_that_comes_again_takes_back_what_it_gave(void **state)
{
    (void)state;
    char code[4096], other[4096], kept[sizeof x.bearer];

    a_code_for_me(code);
    redeem(code, VERIFIER);
    take_bearer();
    assert_int_equal(userinfo(), 200);
    assert_non_null(strstr(x.body, "\"preferred_username\":\"anna\""));
    memcpy(kept, x.bearer, sizeof kept);
    a_code_for_me(other);
    redeem(other, VERIFIER);
    take_bearer();

    redeem(code, VERIFIER);
    assert_int_equal(x.status, 400);
    assert_non_null(strstr(x.body, "invalid_grant"));
    assert_int_equal(userinfo(), 200); /* the other login's goes on */
    memcpy(x.bearer, kept, sizeof kept);
    assert_int_equal(userinfo(), 401);
    redeem(code, VERIFIER); /* a third time changes nothing */
    assert_int_equal(x.status, 400);
}

static void OA_01_a_code_is_worthless_without_its_verifier_client_and_time(void **state)
{
    (void)state;
    char code[4096], right[sizeof x.basic];

    a_code_for_me(code);
    redeem(code, "eBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_int_equal(x.status, 400);
    redeem(code, "");
    assert_int_equal(x.status, 400);
    memcpy(right, x.basic, sizeof right);
    x.basic[sizeof "Basic " + 20] ^= 1;
    redeem(code, VERIFIER);
    assert_int_equal(x.status, 401);
    memcpy(x.basic, right, sizeof right);
    redeem(code, VERIFIER); /* none of these has spent it */
    take_bearer();
    a_code_for_me(code);
    clock_set_for_test(clock_unix() + 61 * 1000, clock_boot());
    redeem(code, VERIFIER);
    assert_int_equal(x.status, 400);
    /* an access token is no code and a code is no access token */
    (void)snprintf(x.bearer, sizeof x.bearer, "Bearer %.4000s", code);
    assert_int_equal(userinfo(), 401);
}

/* OA-3, RP-20: the code flow is all that there is. */
static void OA_03_RP_20_only_the_code_flow_is_offered(void **state)
{
    (void)state;
    static const char *const types[] = {
        "token", "id_token", "code%20id_token", "code%20token", "none", "", "Code"};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        authorize(types[i], "");
        assert_int_equal(x.status, 303);
        if (strstr(x.head, "?error=unsupported_response_type&state=s-1&iss=") == NULL)
            fail_msg("%s: %s", types[i], x.head);
    }
    authorize("code", "&request=eyJ");
    assert_non_null(strstr(x.head, "?error=request_not_supported"));
    authorize("code", "&state=s-2"); /* said twice */
    assert_int_equal(x.status, 400);
    assert_null(strstr(x.head, "location:"));
    ask(METHOD_POST, "/idp/token", "", "grant_type=password&username=anna&password=" PASSWORD,
        x.basic);
    assert_int_equal(x.status, 400);
    assert_non_null(strstr(x.body, "unsupported_grant_type"));
    ask(METHOD_POST, "/idp/token", "", "grant_type=refresh_token&refresh_token=x", x.basic);
    assert_non_null(strstr(x.body, "unsupported_grant_type"));
    ask(METHOD_GET, "/idp/.well-known/openid-configuration", "", "", NULL);
    assert_non_null(strstr(x.body, "\"response_types_supported\":[\"code\"]"));
}

static void TM_15_the_form_of_another_browser_signs_nobody_in(void **state)
{
    (void)state;
    char mine[sizeof x.cookie];

    authorize("code", "");
    memcpy(mine, x.cookie, sizeof mine);
    x.cookie[0] = '\0';
    sign_in("anna", "correct+horse+battery");
    assert_int_equal(x.status, 400);
    authorize("code", "");
    memcpy(x.cookie, mine, sizeof mine); /* the cookie of an earlier form */
    sign_in("anna", "correct+horse+battery");
    assert_int_equal(x.status, 400);
}

/* INC-8: one account, one spelling; and nothing that a reader takes for another name. */
static void INC_08_a_name_has_one_spelling(void **state)
{
    (void)state;
    static const char *const others[] = {"Anna",
                                         "ANNA",
                                         "anna ",
                                         " anna",
                                         "an na",
                                         "anna\t",
                                         "anna\n",
                                         "anna.exe/",
                                         "anna@corp",
                                         "\xef\xbd\x81nna",  /* full width, NFKC of "anna" */
                                         "\xd0\xb0nna",      /* Cyrillic a */
                                         "anna\xe2\x80\x8b", /* zero width */
                                         "\342\200\256anna", /* right to left */
                                         "a\xcc\x8anna",     /* combining */
                                         "",
                                         ".anna",
                                         "-anna"};
    struct account_change c = {.password = view_str(PASSWORD)};
    struct account_row row;
    struct sp_id id;

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const char *group[] = {others[i]};
        struct account_change grouped = {.set_groups = true, .groups = group, .group_count = 1};
        struct sp_why why = {0};
        if (accounts_add(x.accounts, others[i], &c, &why, &id) != SP_ERR_INVALID ||
            accounts_change(x.accounts, "anna", &grouped, &why) != SP_ERR_INVALID)
            fail_msg("taken: '%s'", others[i]);
    }
    for (size_t i = 0; i < 3; i++) /* each costs a whole password hash */
        assert_int_equal(accounts_check(x.accounts, others[i], view_str(PASSWORD), "", &row),
                         SP_ERR_DENIED);
    assert_int_equal(accounts_check(x.accounts, "anna", view_str(PASSWORD), "", &row), SP_OK);
}

struct found {
    char texts[8192];
    size_t count;
};

static bool keep_record(void *arg, const struct audit_row *row)
{
    struct found *f = arg;
    size_t n = strlen(f->texts);

    (void)snprintf(f->texts + n, sizeof f->texts - n, "%.*s\n", VIEW_ARG(row->text));
    f->count++;
    return true;
}

/* LOG-4: who tried, from where; LOG-3: a password typed in place of a name is kept nowhere. */
static void LOG_04_LOG_03_a_wrong_password_is_recorded_and_what_was_typed_is_not(void **state)
{
    (void)state;
    struct found f = {.count = 0};

    authorize("code", "");
    sign_in("anna", "wrong+canary-one");
    assert_int_equal(x.status, 401);
    sign_in("canary-two", "anna");
    assert_int_equal(x.status, 401);
    assert_int_equal(x.t.s->audit->walk(x.t.st, 1, 1, 100, keep_record, &f), SP_OK);
    assert_int_equal(f.count, 2);
    assert_non_null(strstr(f.texts, "login.fail"));
    assert_non_null(strstr(f.texts, "\"anna\""));
    assert_non_null(strstr(f.texts, "198.51.100.24"));
    assert_null(strstr(f.texts, "canary"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(OA_06_a_code_that_comes_again_takes_back_what_it_gave),
        CASE(OA_01_a_code_is_worthless_without_its_verifier_client_and_time),
        CASE(OA_03_RP_20_only_the_code_flow_is_offered),
        CASE(TM_15_the_form_of_another_browser_signs_nobody_in),
        CASE(INC_08_a_name_has_one_spelling),
        CASE(LOG_04_LOG_03_a_wrong_password_is_recorded_and_what_was_typed_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
