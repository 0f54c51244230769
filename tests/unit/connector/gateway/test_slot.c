/* One version of an app's record after another, while documents are read by a worker. */
#include "connector/gateway/app.h"
#include "connector/gateway/document.h"
#include "connector/gateway/gateway_internal.h"
#include "lib/base/encode.h"
#include "lib/crypto/hash.h"
#include "lib/os/file.h"
#include "tests/unit/connector/gateway/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOCUMENT(path)                                                                   \
    "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  " path                    \
    ": {get: {parameters: [{name: at, in: query, schema: {type: string, format: date}}]" \
    ", responses: {'200': {description: ok}}}}\n"
#define BY_FILE "openapi: {file: api.yaml, request: block, unknown_endpoint: block}\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void write_file(const struct rig *r, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", r->dir, name);
    check_ok(file_write(path, view_str(text), 0600, NULL));
}

static void hex_of(const char *text, char out[65])
{
    struct hash h = hash_sha256(view_str(text));
    struct buf hex;

    buf_init(&hex, 64);
    encode_hex(hash_view(&h), &hex);
    view_copy(out, 65, buf_view(&hex));
    buf_deinit(&hex);
}

/* The next version of the record. */
static void put(struct rig *r, const char *gateway)
{
    free(r->app.gateway);
    r->app.gateway = strdup(gateway);
    r->app.version++;
    gateway_put(r->gateway, &r->app);
}

static bool passes(struct rig *r, const char *request)
{
    size_t before = r->app_in[0].len;
    const char *answers[] = {"urn:sallyport:problem:", "\r\n\r\nok"};

    buf_reset(&r->users[0].in);
    rig_send(r, 0, request);
    for (int64_t end = clock_boot() + 5000; clock_boot() < end;) {
        rig_turn(r);
        if (r->app_count > 0 && r->app_in[0].len > before) {
            before = r->app_in[0].len;
            rig_answer(r, 0, OK_ANSWER);
        }
        if (rig_got(r, 0, answers[0]))
            return false;
        if (rig_got(r, 0, answers[1]))
            return true;
    }
    fail_msg("no answer to %s", request);
    return false;
}

/* The limit of the new record, and the document: both or none. */
static void the_version_before_judges_until_the_new_document_is_compiled(void **state)
{
    struct rig r;

    (void)state;
    rig_init_documented(&r, BY_FILE, DOCUMENT("/old"));
    check(passes(&r, GET("/old")));
    check(!passes(&r, GET("/new")));
    write_file(&r, "api.yaml", DOCUMENT("/new"));
    gateway_reload(r.gateway);
    put(&r, "openapi: {file: api.yaml, request: block, unknown_endpoint: block}\nmethods: [GET]\n");
    check(gateway_app_now(r.gateway, r.app.id) != NULL);
    rig_send(&r, 0, "POST /old HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    rig_until(&r, rig_got(&r, 0, "urn:sallyport:problem:method"));
    for (int64_t end = clock_boot() + 5000; !passes(&r, GET("/new")) && clock_boot() < end;)
        continue;
    check(passes(&r, GET("/new")));
    check(!passes(&r, GET("/old")));
    rig_deinit(&r);
}

/* No worker is needed: the next request is judged by the new rule. */
static void a_rule_beside_the_same_document_is_in_force_at_once(void **state)
{
    struct rig r;

    (void)state;
    rig_init_documented(&r, BY_FILE, DOCUMENT("/a"));
    check(passes(&r, GET("/a")));
    const struct gw_app *before = gateway_app_now(r.gateway, r.app.id);
    const struct api_document *compiled = document_api(gw_app_document(before));
    put(&r, BY_FILE "operations: [{match: /a, deny: on}]\n");
    const struct gw_app *now = gateway_app_now(r.gateway, r.app.id);
    check(now != before && app_version(now) == 2);
    check(document_api(gw_app_document(now)) == compiled);
    check(!passes(&r, GET("/a")));
    rig_deinit(&r);
}

static void a_document_named_by_its_hash_is_fetched_and_compared(void **state)
{
    static const char text[] = DOCUMENT("/kept");
    char hex[65], gateway[256], path[256];
    struct hash h = hash_sha256(view_str(text));
    struct rig r;

    (void)state;
    hex_of(text, hex);
    rig_init(&r, "methods: [GET]\n");
    check(passes(&r, GET("/any")));
    snprintf(gateway, sizeof gateway, "openapi: {document: 'sha256:%s', unknown_endpoint: block}\n",
             hex);
    put(&r, gateway);
    rig_until(&r, r.fetched == 1);
    assert_memory_equal(r.sha256, h.bytes, 32);
    check(passes(&r, GET("/any"))); /* the version before is in force */
    write_file(&r, hex, "openapi: 3.1.0\ninfo: {title: another, version: '1'}\npaths: {}\n");
    gateway_document(r.gateway, h.bytes);
    rig_until(&r, r.fetched == 2);
    snprintf(path, sizeof path, "%s/%s", r.dir, hex);
    assert_int_not_equal(access(path, F_OK), 0);
    check(passes(&r, GET("/any")));
    write_file(&r, hex, text);
    gateway_document(r.gateway, h.bytes);
    rig_until(&r, app_version(gateway_app_now(r.gateway, r.app.id)) == 2);
    check(passes(&r, GET("/kept")));
    check(!passes(&r, GET("/any")));
    unlink(path);
    rig_deinit(&r);
}

static void a_document_that_can_not_be_in_force_lets_nobody_through(void **state)
{
    struct rig r;

    (void)state;
    rig_init_documented(&r, BY_FILE, DOCUMENT("/a"));
    check(passes(&r, GET("/a")));
    write_file(&r, "api.yaml", "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: 7\n");
    gateway_reload(r.gateway);
    put(&r, BY_FILE);
    rig_until(&r, gateway_app_now(r.gateway, r.app.id) == NULL);
    write_file(&r, "api.yaml", DOCUMENT("/a"));
    gateway_reload(r.gateway);
    put(&r, BY_FILE);
    rig_until(&r, gateway_app_now(r.gateway, r.app.id) != NULL);
    rig_deinit(&r);
}

/* Freed with everything while the worker has the document: its end is nobody's. */
static void a_gateway_may_end_while_a_document_is_read(void **state)
{
    struct rig r;

    (void)state;
    rig_init_documented(&r, BY_FILE, DOCUMENT("/a"));
    check(passes(&r, GET("/a")));
    gateway_reload(r.gateway);
    put(&r, BY_FILE);
    rig_deinit(&r);
}

static void formats_off_asserts_none(void **state)
{
    struct rig r;

    (void)state;
    rig_init_documented(&r, BY_FILE, DOCUMENT("/a"));
    check(!passes(&r, GET("/a?at=tomorrow")));
    put(&r, "openapi: {file: api.yaml, request: block, formats: off}\n");
    rig_until(&r, app_version(gateway_app_now(r.gateway, r.app.id)) == 2);
    check(passes(&r, GET("/a?at=tomorrow")));
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_before_judges_until_the_new_document_is_compiled),
        cmocka_unit_test(a_rule_beside_the_same_document_is_in_force_at_once),
        cmocka_unit_test(a_document_named_by_its_hash_is_fetched_and_compared),
        cmocka_unit_test(a_document_that_can_not_be_in_force_lets_nobody_through),
        cmocka_unit_test(a_gateway_may_end_while_a_document_is_read),
        cmocka_unit_test(formats_off_asserts_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
