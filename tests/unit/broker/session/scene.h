#ifndef SP_TESTS_SESSION_SCENE_H
#define SP_TESTS_SESSION_SCENE_H

/*
 * scene: one running session on the broker's real services and a real store; its two edges are
 * counters of the orders that they got. For test_cut.c and test_revise.c.
 */
#include "broker/session/cut.h"

#include "broker/session/sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct sp_id relay_id = {{1}}, connector_id = {{2}}, device_id = {{3}};
static const struct sp_id user_id = {{4}}, app_id = {{5}}, session_id = {{6}};

struct edge {
    atomic_size_t orders; /* counted by whoever cuts, when the rest stands */
    struct sp_id session;
    enum cut_why why;
    char text[64];
};

static void on_cut(void *arg, const struct cut_order *order)
{
    struct edge *e = arg;

    e->session = order->session;
    e->why = order->why;
    snprintf(e->text, sizeof e->text, "%s", order->text != NULL ? order->text : "");
    e->orders++;
}

static void on_close(void *arg, int code, const char *reason)
{
    (void)arg, (void)code, (void)reason;
}

static const struct edge_ops ops = {.cut = on_cut, .close = on_close};

struct fixture {
    struct temp t;
    struct registry *registry;
    struct rules *rules;
    struct judge *judge;
    struct edges *edges;
    struct live *live;
    struct sessions *sessions;
    struct edge relay, connector;
    uint64_t handles[2];
};

static void attach(struct fixture *f, enum edge_kind kind, struct sp_id id, struct edge *edge,
                   uint64_t *handle)
{
    struct edge_info info = {.kind = kind, .id = id, .since = clock_unix()};

    assert_int_equal(edges_attach(f->edges, &info, &ops, edge, handle), SP_OK);
}

/* Hears of each session before the room does; NULL: nobody. */
static live_listener *heard_first;

static void begin(struct fixture *f, bool with_connector)
{
    struct session s = {.id = session_id,
                        .user = user_id,
                        .device = device_id,
                        .app = app_id,
                        .relay = relay_id,
                        .connector = connector_id,
                        .state = SESSION_RUNNING,
                        .opened = clock_unix(),
                        .deadline = clock_unix() + 3600000,
                        .user_name = "anna",
                        .app_name = "wiki"};

    memset(f, 0, sizeof *f);
    temp_new(&f->t);
    assert_int_equal(registry_new(f->t.st, &f->registry), SP_OK);
    assert_int_equal(rules_new(f->registry, &f->rules), SP_OK);
    assert_int_equal(judge_new(f->t.st, &f->judge), SP_OK);
    assert_int_equal(edges_new(&f->edges), SP_OK);
    assert_int_equal(live_new(&f->live), SP_OK);
    if (heard_first != NULL)
        assert_int_equal(live_listen(f->live, heard_first, f->live), SP_OK);
    struct sessions_config config = {.registry = f->registry,
                                     .rules = f->rules,
                                     .judge = f->judge,
                                     .edges = f->edges,
                                     .live = f->live};
    assert_int_equal(sessions_new(&config, &f->sessions), SP_OK);
    attach(f, EDGE_RELAY, relay_id, &f->relay, &f->handles[0]);
    if (with_connector)
        attach(f, EDGE_CONNECTOR, connector_id, &f->connector, &f->handles[1]);
    assert_int_equal(live_add(f->live, &s), SP_OK);
}

static void end(struct fixture *f)
{
    sessions_free(f->sessions);
    live_free(f->live);
    edges_free(f->edges);
    judge_free(f->judge);
    rules_free(f->rules);
    registry_free(f->registry);
    temp_free(&f->t);
}

struct found {
    const char *action;
    size_t count;
};

static bool count_action(void *arg, const struct audit_row *row)
{
    struct found *f = arg;
    struct json *j = NULL;

    assert_int_equal(json_parse(row->text, AUDIT_RECORD_MAX, NULL, &j), SP_OK);
    f->count += strcmp(json_cstr(json_get(j, "action")), f->action) == 0;
    json_free(j);
    return true;
}

static size_t records(struct fixture *f, const char *action)
{
    struct found found = {action, 0};

    assert_int_equal(f->t.s->audit->walk(f->t.st, 1, 1, 1000, count_action, &found), SP_OK);
    return found.count;
}

static void wait_for_record(struct fixture *f, const char *action)
{
    for (int i = 0; i < 500 && records(f, action) == 0; i++)
        usleep(10000);
    assert_int_equal(records(f, action), 1);
}

#endif
