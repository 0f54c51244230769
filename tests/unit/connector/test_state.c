/* state.c: what a connector keeps. */
#include "connector/state.h"

#include "lib/crypto/random.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(HRD_16_state_survives_and_is_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
