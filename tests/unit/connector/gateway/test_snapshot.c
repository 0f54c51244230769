/* What was learned of an app comes back from the disk by a worker. */
#include "connector/gateway/watch.h"
#include "lib/proto/gateway.h"
#include "tests/unit/connector/gateway/rig.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW ((sp_unix_ms)1764000000000)

static bool untaken(void *arg, struct sp_id app, const struct json *incident)
{
    (void)arg, (void)app, (void)incident;
    return false;
}

static bool unsent(void *arg, struct json *report)
{
    (void)arg;
    json_free(report);
    return false;
}

static struct watch_options options(const struct rig *r)
{
    return (struct watch_options){.app = {{9}},
                                  .state = r->dir,
                                  .pool = r->pool,
                                  .incident = untaken,
                                  .report = unsent,
                                  .now = NOW};
}

static void path_of(const struct rig *r, char out[256])
{
    snprintf(out, 256, "%s/watch-%s", r->dir, id_text((struct sp_id){{9}}).s);
}

static struct watch *begin(const struct rig *r)
{
    const struct watch_options o = options(r);
    struct watch *w = NULL;

    check_ok(watch_new(&o, &w));
    return w;
}

static void learn(struct watch *w)
{
    struct view segments[] = {view_str("v1"), view_str("accounts")};
    struct inventory_call call = {.at = NOW,
                                  .method = GW_GET,
                                  .segment_count = 2,
                                  .segments = segments,
                                  .status = 200,
                                  .user = 7};

    check(inventory_see(watch_inventory(w), &call) != NULL);
}

static uint64_t under_its_key(struct watch *w)
{
    return detect_hash(watch_detect(w), view_str("somebody"));
}

static void on_ready(void *arg)
{
    ++*(int *)arg;
}

static void what_was_learned_is_there_once_a_worker_has_read_it(void **state)
{
    struct rig r;
    int ready = 0;

    (void)state;
    rig_init(&r, "");
    struct watch *w = begin(&r);
    check(watch_is_ready(w)); /* there is no file */
    learn(w);
    size_t endpoints = inventory_figures(watch_inventory(w)).endpoints;
    uint64_t hash = under_its_key(w);
    watch_free(w); /* writes it */

    w = begin(&r);
    check(!watch_is_ready(w));
    watch_await(w, on_ready, &ready);
    watch_tick(w, NOW + (sp_unix_ms)10 * 60 * 1000); /* says and writes nothing yet */
    rig_until(&r, ready == 1);
    check(watch_is_ready(w));
    assert_int_equal(inventory_figures(watch_inventory(w)).endpoints, endpoints);
    check(under_its_key(w) == hash);
    watch_free(w);

    w = begin(&r); /* ends while a worker is at it: what lies there stays */
    watch_await(w, on_ready, &ready);
    watch_free(w);
    for (int i = 0; i < 50; i++)
        rig_turn(&r);
    assert_int_equal(ready, 1);
    w = begin(&r);
    rig_until(&r, watch_is_ready(w));
    check(under_its_key(w) == hash);
    watch_free(w);

    char path[256];
    path_of(&r, path);
    unlink(path);
    rig_deinit(&r);
}

static void GW_64_half_a_snapshot_starts_clean(void **state)
{
    struct stat st;
    char path[256];
    struct rig r;

    (void)state;
    rig_init(&r, "");
    struct watch *w = begin(&r);
    learn(w);
    uint64_t hash = under_its_key(w);
    watch_free(w);
    path_of(&r, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
    w = begin(&r);
    rig_until(&r, watch_is_ready(w));
    check(under_its_key(w) != hash);
    learn(w); /* as any new one */
    watch_free(w);
    unlink(path);
    rig_deinit(&r);
}

/* The broker's list comes while the worker reads: it holds, and not the one of the file. */
static void what_is_expected_meanwhile_holds_afterwards(void **state)
{
    static const struct api_expect one = {
        .app = {{9}},
        .items = {{.detector = {(const uint8_t *)"scanner", 7},
                   .user = {(const uint8_t *)"u-1", 3},
                   .until = NOW + (sp_unix_ms)24 * 60 * 60 * 1000}},
        .count = 1};
    int modes[DETECTORS] = {[DETECTOR_SCANNER] = GW_BLOCK};
    struct rig r;

    (void)state;
    rig_init(&r, "");
    struct watch *w = begin(&r);
    watch_free(w);
    w = begin(&r);
    watch_expect(w, &one, NOW);
    rig_until(&r, watch_is_ready(w));
    detect_set(watch_detect(w), modes, 0);
    struct observation o = {.at = NOW,
                            .user = detect_hash(watch_detect(w), view_str("u-1")),
                            .user_text = view_str("u-1"),
                            .method = GW_GET,
                            .status = 404};
    for (uint64_t i = 0; i < 100; i++) {
        o.path = i * 0x9e3779b97f4a7c15u;
        (void)detect_see(watch_detect(w), &o);
    }
    check(!detect_blocks(watch_detect(w))); /* it would be 403 for ten minutes */
    o.user = detect_hash(watch_detect(w), view_str("u-2"));
    o.user_text = view_str("u-2");
    for (uint64_t i = 0; i < 100; i++) {
        o.path = i * 0x9e3779b97f4a7c15u;
        (void)detect_see(watch_detect(w), &o);
    }
    check(detect_blocks(watch_detect(w)));
    watch_free(w);

    char path[256];
    path_of(&r, path);
    unlink(path);
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_learned_is_there_once_a_worker_has_read_it),
        cmocka_unit_test(GW_64_half_a_snapshot_starts_clean),
        cmocka_unit_test(what_is_expected_meanwhile_holds_afterwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
