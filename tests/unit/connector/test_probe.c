/* probe.c: what app.test says is what a session's dial would meet. */
#include "connector/probe.h"

#include "lib/crypto/random.h"
#include "lib/os/sock.h"
#include "tests/unit/connector/scene.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct seen {
    bool done;
    struct probe_result result;
};

static void on_done(void *arg, const struct probe_result *r)
{
    struct seen *s = arg;

    check(!s->done);
    *s = (struct seen){true, *r};
}

static struct seen probe(struct scene *s, struct sp_id app)
{
    const struct probe_room room = {s->loop, s->pool, &s->records,
                                    (const struct floor *const *)&s->floor};
    struct probe *p = NULL;
    struct seen seen = {0};

    check_ok(probe_start(&room, app, 4711, on_done, &seen, &p));
    check(!seen.done); /* never from inside */
    scene_until(s, seen.done);
    return seen;
}

static void an_app_that_answers_is_connected(void **state)
{
    struct scene s;
    char floor[64];
    int listener;
    (void)state;

    uint16_t port = scene_listen(&listener);
    snprintf(floor, sizeof floor, "allow 127.0.0.1:%u\n", port);
    scene_init(&s, floor);
    struct sp_id app = scene_app(&s, (struct sp_id){{0}}, "127.0.0.1", port);
    struct seen seen = probe(&s, app);
    assert_null(seen.result.error);
    check(seen.result.resolved);
    assert_int_equal(seen.result.verdict.why, FLOOR_ALLOWED);
    assert_int_equal(address_port(&seen.result.address), port);
    check(seen.result.ms >= 0 && seen.result.ms < PROBE_CONNECT_MS);
    assert_string_equal(records_get(&s.records, app)->last, "connected");
    assert_int_equal(records_get(&s.records, app)->last_at, 4711);

    int fd = -1; /* it came, and went without a byte */
    char byte;
    check_ok(sock_accept(listener, &fd, NULL));
    fcntl(fd, F_SETFL, 0);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
    close(listener);
    scene_deinit(&s);
}

static void each_refusal_has_its_word(void **state)
{
    struct scene s;
    int listener;
    (void)state;

    uint16_t port = scene_listen(&listener);
    scene_init(&s, "allow 127.0.0.1:*\n");
    struct sp_id app = scene_app(&s, (struct sp_id){{0}}, "127.0.0.1", port);
    struct sp_id nowhere = scene_app(&s, (struct sp_id){{0}}, "nowhere.invalid", port);

    close(listener); /* nobody listens there now */
    struct seen seen = probe(&s, app);
    assert_string_equal(seen.result.error, "refused");
    check(seen.result.resolved);

    seen = probe(&s, nowhere);
    assert_string_equal(seen.result.error, "not_found");
    check(!seen.result.resolved);

    seen = probe(&s, random_id());
    assert_string_equal(seen.result.error, "record");

    scene_floor(&s, "allow 127.0.0.1:*\n# closed today\ndeny 127.0.0.1:*\n");
    seen = probe(&s, app);
    assert_string_equal(seen.result.error, "floor");
    assert_int_equal(seen.result.verdict.why, FLOOR_DENIED);
    assert_int_equal(seen.result.verdict.line, 3);
    check(seen.result.resolved); /* people see which address it is about */

    scene_floor(&s, NULL);
    seen = probe(&s, app);
    assert_string_equal(seen.result.error, "floor");
    assert_string_equal(records_get(&s.records, app)->last, "floor");
    scene_deinit(&s);
}

static void a_cancelled_probe_says_nothing(void **state)
{
    struct scene s;
    int listener;
    (void)state;

    uint16_t port = scene_listen(&listener);
    scene_init(&s, "allow 127.0.0.1:*\n");
    struct sp_id app = scene_app(&s, (struct sp_id){{0}}, "127.0.0.1", port);
    const struct probe_room room = {s.loop, s.pool, &s.records,
                                    (const struct floor *const *)&s.floor};
    for (int turns = 0; turns < 40; turns++) { /* on the worker, then while it connects */
        struct seen seen = {0};
        struct probe *p = NULL;

        check_ok(probe_start(&room, app, 1, on_done, &seen, &p));
        for (int i = 0; i < turns && !seen.done; i++)
            scene_turn(&s);
        if (seen.done)
            break;
        probe_cancel(p);
        scene_for(&s, 5);
        check(!seen.done);
    }
    close(listener);
    scene_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_app_that_answers_is_connected),
        cmocka_unit_test(each_refusal_has_its_word),
        cmocka_unit_test(a_cancelled_probe_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
