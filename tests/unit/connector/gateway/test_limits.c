#include "connector/gateway/places.h"
#include "tests/unit/connector/gateway/rig.h"

/* What one person may hold at once, and for how long. */

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define LAST "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
#define ONE "upstream: {connections: 1, connect_time: 300ms}\n"

static void turns(struct rig *r, int n)
{
    for (int i = 0; i < n; i++)
        rig_turn(r);
}

/* Two requests of one person at once, of which one has to wait. */
static void two(struct rig *r, const char *conf)
{
    rig_init_one_person(r, conf);
    rig_send(r, 0, GET("/first"));
    rig_until(r, rig_app_got(r, 0, "/first"));
    rig_send(r, 1, GET("/second"));
    turns(r, 20);
    assert_int_equal(r->app_count, 1);
}

static void a_connection_that_comes_back_serves_the_first_in_line(void **state)
{
    struct rig r;

    (void)state;
    two(&r, ONE);
    check(!rig_app_got(&r, 0, "/second"));
    rig_answer(&r, 0, OK);
    rig_until(&r, rig_app_got(&r, 0, "/second"));
    rig_answer(&r, 0, OK);
    rig_until(&r, rig_got(&r, 0, "ok") && rig_got(&r, 1, "ok"));
    assert_int_equal(r.app_count, 1);
    rig_deinit(&r);
}

static void a_connection_that_ends_leaves_its_place(void **state)
{
    struct rig r;

    (void)state;
    two(&r, ONE);
    rig_answer(&r, 0, LAST);
    rig_until(&r, rig_app_got(&r, 1, "/second"));
    rig_answer(&r, 1, OK);
    rig_until(&r, rig_got(&r, 1, "ok"));
    rig_deinit(&r);
}

static void who_waits_too_long_gets_503(void **state)
{
    struct rig r;

    (void)state;
    two(&r, ONE);
    rig_until(&r, rig_got(&r, 1, "HTTP/1.1 503 ") && rig_got(&r, 1, "retry-after: 1"));
    rig_answer(&r, 0, OK);
    rig_until(&r, rig_got(&r, 0, "ok"));
    check(!rig_app_got(&r, 0, "/second"));
    rig_deinit(&r);
}

static void who_leaves_the_line_leaves_no_trace(void **state)
{
    struct rig r;

    (void)state;
    two(&r, ONE);
    stream_free(r.users[1].stream);
    r.users[1].stream = NULL;
    rig_until(&r, r.users[1].conn == NULL);
    rig_answer(&r, 0, OK);
    rig_until(&r, rig_got(&r, 0, "ok"));
    buf_reset(&r.app_in[0]);
    rig_send(&r, 0, GET("/third"));
    rig_until(&r, rig_app_got(&r, 0, "/third"));
    check(!rig_app_got(&r, 0, "/second"));
    assert_int_equal(r.app_count, 1);
    rig_deinit(&r);
}

/* Given back for one in line who goes before the turn of the loop. */
static void what_was_given_to_nobody_waits_for_the_next(void **state)
{
    struct rig r;

    (void)state;
    two(&r, ONE);
    rig_answer(&r, 0, OK);
    stream_free(r.users[1].stream);
    r.users[1].stream = NULL;
    rig_until(&r, rig_got(&r, 0, "ok") && r.users[1].conn == NULL);
    buf_reset(&r.app_in[0]);
    rig_send(&r, 0, GET("/third"));
    rig_until(&r, rig_app_got(&r, 0, "/third"));
    assert_int_equal(r.app_count, 1);
    rig_deinit(&r);
}

/* Another user has connections of their own. */
static void nobody_waits_for_another_person(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r, ONE);
    rig_send(&r, 0, GET("/first"));
    rig_until(&r, rig_app_got(&r, 0, "/first"));
    rig_send(&r, 1, GET("/second"));
    rig_until(&r, rig_app_got(&r, 1, "/second"));
    rig_deinit(&r);
}

static void a_stream_above_the_persons_number_is_429_until_one_ends(void **state)
{
    struct rig r;

    (void)state;
    rig_init_one_person(&r, "limits: {streams_per_user: 1}\n");
    /* a connection that waits for its next request holds nothing */
    rig_send(&r, 0, GET("/first"));
    rig_until(&r, rig_app_got(&r, 0, "/first"));
    rig_send(&r, 1, GET("/second"));
    rig_until(&r, rig_got(&r, 1, "HTTP/1.1 429 ") && rig_got(&r, 1, "problem:in_flight"));
    assert_int_equal(r.told, 1);
    rig_answer(&r, 0, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    rig_until(&r, rig_got(&r, 0, "\r\n\r\nok"));
    rig_send(&r, 1, GET("/third"));
    rig_until(&r, rig_app_got(&r, 0, "/third"));
    /* and one that is cut gives its place back */
    stream_free(r.users[1].stream);
    r.users[1].stream = NULL;
    rig_until(&r, r.users[1].conn == NULL);
    rig_send(&r, 0, GET("/fourth"));
    rig_until(&r, rig_app_got(&r, 1, "/fourth"));
    rig_deinit(&r);
}

static void a_body_that_rules_wait_for_has_its_time(void **state)
{
    struct rig r;
    int64_t began = clock_boot();

    (void)state;
    rig_init(&r, "limits: {request_time: 1s}\ninput_rules: {mode: block, sqli: free-text}\n");
    rig_send(&r, 0,
             "POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: "
             "100\r\n\r\n{");
    rig_until(&r, rig_got(&r, 0, "HTTP/1.1 408 "));
    check(clock_boot() - began < 2500);
    assert_int_equal(r.app_count, 0);
    rig_deinit(&r);
}

/* ---- places.h by itself ---- */

struct who {
    struct place place;
    unsigned turns;
};

static void on_turn(void *arg)
{
    ((struct who *)arg)->turns++;
}

static void places_change_hands_in_order(void **state)
{
    const struct place_limit of = {.key = {{1}}, .max = 2, .line_max = 2};
    const struct place_limit other = {.key = {{2}}, .max = 2, .line_max = 2};
    struct who w[5] = {0};
    struct places p;
    struct loop *loop;

    (void)state;
    check_ok(loop_new(&loop));
    places_init(&p, loop);
    for (size_t i = 0; i < 2; i++)
        check_ok(place_enter(&p, &of, on_turn, &w[i], &w[i].place));
    for (size_t i = 2; i < 4; i++)
        assert_int_equal(place_enter(&p, &of, on_turn, &w[i], &w[i].place), SP_ERR_AGAIN);
    assert_int_equal(place_enter(&p, &of, on_turn, &w[4], &w[4].place), SP_ERR_FULL);
    check_ok(place_enter(&p, &other, on_turn, &w[4], &w[4].place));
    check(place_first(&w[0].place) == &w[2] && place_first(&w[4].place) == NULL);
    place_leave(&p, &w[2].place); /* out of the line, from its middle */
    place_leave(&p, &w[0].place);
    check(w[3].place.held && w[3].turns == 0); /* told from the loop only */
    loop_turn(loop, false);
    assert_int_equal(w[3].turns, 1);
    assert_int_equal(places_held(&p, of.key), 2);
    for (size_t i = 0; i < 5; i++)
        place_leave(&p, &w[i].place);
    place_leave(&p, &w[0].place);
    assert_int_equal(places_held(&p, of.key), 0);
    assert_int_equal(map_len(&p.lines), 0);
    places_deinit(&p);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_comes_back_serves_the_first_in_line),
        cmocka_unit_test(a_connection_that_ends_leaves_its_place),
        cmocka_unit_test(who_waits_too_long_gets_503),
        cmocka_unit_test(who_leaves_the_line_leaves_no_trace),
        cmocka_unit_test(what_was_given_to_nobody_waits_for_the_next),
        cmocka_unit_test(nobody_waits_for_another_person),
        cmocka_unit_test(a_stream_above_the_persons_number_is_429_until_one_ends),
        cmocka_unit_test(a_body_that_rules_wait_for_has_its_time),
        cmocka_unit_test(places_change_hands_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
