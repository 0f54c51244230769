#include "connector/gateway/expiry.h"
#include "connector/gateway/gateway_internal.h"
#include "connector/gateway/renew.h"
#include "lib/os/file.h"
#include "lib/tls/authority.h"
#include "lib/tls/expiry.h"
#include "tests/unit/connector/gateway/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static const struct apprec FRONT_RECORD = {
    .id = {{7}},
    .version = 1,
    .name = "front",
    .type = APPREC_HTTP,
    .host_count = 1,
    .hosts = {"api.internal"},
    .gateway = "frontend: tls\ntls: {cert: chain.pem, key: key.pem}\n"};

struct made {
    struct buf ca, chain, key;
};

static void make(struct made *m, int days)
{
    const struct authority_spec spec = {.names = {"api.internal"}, .days = days};

    buf_init(&m->ca, AUTHORITY_PEM_MAX);
    buf_init(&m->chain, AUTHORITY_PEM_MAX);
    buf_init(&m->key, AUTHORITY_PEM_MAX);
    check_ok(authority_make(&spec, &m->ca, &m->chain, &m->key));
}

static void end(struct made *m)
{
    buf_deinit(&m->ca);
    buf_deinit(&m->chain);
    buf_wipe(&m->key);
}

static void the_end_of_a_chains_first_certificate_is_read(void **state)
{
    struct made m;
    sp_unix_ms until = 0;

    (void)state;
    make(&m, 20);
    check_ok(tls_expires(buf_view(&m.chain), &until));
    int64_t left = until - clock_unix();
    check(left > (int64_t)18 * DAY_MS && left < (int64_t)22 * DAY_MS);
    assert_int_equal(tls_expires(buf_view(&m.key), &until), SP_ERR_MALFORMED);
    assert_int_equal(tls_expires(view_str(""), &until), SP_ERR_MALFORMED);
    assert_int_equal(tls_expires(view_slice(buf_view(&m.chain), 0, 200), &until), SP_ERR_MALFORMED);
    end(&m);
}

static void put(const struct rig *r, const char *name, struct view text, bool there)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", r->dir, name);
    if (there)
        check_ok(file_write(path, text, 0600, NULL));
    else
        unlink(path);
}

static void a_certificate_is_named_from_30_days_before_its_end(void **state)
{
    struct apprec record = FRONT_RECORD;
    struct gw_app *app = NULL;
    struct made m;
    struct rig r;

    (void)state;
    make(&m, 90);
    rig_init(&r, "");
    put(&r, "chain.pem", buf_view(&m.chain), true);
    put(&r, "key.pem", buf_view(&m.key), true);
    sp_unix_ms until = 0;
    check_ok(tls_expires(buf_view(&m.chain), &until));
    gateway_put(r.gateway, &record);
    rig_until(&r, (app = gateway_app_now(r.gateway, record.id)) != NULL);
    assert_int_equal(app_ends(app).front, until);
    assert_int_equal(expiry_warn(app, until - EXPIRY_AHEAD_MS), 0);
    assert_int_equal(expiry_warn(app, until - EXPIRY_AHEAD_MS + 1), 1);
    assert_int_equal(expiry_warn(app, until + 1), 1);
    put(&r, "chain.pem", buf_view(&m.chain), false);
    put(&r, "key.pem", buf_view(&m.key), false);
    rig_deinit(&r);
    end(&m);
}

/* GW-09: replaced one after the other, the pair is read once both rest; a pair that does not fit
 * leaves the one before in force. */
static void GW_09_a_certificate_that_is_replaced_is_read_anew(void **state)
{
    struct apprec record = FRONT_RECORD;
    struct made first, second;
    struct rig r;

    (void)state;
    make(&first, 90);
    make(&second, 60);
    rig_init(&r, "");
    put(&r, "chain.pem", buf_view(&first.chain), true);
    put(&r, "key.pem", buf_view(&first.key), true);
    gateway_put(r.gateway, &record);
    struct gw_app *app = NULL;
    rig_until(&r, (app = gateway_app_now(r.gateway, record.id)) != NULL);
    struct tls_context *before = app_front(app);

    put(&r, "chain.pem", buf_view(&second.chain), true); /* the chain without its key */
    sp_boot_ms wait = clock_boot() + 3 * RENEW_LOOK_MS;
    while (clock_boot() < wait)
        rig_turn(&r);
    assert_ptr_equal(app_front(app), before);
    put(&r, "key.pem", buf_view(&second.key), true);
    rig_until(&r, app_front(app) != before);
    assert_non_null(app_front(app));
    assert_ptr_equal(gateway_app_now(r.gateway, record.id), app); /* nothing else began anew */

    put(&r, "chain.pem", buf_view(&first.chain), false);
    put(&r, "key.pem", buf_view(&first.key), false);
    rig_deinit(&r);
    end(&first);
    end(&second);
}

/* A rule beside the same files is in force at once and shows what was loaded for the version
 * before; another file, or a SIGHUP, is a load of its own. */
static void versions_share_what_was_loaded_of_the_same_files(void **state)
{
    struct apprec record = FRONT_RECORD;
    struct gw_app *app = NULL;
    struct made m;
    struct rig r;

    (void)state;
    make(&m, 90);
    rig_init(&r, "");
    put(&r, "chain.pem", buf_view(&m.chain), true);
    put(&r, "key.pem", buf_view(&m.key), true);
    gateway_put(r.gateway, &record);
    rig_until(&r, (app = gateway_app_now(r.gateway, record.id)) != NULL);
    struct tls_context *shown = tls_context_hold(app_front(app));

    record.version = 2;
    record.gateway = "frontend: tls\ntls: {cert: chain.pem, key: key.pem}\nmethods: [GET]\n";
    gateway_put(r.gateway, &record);
    app = gateway_app_now(r.gateway, record.id);
    assert_int_equal(app_version(app), 2);
    assert_ptr_equal(app_front(app), shown);

    gateway_reload(r.gateway);
    gateway_put(r.gateway, &record);
    assert_ptr_equal(gateway_app_now(r.gateway, record.id), app); /* it judges meanwhile */
    rig_until(&r, gateway_app_now(r.gateway, record.id) != app);
    check(app_front(gateway_app_now(r.gateway, record.id)) != shown);

    put(&r, "key.pem", buf_view(&m.key), false);
    gateway_reload(r.gateway);
    gateway_put(r.gateway, &record);
    rig_until(&r, gateway_app_now(r.gateway, record.id) == NULL); /* not with the key before */
    put(&r, "chain.pem", buf_view(&m.chain), false);
    tls_context_free(shown);
    rig_deinit(&r);
    end(&m);
}

/* The file is a pipe that nobody writes to: whoever reads it waits, and that is a worker. */
static void the_loop_waits_for_no_certificate(void **state)
{
    struct apprec record = FRONT_RECORD;
    char path[128];
    struct made m;
    struct rig r;

    (void)state;
    make(&m, 90);
    rig_init(&r, "");
    put(&r, "chain.pem", buf_view(&m.chain), true);
    snprintf(path, sizeof path, "%s/key.pem", r.dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    gateway_put(r.gateway, &record);
    rig_send(&r, 0, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
    rig_answer(&r, 0, "HTTP/1.1 204 No Content\r\n\r\n");
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 204 "));
    assert_null(gateway_app_now(r.gateway, record.id));
    int fd = -1; /* its end is found by a reader: one that waits */
    rig_until(&r, fd >= 0 || (fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0);
    close(fd);
    unlink(path);
    put(&r, "chain.pem", buf_view(&m.chain), false);
    rig_deinit(&r);
    end(&m);
}

/* The gateway's clock: what was found is told without another request. */
static void each_second_incidents_go_out(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, "owner: [{match: 'GET /of/{name}', from: {path: name}, equals: '${user.name}', "
                 "mode: block}]\n");
    rig_send(&r, 0, "GET /of/bob HTTP/1.1\r\nHost: h\r\n\r\n");
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 403 "));
    assert_int_equal(r.incidents, 0);
    rig_until(&r, r.incidents == 1);
    assert_string_equal(r.detector, "owner");
    int64_t wait = clock_boot() + 1500;
    while (clock_boot() < wait)
        rig_turn(&r);
    assert_int_equal(r.incidents, 1); /* taken: not again */
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_a_chains_first_certificate_is_read),
        cmocka_unit_test(a_certificate_is_named_from_30_days_before_its_end),
        cmocka_unit_test(GW_09_a_certificate_that_is_replaced_is_read_anew),
        cmocka_unit_test(versions_share_what_was_loaded_of_the_same_files),
        cmocka_unit_test(the_loop_waits_for_no_certificate),
        cmocka_unit_test(each_second_incidents_go_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
