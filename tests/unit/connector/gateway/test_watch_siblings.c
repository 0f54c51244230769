/* When the connectors of a site tell each other what is usual in an app, and what becomes of it:
 * two memories of one app, of connectors with the same key, and a third with another. */
#include "connector/gateway/detect/usual.h"
#include "connector/gateway/siblings.h"
#include "connector/gateway/watch.h"
#include "tests/unit/connector/gateway/rig.h"

#include <stdio.h>
#include <unistd.h>

#define NOW ((sp_unix_ms)1764000000000)

enum { SECOND = 1000, MESSAGES = 64 };

/* One connector's part: its memory, and what it told. */
struct part {
    struct watch *w;
    struct secret *site;
    struct json *usual[MESSAGES]; /* owned */
    size_t count;
    bool away; /* the broker is */
};

static bool taken(void *arg, struct sp_id app, const struct json *incident)
{
    (void)arg, (void)app, (void)incident;
    return true;
}

static bool reported(void *arg, struct json *report)
{
    (void)arg;
    json_free(report);
    return true;
}

static bool told(void *arg, enum api_sealed_kind kind, struct json *members)
{
    struct part *p = arg;

    if (kind == API_USUAL && !p->away) {
        assert_true(p->count < MESSAGES);
        p->usual[p->count++] = members;
    } else {
        json_free(members);
    }
    return !p->away;
}

static void begin(struct part *p, const struct rig *r, uint8_t self, const char *key)
{
    int modes[DETECTORS];

    *p = (struct part){0};
    check_ok(secret_new(view_str(key), &p->site));
    const struct watch_options o = {.app = {{9}},
                                    .state = r->dir,
                                    .incident = taken,
                                    .report = reported,
                                    .siblings = told,
                                    .site = p->site,
                                    .self = {{self}},
                                    .arg = p,
                                    .now = NOW};
    check_ok(watch_new(&o, &p->w));
    for (size_t i = 0; i < DETECTORS; i++)
        modes[i] = GW_MONITOR;
    detect_set(watch_detect(p->w), modes, 0);
}

static void end(struct part *p, const struct rig *r)
{
    char path[256];

    watch_free(p->w);
    for (size_t i = 0; i < p->count; i++)
        json_free(p->usual[i]);
    secret_free(p->site);
    snprintf(path, sizeof path, "%s/watch-%s", r->dir, id_text((struct sp_id){{9}}).s);
    unlink(path);
}

static void see(struct part *p, uint64_t user, uint64_t object, sp_unix_ms at)
{
    const struct observation o = {.at = at,
                                  .user = detect_hash(watch_detect(p->w), view_str("u")) + user,
                                  .endpoint = 77,
                                  .object = (object + 1) * 0x9e3779b97f4a7c15u,
                                  .status = 200};

    detect_see(watch_detect(p->w), &o);
}

/* 40 people open an object, and another one when the ten minutes are over. */
static void use(struct part *p)
{
    for (uint64_t u = 0; u < 40; u++)
        for (int i = 0; i < 2; i++)
            see(p, u, u * 2 + (uint64_t)i, NOW + (sp_unix_ms)i * 11 * 60 * SECOND);
}

/* Ticks each second of `ms`. */
static sp_unix_ms run(struct part *p, sp_unix_ms from, int64_t ms)
{
    for (int64_t at = 0; at < ms; at += SECOND)
        watch_tick(p->w, from + at);
    return from + ms;
}

static void hear(struct part *p, const struct part *from, sp_unix_ms now)
{
    for (size_t i = 0; i < from->count; i++) {
        struct sp_why why = {{0}, {0}, 0, 0};
        struct api_sealed m;
        check_ok(fields_read(from->usual[i], api_sealed_types[API_USUAL].fields, &why, &m));
        watch_learn(p->w, API_USUAL, &m, now);
    }
}

static size_t findings(struct part *p, sp_unix_ms at)
{
    struct observation o = {.at = at, .user = 5, .endpoint = 77, .status = 200};
    size_t n = 0;

    for (uint64_t i = 0; i < 60; i++) {
        o.object = (i + 5000) * 0x9e3779b97f4a7c15u;
        n += detect_see(watch_detect(p->w), &o);
    }
    return n;
}

static void what_is_usual_is_told_each_hour_and_known_to_the_others(void **state)
{
    static const char ours[] = "one key of 32 bytes, or so it is",
                      strange[] = "another key of 32 bytes, or more";
    struct part a, b, other;
    struct rig r;

    (void)state;
    rig_init(&r, "");
    begin(&a, &r, 1, ours);
    begin(&b, &r, 2, ours);
    begin(&other, &r, 3, strange);
    use(&a);
    sp_unix_ms now = run(&a, NOW, WATCH_MERGE_MS);
    assert_int_equal(a.count, 1);
    hear(&b, &a, now);
    hear(&other, &a, now);
    assert_int_equal(usual_heard(watch_detect(b.w), now), 1);
    assert_int_equal(usual_heard(watch_detect(other.w), now), 0);
    assert_true(findings(&b, now) > 0);
    assert_int_equal(findings(&other, now), 0);
    hear(&b, &a, now); /* said again, by whomever */
    now = run(&a, now, WATCH_MERGE_MS);
    assert_int_equal(a.count, 2); /* nothing new, and that it is there */
    hear(&b, &a, now);
    assert_int_equal(usual_heard(watch_detect(b.w), now + USUAL_HEARD_MS - 1), 1);
    assert_int_equal(usual_heard(watch_detect(b.w), now + USUAL_HEARD_MS), 0);
    end(&a, &r);
    end(&b, &r);
    end(&other, &r);
    rig_deinit(&r);
}

/* After the one that is due at `from`. */
static sp_unix_ms next_telling(struct part *p, sp_unix_ms from)
{
    sp_unix_ms at = run(p, from, SECOND);

    for (size_t before = p->count; p->count == before;)
        at = run(p, at, SECOND);
    return at;
}

/* Each has its moment, one message a second, and the broker's absence loses nothing. */
static void a_telling_is_spread_and_waits_for_the_broker(void **state)
{
    struct part a, b;
    struct rig r;

    (void)state;
    rig_init(&r, "");
    begin(&a, &r, 1, "one key of 32 bytes, or so it is");
    begin(&b, &r, 2, "one key of 32 bytes, or so it is");
    for (uint64_t i = 0; i < 600; i++) {
        uint64_t endpoint = (i + 1) * 0x9e3779b97f4a7c15u;
        const struct observation o = {
            .at = NOW, .user = i, .endpoint = endpoint, .object = endpoint, .status = 200};
        detect_see(watch_detect(a.w), &o);
    }
    sp_unix_ms at_a = NOW;
    a.away = true;
    run(&a, NOW, WATCH_MERGE_MS);
    assert_int_equal(a.count, 0);
    a.away = false;
    while (a.count == 0)
        at_a = run(&a, at_a + WATCH_MERGE_MS, SECOND);
    for (size_t n = 1; n == a.count; n++) /* one a second, until all is told */
        at_a = run(&a, at_a, SECOND);
    size_t all = a.count;
    assert_in_range(all, 5, 10);
    run(&a, at_a, 60 * (int64_t)SECOND);
    assert_int_equal(a.count, all);
    assert_int_not_equal(next_telling(&a, NOW + 10 * (sp_unix_ms)WATCH_MERGE_MS),
                         next_telling(&b, NOW + 10 * (sp_unix_ms)WATCH_MERGE_MS));
    end(&a, &r);
    end(&b, &r);
    rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_usual_is_told_each_hour_and_known_to_the_others),
        cmocka_unit_test(a_telling_is_spread_and_waits_for_the_broker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
