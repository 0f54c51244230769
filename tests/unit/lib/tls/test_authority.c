#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/os/file.h"
#include "lib/tls/authority.h"
#include "lib/tls/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void names_and_days_have_bounds(void **state)
{
    static const struct {
        struct authority_spec spec;
        sp_error e;
    } cases[] = {
        {{.organisation = "o", .names = {"localhost"}, .days = 1}, SP_OK},
        {{.organisation = "o", .names = {NULL}, .days = 1}, SP_ERR_INVALID},
        {{.organisation = "o", .names = {"localhost"}, .days = 0}, SP_ERR_INVALID},
        {{.organisation = "o", .names = {"localhost"}, .days = 398}, SP_ERR_INVALID},
        {{.organisation = "o", .names = {"localhost", "127.0.0.1", "::1"}, .days = 397}, SP_OK},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf ca, chain, key;
        buf_init(&ca, AUTHORITY_PEM_MAX);
        buf_init(&chain, AUTHORITY_PEM_MAX);
        buf_init(&key, AUTHORITY_PEM_MAX);
        assert_int_equal(authority_make(&cases[i].spec, &ca, &chain, &key), cases[i].e);
        assert_int_equal(key.len > 0, cases[i].e == SP_OK);
        buf_deinit(&ca);
        buf_deinit(&chain);
        buf_wipe(&key);
    }
}

static void write_to(const char *folder, const char *name, const struct buf *text)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_write_secret(path, buf_view(text), NULL), SP_OK);
}

/* Server and client of ours take what was made; tests/e2e shows it to a browser. */
static void the_files_serve_and_are_trusted(void **state)
{
    const struct authority_spec spec = {
        .organisation = "Example", .names = {"localhost", "127.0.0.1"}, .days = 30};
    char folder[] = "/tmp/sp-authority-XXXXXX", a[128], b[128], c[128];
    struct tls_context *server = NULL, *client = NULL;
    struct sp_why why = {0};
    struct buf ca, chain, key;
    (void)state;

    buf_init(&ca, AUTHORITY_PEM_MAX);
    buf_init(&chain, AUTHORITY_PEM_MAX);
    buf_init(&key, AUTHORITY_PEM_MAX);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(authority_make(&spec, &ca, &chain, &key), SP_OK);
    write_to(folder, "ca.pem", &ca);
    write_to(folder, "chain.pem", &chain);
    write_to(folder, "key.pem", &key);
    snprintf(a, sizeof a, "%s/ca.pem", folder);
    snprintf(b, sizeof b, "%s/chain.pem", folder);
    snprintf(c, sizeof c, "%s/key.pem", folder);

    const struct tls_named named = {.without_system_store = true, .ca_files = {a}};
    assert_int_equal(tls_served(b, c, NULL, &why, &server), SP_OK);
    assert_int_equal(tls_named_client(&named, &why, &client), SP_OK);
    tls_context_free(server);
    tls_context_free(client);
    unlink(a);
    unlink(b);
    unlink(c);
    rmdir(folder);
    buf_deinit(&ca);
    buf_deinit(&chain);
    buf_wipe(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_days_have_bounds),
        cmocka_unit_test(the_files_serve_and_are_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
