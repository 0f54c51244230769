/* status.c: what a program says of itself over a unix socket, and what it lets be ordered. */
#include "lib/edge/status.h"
#include "lib/os/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct house {
    char path[64];
    struct loop *loop;
    struct status *status;
    bool ready;
    char ordered[32];
    /* of the asking thread */
    const char *what;
    sp_error e;
    bool ok;
    struct json *j;
};

static bool facts(void *arg, struct json *out)
{
    json_set_cstr(out, "status", ((struct house *)arg)->ready ? "ready" : "not ready");
    return ((struct house *)arg)->ready;
}

static bool order(void *arg, const char *what, struct json *out)
{
    struct house *h = arg;

    snprintf(h->ordered, sizeof h->ordered, "%s", what);
    json_set_cstr(out, "status", "obeyed");
    return strcmp(what, "drain") == 0;
}

static void *ask(void *arg)
{
    struct house *h = arg;

    h->e = status_ask(h->path, h->what, &h->ok, &h->j);
    loop_stop(h->loop);
    return NULL;
}

/* The answer's status word; "" when there was none. */
static const char *asked(struct house *h, const char *what)
{
    pthread_t thread;

    json_free(h->j);
    h->j = NULL;
    h->what = what;
    assert_int_equal(pthread_create(&thread, NULL, ask, h), 0);
    loop_run(h->loop);
    pthread_join(thread, NULL);
    assert_int_equal(h->e, SP_OK);
    const char *s = json_cstr(json_get(h->j, "status"));
    return s == NULL ? "" : s;
}

static void start(struct house *h, status_order *takes)
{
    const struct status_spec spec = {.facts = facts, .order = takes, .arg = h};
    struct stat st;

    *h = (struct house){0};
    snprintf(h->path, sizeof h->path, "/tmp/sp-status-%d.sock", (int)getpid());
    assert_int_equal(loop_new(&h->loop), SP_OK);
    assert_int_equal(status_new(h->loop, h->path, &spec, &h->status), SP_OK);
    assert_int_equal(stat(h->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void stop(struct house *h)
{
    json_free(h->j);
    status_free(h->status);
    loop_free(h->loop);
    assert_int_equal(access(h->path, F_OK), -1);
}

static void it_is_ready_when_the_facts_are(void **state)
{
    struct house h;
    (void)state;

    start(&h, NULL);
    assert_string_equal(asked(&h, "GET /readyz"), "not ready");
    assert_false(h.ok);
    assert_string_equal(asked(&h, "GET /livez"), "live");
    assert_true(h.ok);
    h.ready = true;
    assert_string_equal(asked(&h, "GET /readyz"), "ready");
    assert_true(h.ok);
    assert_string_equal(asked(&h, "GET /status"), "ready");
    assert_string_equal(asked(&h, "GET /elsewhere"), "");
    assert_false(h.ok);
    stop(&h);
}

static void an_order_needs_POST_and_someone_who_takes_it(void **state)
{
    struct house h;
    (void)state;

    start(&h, order);
    (void)asked(&h, "GET /drain");
    assert_false(h.ok);
    assert_string_equal(h.ordered, "");
    assert_string_equal(asked(&h, "POST /drain"), "obeyed");
    assert_true(h.ok);
    assert_string_equal(h.ordered, "drain");
    (void)asked(&h, "POST /explode");
    assert_false(h.ok);
    stop(&h);
    start(&h, NULL);
    (void)asked(&h, "POST /drain");
    assert_false(h.ok);
    stop(&h);
}

static void nobody_there_is_unreachable(void **state)
{
    struct json *j = NULL;
    bool ok;
    (void)state;

    assert_int_equal(status_ask("/tmp/sp-status-nobody.sock", "GET /status", &ok, &j),
                     SP_ERR_UNREACHABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_ready_when_the_facts_are),
        cmocka_unit_test(an_order_needs_POST_and_someone_who_takes_it),
        cmocka_unit_test(nobody_there_is_unreachable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
