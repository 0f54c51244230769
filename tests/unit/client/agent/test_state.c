#include "client/agent/state.h"

#include "client/agent/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/sp-state.XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int drop_dir(void **state)
{
    static const char *const names[] = {"agent.json", "device.key", "ca.pem", "lock"};
    char path[128];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

static struct enrol_address address(const char *text)
{
    struct enrol_address a;

    assert_int_equal(enrol_address_parse(view_str(text), NULL, &a), SP_OK);
    return a;
}

static void what_is_kept_comes_back_and_keys_are_private(void **state)
{
    struct enrol_address a = address("https://access.example.org:8443");
    struct key_public device, tunnel;
    struct state *s = NULL;
    char path[128];
    struct stat st;
    uint16_t low;
    bool fresh;

    (void)state;
    assert_int_equal(state_open(dir, NULL, &s), SP_OK);
    assert_string_equal(s->broker, "");
    assert_int_equal(state_set_broker(s, &a, view_str("PEM"), true, NULL), SP_OK);
    device = *key_secret_public(s->device);
    tunnel = *key_secret_public(s->tunnel);
    s->pin = device;
    s->epoch = 7;
    s->device_id = (struct sp_id){{9}};
    assert_int_equal(address_take(&s->addresses, 1, (struct sp_id){{3}}, &low, &fresh), SP_OK);
    assert_int_equal(state_save(s, NULL), SP_OK);
    state_free(s);

    snprintf(path, sizeof path, "%s/device.key", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(state_open(dir, NULL, &s), SP_OK);
    assert_true(key_equal(key_secret_public(s->device), &device));
    assert_false(key_equal(key_secret_public(s->tunnel), &tunnel)); /* fresh at each start */
    assert_true(key_equal(&s->pin, &device));
    assert_string_equal(s->host, "access.example.org");
    assert_int_equal(s->port, 8443);
    assert_int_equal(s->epoch, 7);
    assert_true(s->l7);
    assert_true(s->ca[0] != '\0');
    assert_int_equal(s->device_id.bytes[0], 9);
    assert_int_equal(s->addresses.count, 1);
    assert_int_equal(s->addresses.entries[0].low, low);
    state_free(s);
}

static void another_broker_starts_without_the_old_ones_trust(void **state)
{
    struct enrol_address a = address("https://a.example.org");
    struct enrol_address b = address("https://b.example.org");
    struct state *s = NULL;

    (void)state;
    assert_int_equal(state_open(dir, NULL, &s), SP_OK);
    assert_int_equal(state_set_broker(s, &a, view_str("PEM"), true, NULL), SP_OK);
    s->pin = *key_secret_public(s->device);
    s->device_id = (struct sp_id){{9}};
    s->epoch = 7;
    assert_int_equal(state_set_broker(s, &a, (struct view){0}, false, NULL), SP_OK);
    assert_int_equal(s->pin.kind, KEY_ED25519); /* the same broker keeps its pin */
    assert_true(s->ca[0] != '\0');
    assert_int_equal(state_set_broker(s, &b, (struct view){0}, false, NULL), SP_OK);
    assert_int_equal(s->pin.kind, KEY_NONE);
    assert_int_equal(s->epoch, 0);
    assert_true(id_is_zero(s->device_id));
    assert_string_equal(s->ca, "");
    assert_false(s->l7);
    state_free(s);
}

static void one_agent_a_folder_and_damage_is_told(void **state)
{
    struct state *s = NULL, *second = NULL;
    struct sp_why why = {0};
    char path[128];
    FILE *f;

    (void)state;
    assert_int_equal(state_open(dir, NULL, &s), SP_OK);
    assert_int_equal(state_open(dir, &why, &second), SP_ERR_BUSY);
    state_free(s);

    snprintf(path, sizeof path, "%s/device.key", dir);
    f = fopen(path, "w");
    fputs("nonsense\n", f);
    fclose(f);
    assert_int_equal(state_open(dir, &why, &second), SP_ERR_CORRUPT);
    assert_non_null(strstr(why.text, "device.key"));
    unlink(path);

    snprintf(path, sizeof path, "%s/agent.json", dir);
    f = fopen(path, "w");
    fputs("{\"broker\":\"https://a.example.org\",\"pin\":\"ed25519:broken\"}", f);
    fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(state_open(dir, &why, &second), SP_ERR_CORRUPT); /* never "no pin" */
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(state_open(dir, &why, &second), SP_ERR_PERMISSION);
}

static void warnings_are_judged_by_one_table(void **state)
{
    static const struct {
        struct health_facts f;
        const char *codes;
    } rows[] = {
        {{.device = "", .lost = ""}, "no_broker "},
        {{.broker = true,
          .connected = true,
          .device = "approved",
          .signed_in = true,
          .login_left_ms = 8 * 3600 * 1000,
          .groups_known = true,
          .first_fail = "",
          .first_unknown = "",
          .report_age_ms = 1000},
         ""},
        {{.broker = true, .disconnected_ms = 60000, .lost = "refused", .device = ""}, "offline "},
        {{.broker = true, .disconnected_ms = 1000, .lost = "refused", .device = ""}, ""},
        {{.broker = true, .integrity = true, .disconnected_ms = 60000, .lost = "", .device = ""},
         "integrity "},
        {{.broker = true,
          .connected = true,
          .device = "blocked",
          .signed_in = true,
          .login_left_ms = 60000,
          .groups_known = false,
          .posture_fail = 1,
          .first_fail = "disk_encryption",
          .first_unknown = "",
          .report_age_ms = -1,
          .refused_users = 2},
         "blocked groups posture_fail posture_stale strangers login_ends "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct health_warning w[HEALTH_WARNINGS_MAX];
        size_t n = health_judge(&rows[i].f, w);
        char codes[256] = "";
        for (size_t k = 0; k < n; k++) {
            strncat(codes, w[k].code, sizeof codes - strlen(codes) - 2);
            strncat(codes, " ", 2);
            assert_true(w[k].text[0] != '\0');
            assert_true(k == 0 || w[k - 1].severity >= w[k].severity);
        }
        assert_int_equal(strlen(codes), strlen(rows[i].codes));
        for (size_t k = 0; k < n; k++)
            assert_non_null(strstr(rows[i].codes, w[k].code));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_kept_comes_back_and_keys_are_private, make_dir,
                                        drop_dir),
        cmocka_unit_test_setup_teardown(another_broker_starts_without_the_old_ones_trust, make_dir,
                                        drop_dir),
        cmocka_unit_test_setup_teardown(one_agent_a_folder_and_damage_is_told, make_dir, drop_dir),
        cmocka_unit_test(warnings_are_judged_by_one_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
