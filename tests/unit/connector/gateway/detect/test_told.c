/* What detectors of one key tell each other of what is usual, as messages: what is one, that each
 * counts once, and what is bounded. */
#include "connector/gateway/detect/usual.h"
#include "lib/base/buf.h"
#include "tests/unit/connector/gateway/detect/seen.h"

#include <string.h>

enum { HEAD = 24 };

static void next_message(struct detect *d, sp_unix_ms now, struct buf *out)
{
    bool more;

    buf_init(out, USUAL_BYTES_MAX);
    assert_int_equal(usual_tell(d, now, out, &more), SP_OK);
    usual_told(d);
}

static bool is_silent(struct detect *d)
{
    struct buf m;
    bool more;

    buf_init(&m, USUAL_BYTES_MAX);
    assert_int_equal(usual_tell(d, NOW, &m, &more), SP_OK);
    bool silent = m.len == HEAD && !more;
    buf_deinit(&m);
    return silent;
}

/* One of each kind. */
static void everything(struct detect *d)
{
    const uint64_t groups[] = {1, 2};

    open_windows(d, 1);
    for (uint64_t i = 0; i < 4; i++) {
        struct observation o = get(1, 0, NOW + (sp_unix_ms)i * HOUR);
        o.endpoint = mix(100 + i % 2);
        o.sensitive = i % 2 == 1;
        o.bytes = 1 << 20;
        o.groups = groups;
        o.group_count = 2;
        detect_see(d, &o);
    }
}

/* Messages -------------------------------------------------------------------------------- */

static void same_state(struct detect *d, const struct buf *before)
{
    struct buf now;

    buf_init(&now, 32 << 20);
    assert_int_equal(detect_save(d, &now), SP_OK);
    assert_true(view_equal(buf_view(&now), buf_view(before)));
    buf_deinit(&now);
}

static void keep_state(struct detect *d, struct buf *out)
{
    buf_init(out, 32 << 20);
    assert_int_equal(detect_save(d, out), SP_OK);
}

static void a_message_counts_once_and_never_for_its_teller(void **state)
{
    struct detect *a = new_shared(1), *b = new_shared(2);
    struct buf first, second, before;

    (void)state;
    open_windows(a, 3);
    next_message(a, NOW, &first);
    next_message(a, NOW, &second); /* in the same millisecond */
    assert_int_equal(second.len, HEAD);
    assert_int_equal(usual_hear(b, buf_view(&first), NOW), SP_OK);
    assert_int_equal(usual_hear(b, buf_view(&second), NOW), SP_OK);
    keep_state(b, &before);
    assert_int_equal(usual_hear(b, buf_view(&first), NOW), SP_ERR_REPLAY);
    assert_int_equal(usual_hear(b, buf_view(&second), NOW), SP_ERR_REPLAY);
    same_state(b, &before);
    assert_int_equal(detect_load(b, buf_view(&before)), SP_OK); /* nor after a restart */
    assert_int_equal(usual_hear(b, buf_view(&first), NOW), SP_ERR_REPLAY);
    assert_int_equal(usual_hear(a, buf_view(&first), NOW), SP_ERR_REPLAY);
    assert_true(is_silent(b)); /* what was heard is not told */
    buf_deinit(&first);
    buf_deinit(&second);
    buf_deinit(&before);
    detect_free(a);
    detect_free(b);
}

static void what_is_no_message_changes_nothing(void **state)
{
    struct detect *a = new_shared(1), *b = new_shared(2), *own = new_detect(GW_BLOCK);
    struct buf m, before;
    bool more;

    (void)state;
    everything(a);
    next_message(a, NOW, &m);
    keep_state(b, &before);
    for (size_t n = 0; n < m.len; n++) {
        struct view cut = view_slice(buf_view(&m), 0, n);
        sp_error e = usual_hear(b, cut, NOW);
        if (e == SP_OK) { /* between two entries: a shorter message, and whole */
            detect_free(b);
            b = new_shared(2);
            continue;
        }
        assert_int_equal(e, SP_ERR_MALFORMED);
    }
    same_state(b, &before);
    assert_int_equal(usual_hear(b, buf_view(&m), NOW - (sp_unix_ms)USUAL_AHEAD_MS - 1),
                     SP_ERR_EXPIRED);
    m.at[HEAD] = 0; /* no kind has that number */
    assert_int_equal(usual_hear(b, buf_view(&m), NOW), SP_ERR_MALFORMED);
    same_state(b, &before);
    m.at[HEAD] = 99; /* somebody newer's */
    assert_int_equal(usual_hear(b, buf_view(&m), NOW - (sp_unix_ms)USUAL_AHEAD_MS), SP_OK);
    assert_int_equal(usual_hear(own, buf_view(&m), NOW), SP_ERR_DENIED);
    assert_int_equal(usual_tell(own, NOW, &m, &more), SP_ERR_DENIED);
    buf_deinit(&m);
    buf_deinit(&before);
    detect_free(a);
    detect_free(b);
    detect_free(own);
}

/* A body that its kind can't have: one row a rule of it. */
static void bodies_are_what_their_kind_can_have(void **state)
{
    static const struct {
        uint8_t kind;
        size_t len, at; /* zeros but for what stands from `at` on */
        uint8_t bytes[10];
        sp_error e;
    } rows[] = {
        {1, 2, 0, "", SP_OK},
        {1, 8, 0, "\0\1\1\x3f", SP_OK},            /* the last bucket */
        {1, 8, 0, "\0\1\1\x40", SP_ERR_MALFORMED}, /* one behind it */
        {1, 14, 0, "\0\2\0\5\0\0\0\1\0\5", SP_ERR_MALFORMED},
        {2, 24, 0, "\0\0\0\1\0\x40", SP_OK}, /* 2^64 bytes */
        {2, 24, 0, "\0\0\0\1\0\x40\0\1", SP_ERR_MALFORMED},
        {2, 23, 0, "", SP_ERR_MALFORMED},
        {2, 25, 0, "", SP_ERR_MALFORMED},
        {3, 72, 0, "\xff\xff\xff\xff\xff\xff\xff\xff\xff", SP_OK},
        {3, 71, 0, "", SP_ERR_MALFORMED},
        {4, 197, 4, "\x10", SP_OK}, /* 16 groups */
        {4, 205, 4, "\x11", SP_ERR_MALFORMED},
        {5, 5, 0, "", SP_OK},
        {5, 101, 4, "\x8", SP_OK},
        {5, 113, 4, "\x9", SP_ERR_MALFORMED},
        {5, 517, 0, "\xff\xff\xff\xff", SP_OK}, /* 128 gaps */
    };
    struct detect *d = new_shared(2);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t body[600] = {0};
        struct buf m;
        buf_init(&m, USUAL_BYTES_MAX);
        memcpy(body + rows[i].at, rows[i].bytes, sizeof rows[i].bytes);
        buf_add(&m, (struct view){(const uint8_t *)"somebody else's.", 16});
        buf_add_uint(&m, (uint64_t)NOW + i, 8);
        buf_add_uint(&m, rows[i].kind, 1);
        buf_add_uint(&m, rows[i].len, 2);
        buf_add_uint(&m, 7, 8);
        buf_add(&m, (struct view){body, rows[i].len});
        if (usual_hear(d, buf_view(&m), NOW) != rows[i].e)
            fail_msg("row %zu", i);
        buf_deinit(&m);
    }
    detect_free(d);
}

/* Bounds ---------------------------------------------------------------------------------- */

static void many_things_are_many_messages_and_each_is_told_once(void **state)
{
    struct detect *a = new_shared(1), *b = new_shared(2);

    (void)state;
    for (uint64_t i = 0; i < 900; i++) {
        const uint64_t groups[] = {1, 2, 3, 4};
        struct observation o = get(i, 0, NOW);
        o.endpoint = mix(i);
        o.groups = groups;
        o.group_count = 4;
        detect_see(a, &o);
    }
    size_t n = tell(a, b, NOW);
    assert_true(n > 5 && n < 12);
    assert_true(is_silent(a));
    assert_true(is_silent(b));
    assert_int_equal(tell(a, b, NOW), 1); /* with nothing in it: it is there */
    detect_free(a);
    detect_free(b);
}

static void counts_end_and_do_not_begin_anew(void **state)
{
    static const char entry[] = "\3\0\x48"
                                "ENDPOINT"
                                "\xff\xff\xff\xff\xff\xff\xff\xff";
    struct detect *d = new_shared(2);
    struct buf before;

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        struct buf m;
        uint8_t users[64] = {0};
        buf_init(&m, USUAL_BYTES_MAX);
        buf_add(&m, (struct view){(const uint8_t *)"somebody else's.", 16});
        buf_add_uint(&m, (uint64_t)NOW + i, 8);
        buf_add(&m, (struct view){(const uint8_t *)entry, sizeof entry - 1});
        buf_add(&m, (struct view){users, sizeof users});
        assert_int_equal(usual_hear(d, buf_view(&m), NOW), SP_OK);
        buf_deinit(&m);
    }
    keep_state(d, &before);
    bool full = false;
    for (size_t i = 0; i + 8 < before.len && !full; i++)
        full = memcmp(before.at + i, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) == 0;
    assert_true(full);
    buf_deinit(&before);
    detect_free(d);
}

static void say_nothing_as(struct detect *d, uint64_t who, sp_unix_ms number, sp_error e)
{
    struct buf m;

    buf_init(&m, HEAD);
    buf_add_uint(&m, who, 8);
    buf_add_uint(&m, 0, 8);
    buf_add_uint(&m, (uint64_t)number, 8);
    assert_int_equal(usual_hear(d, buf_view(&m), NOW + (sp_unix_ms)who), e);
    buf_deinit(&m);
}

static void tellers_are_so_many_and_the_forgotten_are_not_heard_again(void **state)
{
    struct detect *d = new_shared(1);

    (void)state;
    for (uint64_t who = 1; who <= USUAL_TELLERS_MAX; who++)
        say_nothing_as(d, who, NOW + (sp_unix_ms)who, SP_OK);
    say_nothing_as(d, 100, NOW + 100, SP_OK);     /* the first of them is forgotten */
    say_nothing_as(d, 1, NOW + 1, SP_ERR_REPLAY); /* what it said is known all the same */
    say_nothing_as(d, 200, NOW + 1, SP_ERR_REPLAY);
    say_nothing_as(d, 1, NOW + 2, SP_OK);
    assert_int_equal(usual_heard(d, NOW + HOUR), USUAL_TELLERS_MAX);
    assert_int_equal(usual_heard(d, NOW + USUAL_HEARD_MS + 3), USUAL_TELLERS_MAX - 2);
    assert_int_equal(usual_heard(d, NOW + USUAL_HEARD_MS + 1000), 0);
    detect_free(d);
}

static void what_is_not_told_yet_and_who_told_outlives_a_restart(void **state)
{
    struct detect *a = new_shared(1), *again = new_shared(1), *own = new_detect(GW_BLOCK);
    struct buf saved, m;

    (void)state;
    assert_true(detect_bytes(a) < 16u << 20);
    say_nothing_as(a, 7, NOW, SP_OK);
    open_windows(a, 40);
    keep_state(a, &saved);
    assert_int_equal(detect_load(again, buf_view(&saved)), SP_OK);
    assert_int_equal(usual_heard(again, NOW), 1);
    next_message(again, NOW, &m);
    assert_true(m.len > HEAD);
    same_state(a, &saved);
    /* Without the key it is what was learned that counts. */
    assert_int_equal(detect_load(own, buf_view(&saved)), SP_OK);
    walk(own);
    assert_int_equal(incidents(own, "enumeration", NULL), 1);
    buf_deinit(&saved);
    buf_deinit(&m);
    detect_free(a);
    detect_free(again);
    detect_free(own);
}

static void a_snapshot_of_before_is_read_with_nothing_to_tell(void **state)
{
    struct detect *own = new_detect(GW_BLOCK), *again = new_detect(GW_BLOCK);
    struct buf saved;

    (void)state;
    open_windows(own, 40);
    buf_init(&saved, 32 << 20);
    assert_int_equal(detect_write(own, &saved), SP_OK);
    memcpy(saved.at, "SPD1", 4);
    assert_int_equal(detect_read(again, buf_view(&saved)), SP_OK);
    walk(again);
    assert_int_equal(incidents(again, "enumeration", NULL), 1);
    memcpy(saved.at, "SPD9", 4);
    assert_int_equal(detect_read(again, buf_view(&saved)), SP_ERR_MALFORMED);
    buf_deinit(&saved);
    detect_free(own);
    detect_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_counts_once_and_never_for_its_teller),
        cmocka_unit_test(what_is_no_message_changes_nothing),
        cmocka_unit_test(bodies_are_what_their_kind_can_have),
        cmocka_unit_test(many_things_are_many_messages_and_each_is_told_once),
        cmocka_unit_test(counts_end_and_do_not_begin_anew),
        cmocka_unit_test(tellers_are_so_many_and_the_forgotten_are_not_heard_again),
        cmocka_unit_test(what_is_not_told_yet_and_who_told_outlives_a_restart),
        cmocka_unit_test(a_snapshot_of_before_is_read_with_nothing_to_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
