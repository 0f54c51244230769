/* control.c: how a relay becomes known to its broker, and which orders it obeys. */
#include "relay/control.h"

#include "lib/base/encode.h"
#include "lib/crypto/random.h"
#include "lib/http/engine.h"
#include "lib/os/file.h"
#include "lib/os/pool.h"
#include "lib/proto/registry.h"
#include "lib/proto/relay.h"
#include "lib/proto/session.h"
#include "relay/orphan.h"
#include "relay/pair.h"
#include "relay/report.h"
#include "relay/stand.h"
#include "tests/unit/check.h"
#include "tests/unit/lib/channel/fake_broker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct house {
    struct relay relay;
    struct relay_config config;
    struct relay_state state;
    struct fake_broker broker;
    char dir[40];
    char *address; /* of config */
};

#define until(h, cond)                              \
    do {                                            \
        sp_boot_ms house_end = clock_boot() + 6000; \
        while (!(cond) && clock_boot() < house_end) \
            turn(h);                                \
        check(cond);                                \
    } while (0)

static void turn(struct house *h)
{
    loop_turn(h->relay.loop, usleep(200) != 0);
}

static void for_ms(struct house *h, int64_t ms)
{
    sp_boot_ms end = clock_boot() + ms;

    while (clock_boot() < end)
        turn(h);
}

static void house_init(struct house *h)
{
    struct sp_why why = {0};

    *h = (struct house){.state = {.lock = -1}, .address = strdup("relay.test:8443")};
    signal(SIGPIPE, SIG_IGN);
    snprintf(h->dir, sizeof h->dir, "/tmp/sp-rcontrol-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    check_ok(relay_state_open(h->dir, true, &h->state, &why));
    h->config = (struct relay_config){.name = NULL, .addresses = {&h->address, 1}};
    struct relay *r = &h->relay;
    r->config = &h->config;
    r->state = &h->state;
    check_ok(loop_new(&r->loop));
    check_ok(pool_new(r->loop, 2, &r->pool));
    check_ok(engine_new(r->loop, &r->engine));
    check_ok(tunnel_thread_new(&r->thread));
    check_ok(pairs_new(r, &r->pairs));
    check_ok(stands_new(r, &r->stands));
    check_ok(report_new(r, &r->report));
    check_ok(control_new(r, &why, &r->control));
    fake_broker_init(&h->broker, r->loop, r->engine, r->pool);
}

static void house_deinit(struct house *h)
{
    static const char *const files[] = {"key", "broker.json", "lock"};
    struct relay *r = &h->relay;
    char path[80];

    control_free(r->control);
    r->control = NULL;
    pairs_free(r->pairs);
    stands_free(r->stands);
    orphans_free(r);
    report_free(r->report);
    fake_broker_deinit(&h->broker);
    for_ms(h, 20); /* libwebsockets closes from the loop */
    engine_free(r->engine);
    pool_free(r->pool);
    tunnel_thread_free(r->thread);
    loop_free(r->loop);
    relay_state_close(&h->state);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", h->dir, files[i]);
        unlink(path);
    }
    rmdir(h->dir);
    free(h->address);
}

/* The tests' CA as DER, as an enrolment line carries it. */
static size_t read_ca(uint8_t out[ENROL_CA_MAX])
{
    struct buf text, der;
    struct sp_why why = {0};

    buf_init(&text, 16 * 1024);
    buf_init(&der, ENROL_CA_MAX);
    check_ok(file_read(fake_broker_ca(), 8192, &text, &why));
    char *s = (char *)(uintptr_t)buf_cstr(&text), *begin = strstr(s, "-----\n"), clean[8192];
    size_t n = 0;
    assert_non_null(begin);
    for (const char *at = begin + 6; *at != '-'; at++)
        if (*at != '\n')
            clean[n++] = *at;
    check_ok(decode_base64((struct view){(const uint8_t *)clean, n}, &der));
    size_t len = der.len;
    memcpy(out, der.at, len);
    buf_deinit(&der);
    buf_deinit(&text);
    return len;
}

static void enrol_by_line(struct house *h, const struct key_secret *names)
{
    uint8_t secret[ENROL_SECRET_BYTES];
    struct enrol_address a = {.fingerprint = key_fingerprint(key_secret_public(names))};
    struct buf line;

    random_bytes(secret, sizeof secret);
    enrol_token_write(secret, a.token);
    a.ca_len = read_ca(a.ca);
    snprintf(a.url, sizeof a.url, "https://localhost:%u", h->broker.port);
    buf_init(&line, ENROL_LINE_MAX);
    enrol_address_write(&a, &line);
    control_enrol(&h->relay, buf_view(&line));
    buf_wipe(&line);
}

/* Enrolled, and attached as who it is now. */
static struct sp_id house_enrols(struct house *h)
{
    house_init(h);
    const struct enrol_answer said = {.id = random_id(), .keys = buf_view(&h->broker.statement)};
    enrol_by_line(h, h->broker.identity);
    until(h, fake_broker_heard(&h->broker, "enrol", "\"token\":\"spe_"));
    check(fake_broker_heard(&h->broker, "enrol", "relay.test:8443"));
    check(!control_enrolled(h->relay.control));
    h->broker.welcome.id = said.id; /* from the next channel on the key is known */
    listener_answer(h->broker.listener, h->broker.edge, h->broker.last_i,
                    fields_write(enrol_answer_fields, &said));
    until(h, h->broker.opened == 2 && control_up(h->relay.control));
    until(h, fake_broker_heard(&h->broker, "live.list", "\"last\":true"));
    return said.id;
}

static void a_relay_enrols_by_its_line_and_comes_back_as_who_it_is(void **state)
{
    struct relay_state again;
    struct sp_why why = {0};
    struct house h;
    (void)state;

    struct sp_id id = house_enrols(&h);
    check(control_enrolled(h.relay.control));
    check(id_equal(h.state.id, id));
    assert_int_equal(h.broker.peer.kind, PROVE_RELAY);
    check(id_equal(h.broker.peer.id, id) && id_equal(h.broker.peer.boot, h.state.boot));
    check(fake_broker_heard(&h.broker, "boot", id_text(h.state.boot).s));
    assert_int_equal(h.relay.keys.epoch, 1);
    assert_string_equal(control_trouble(h.relay.control), "");
    check_ok(relay_state_open(h.dir, false, &again, &why));
    check(id_equal(again.id, id));
    check(key_equal(&again.identity, key_secret_public(h.broker.identity)));
    assert_string_equal(again.broker.token, ""); /* spent: it is not kept */
    relay_state_close(&again);
    house_deinit(&h);
}

/* INC-15, E2E-2: whoever answers with another key than the line names gets nothing. */
static void a_broker_with_another_key_than_the_line_names_hears_no_token(void **state)
{
    struct house h;
    (void)state;

    house_init(&h);
    enrol_by_line(&h, h.broker.grants);
    for_ms(&h, 600);
    check(!fake_broker_heard(&h.broker, "enrol", "spe_"));
    check(!control_enrolled(h.relay.control));
    check(control_trouble(h.relay.control)[0] != '\0');
    house_deinit(&h);
}

static void a_refused_token_is_said(void **state)
{
    struct house h;
    (void)state;

    house_init(&h);
    enrol_by_line(&h, h.broker.identity);
    until(&h, fake_broker_heard(&h.broker, "enrol", "\"token\":\"spe_"));
    listener_answer_error(h.broker.listener, h.broker.edge, h.broker.last_i, "denied",
                          "the token was used before", NULL);
    until(&h, strstr(control_trouble(h.relay.control), "used before") != NULL);
    check(!control_enrolled(h.relay.control));
    house_deinit(&h);
}

static void key_sets_only_rise_and_only_by_the_pinned_key(void **state)
{
    struct key_secret *stranger;
    struct house h;
    (void)state;

    house_enrols(&h);
    fake_broker_new_keys(&h.broker, 5, NULL);
    fake_broker_send(&h.broker, "keys", fake_broker_keys(&h.broker));
    until(&h, fake_broker_heard(&h.broker, "at", "\"scope\":\"keys\",\"version\":5"));
    fake_broker_new_keys(&h.broker, 4, NULL);
    fake_broker_send(&h.broker, "keys", fake_broker_keys(&h.broker));
    check_ok(key_secret_new(KEY_ED25519, &stranger));
    fake_broker_new_keys(&h.broker, 9, stranger);
    key_secret_free(stranger);
    fake_broker_send(&h.broker, "keys", fake_broker_keys(&h.broker));
    for_ms(&h, 100);
    assert_int_equal(h.relay.keys.epoch, 5);
    assert_int_equal(h.state.epoch, 5);
    house_deinit(&h);
}

static void cuts_are_answered_and_unknown_orders_are_refused(void **state)
{
    struct session_cut_answer answer;
    struct session_cut cut = {.session = random_id(), .why = view_str("killed")};
    struct house h;
    (void)state;

    house_enrols(&h);
    fake_broker_call(&h.broker, "session.cut", fields_write(session_cut_fields, &cut));
    until(&h, h.broker.answered);
    check_ok(h.broker.answer);
    check_ok(fields_read(h.broker.said, session_cut_answer_fields, NULL, &answer));
    assert_int_equal(answer.count, 0); /* unknown: as cut */

    cut = (struct session_cut){.device = view_str("no key"), .why = view_str("killed")};
    fake_broker_call(&h.broker, "session.cut", fields_write(session_cut_fields, &cut));
    until(&h, h.broker.answered);
    assert_int_equal(h.broker.answer, SP_ERR_REFUSED);

    fake_broker_call(&h.broker, "app.test", json_object());
    until(&h, h.broker.answered);
    assert_int_equal(h.broker.answer, SP_ERR_REFUSED);

    const struct drain d = {.until = clock_unix() + 1000};
    check(!h.relay.draining);
    fake_broker_send(&h.broker, "drain", fields_write(drain_fields, &d));
    until(&h, h.relay.draining);
    house_deinit(&h);
}

static void a_lost_broker_is_dialled_again_and_the_time_stays(void **state)
{
    struct house h;
    (void)state;

    house_enrols(&h);
    sp_unix_ms before = relay_now(&h.relay);
    check(before > 0);
    listener_close(h.broker.listener, h.broker.edge, CHANNEL_CLOSE_GOING, "restart");
    until(&h, !control_up(h.relay.control));
    check(relay_now(&h.relay) >= before); /* grants are judged on, by the boot clock */
    until(&h, h.broker.opened == 3 && control_up(h.relay.control));
    house_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relay_enrols_by_its_line_and_comes_back_as_who_it_is),
        cmocka_unit_test(a_broker_with_another_key_than_the_line_names_hears_no_token),
        cmocka_unit_test(a_refused_token_is_said),
        cmocka_unit_test(key_sets_only_rise_and_only_by_the_pinned_key),
        cmocka_unit_test(cuts_are_answered_and_unknown_orders_are_refused),
        cmocka_unit_test(a_lost_broker_is_dialled_again_and_the_time_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
