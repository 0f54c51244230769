/* state.c and health.c: what a connector keeps, and what it says of itself over a unix socket. */
#include "connector/health.h"
#include "connector/state.h"

#include "lib/crypto/random.h"
#include "lib/os/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void HRD_16_state_survives_and_is_private(void **state)
{
    char dir[] = "/tmp/sp-state-XXXXXX", path[128];
    struct connector_state s = {0}, again = {0};
    struct sp_why why = {{0}, {0}, 0, 0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(state_load(dir, &again, &why), SP_ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "sallyport-connector enrol"));
    state_end(&again);
    assert_int_equal(state_prepare(dir, &s, &why), SP_OK);
    snprintf(s.host, sizeof s.host, "broker.example");
    s.port = 443;
    s.epoch = 9;
    s.id = random_id();
    s.site = random_id();
    s.identity = *key_secret_public(s.key);
    assert_int_equal(state_save(&s, &why), SP_OK);
    assert_int_equal(state_load(dir, &again, &why), SP_OK);
    assert_true(key_equal(key_secret_public(s.key), key_secret_public(again.key)));
    assert_true(id_equal(s.id, again.id) && again.epoch == 9 && again.port == 443);
    assert_string_equal(again.host, "broker.example");
    state_end(&again);
    assert_int_equal(state_prepare(dir, &again, &why), SP_OK); /* a second enrol keeps the key */
    assert_true(key_equal(key_secret_public(s.key), key_secret_public(again.key)));
    state_end(&again);
    snprintf(path, sizeof path, "%s/key", dir);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(state_load(dir, &again, &why), SP_ERR_PERMISSION);
    state_end(&again);
    state_end(&s);
    unlink(path);
    snprintf(path, sizeof path, "%s/state.json", dir);
    unlink(path);
    rmdir(dir);
}

static bool facts(void *arg, struct json *out)
{
    json_set_cstr(out, "status", *(bool *)arg ? "ready" : "not ready");
    return *(bool *)arg;
}

struct asker {
    const char *path, *what;
    struct loop *loop;
    sp_error e;
    bool ready;
    struct json *j;
};

static void *ask(void *arg)
{
    struct asker *a = arg;

    a->e = health_ask(a->path, a->what, &a->ready, &a->j);
    loop_stop(a->loop);
    return NULL;
}

static void test_health_is_ready_when_the_facts_are(void **state)
{
    char path[64];
    bool ready = false;

    (void)state;
    snprintf(path, sizeof path, "/tmp/sp-health-%d.sock", (int)getpid());
    for (int i = 0; i < 2; i++, ready = true) {
        struct asker a = {.path = path, .what = "/readyz"};
        struct health *h = NULL;
        pthread_t thread;

        assert_int_equal(loop_new(&a.loop), SP_OK);
        assert_int_equal(health_new(a.loop, path, facts, &ready, &h), SP_OK);
        assert_int_equal(pthread_create(&thread, NULL, ask, &a), 0);
        loop_run(a.loop);
        pthread_join(thread, NULL);
        assert_int_equal(a.e, SP_OK);
        assert_int_equal(a.ready, ready);
        assert_string_equal(json_cstr(json_get(a.j, "status")), ready ? "ready" : "not ready");
        json_free(a.j);
        health_free(h);
        loop_free(a.loop);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(HRD_16_state_survives_and_is_private),
        cmocka_unit_test(test_health_is_ready_when_the_facts_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
