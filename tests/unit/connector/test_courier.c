/* courier.c: from memory to the spool, from there to a broker that is there, gone, or lies. */
#include "connector/courier.h"
#include "connector/spool.h"

#include "lib/channel/call.h"
#include "lib/os/file.h"
#include "lib/proto/session.h"
#include "tests/unit/connector/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SMALL = SPOOL_BYTES_MIN };

struct house {
    struct scene scene;
    char folder[64];
    struct courier *courier;
    struct channel *channel; /* owned; NULL: none */
    /* The broker. */
    int64_t asked, said; /* number of the call that waits for an answer; ours */
    struct sp_id spool;
    int64_t told;
    unsigned batches, questions;
    bool mute;
    int64_t lie;    /* what it says in place of told; 0: the truth */
    struct buf has; /* "TEXT " of each new record */
};

static void no_message(void *arg, struct channel *c, const struct envelope *m)
{
    (void)arg;
    (void)c;
    (void)m;
}

static void hang_up(void *arg, enum channel_close code, const char *reason)
{
    (void)arg;
    (void)code;
    (void)reason;
}

/* What the broker of one box does: a numbering that is not the last one begins anew. */
static sp_error hear(void *arg, struct view text)
{
    struct audit_batch *b = calloc(1, sizeof *b);
    struct house *h = arg;
    struct envelope m;

    assert_non_null(b);
    check_ok(envelope_parse(text, &m));
    assert_string_equal(m.type, "audit.batch");
    check_ok(fields_read(m.members, audit_batch_fields, NULL, b));
    h->batches++;
    h->questions += b->record_count == 0;
    if (!id_equal(h->spool, b->spool))
        h->told = 0;
    h->spool = b->record_count > 0 ? b->spool : h->spool;
    for (size_t i = 0; i < b->record_count; i++) {
        int64_t number = b->first + (int64_t)i;
        if (number <= h->told)
            continue;
        h->told = number;
        buf_addf(&h->has, "%.*s ", VIEW_ARG(b->records[i].text));
    }
    h->asked = m.i;
    envelope_deinit(&m);
    free(b);
    return SP_OK;
}

static void answer(struct house *h)
{
    char text[96];

    if (h->asked == 0 || h->mute || h->channel == NULL)
        return;
    snprintf(text, sizeof text, "{\"re\":%lld,\"i\":%lld,\"told\":%lld}", (long long)h->asked,
             (long long)(2 + h->said++), (long long)(h->lie > 0 ? h->lie : h->told));
    h->asked = 0;
    check_ok(channel_receive(h->channel, view_str(text)));
}

static void open_channel(struct house *h)
{
    const struct channel_options o = {.loop = h->scene.loop,
                                      .wire = {hear, hang_up, h},
                                      .sent = 1,
                                      .received = 1,
                                      .message = no_message,
                                      .arg = h};

    h->asked = h->said = 0;
    check_ok(channel_new(&o, &h->channel));
    courier_channel(h->courier, h->channel);
}

static void lose_channel(struct house *h)
{
    struct channel *c = h->channel;

    h->channel = NULL;
    courier_channel(h->courier, NULL);
    channel_free(c);
}

static void start(struct house *h)
{
    const struct courier_options o = {
        .loop = h->scene.loop, .pool = h->scene.pool, .folder = h->folder, .max = SMALL};
    struct sp_why why = {{0}, {0}, 0, 0};

    if (courier_new(&o, &why, &h->courier) != SP_OK)
        fail_msg("%s", why.text);
}

static void begin(struct house *h)
{
    *h = (struct house){.folder = "/tmp/sp-courier-XXXXXX"};
    assert_non_null(mkdtemp(h->folder));
    scene_init(&h->scene, "allow 127.0.0.1:*\n");
    buf_init(&h->has, 16 * 1024 * 1024);
    start(h);
}

static void end(struct house *h)
{
    if (h->channel != NULL)
        lose_channel(h);
    courier_free(h->courier);
    scene_for(&h->scene, 50); /* a worker may still be at it */
    scene_deinit(&h->scene);
    buf_deinit(&h->has);
    scene_clear(h->folder);
}

/* The end of the program and its next start. */
static void start_again(struct house *h)
{
    if (h->channel != NULL)
        lose_channel(h);
    courier_free(h->courier);
    scene_for(&h->scene, 50);
    start(h);
}

static sp_error put(struct house *h, int n, size_t more)
{
    struct buf text;

    buf_init(&text, 64 * 1024);
    buf_addf(&text, "{\"action\":\"refuse\",\"why\":\"floor\",\"text\":\"%d\",\"detail\":{\"x\":\"",
             n);
    for (size_t i = 0; i < more; i++)
        buf_add_byte(&text, 'x');
    buf_add_str(&text, "\"}}");
    sp_error e = courier_put(h->courier, buf_view(&text));
    buf_deinit(&text);
    return e;
}

static void put_all(struct house *h, int from, int to)
{
    for (int n = from; n <= to; n++)
        check_ok(put(h, n, 100));
}

static struct courier_facts look(const struct house *h)
{
    struct courier_facts f;

    courier_look(h->courier, &f);
    return f;
}

/* The broker has them all, in order, each once. */
static bool has(struct house *h, int from, int to)
{
    struct buf want;

    answer(h);
    buf_init(&want, 16 * 1024 * 1024);
    for (int n = from; n <= to; n++)
        buf_addf(&want, "%d ", n);
    bool is = view_equal(buf_view(&want), buf_view(&h->has));
    buf_deinit(&want);
    return is;
}

static bool settled(struct house *h)
{
    answer(h);
    return look(h).waiting == 0;
}

static void records_reach_the_broker_in_order_and_leave_the_disk(void **state)
{
    struct house h;
    (void)state;

    begin(&h);
    open_channel(&h);
    put_all(&h, 1, 500);
    scene_until(&h.scene, has(&h, 1, 500));
    scene_until(&h.scene, settled(&h));
    assert_int_equal(h.questions, 0);
    check(h.batches >= 500 / AUDIT_BATCH_MAX && look(&h).oldest == 0);
    check(look(&h).bytes < 70 * 1024 && !look(&h).tight);
    end(&h);
}

static void records_of_an_earlier_start_come_first(void **state)
{
    struct house h;
    (void)state;

    begin(&h);
    put_all(&h, 1, 100);
    start_again(&h);
    assert_int_equal(look(&h).waiting, 100);
    check(look(&h).oldest > 0);
    put_all(&h, 101, 150);
    open_channel(&h);
    scene_until(&h.scene, has(&h, 1, 150));
    scene_until(&h.scene, settled(&h));
    assert_int_equal(h.questions, 1); /* how far it is with the earlier ones */
    end(&h);
}

/* The answer is lost, and then the connector starts anew: the broker has some of it already. */
static void what_the_broker_has_is_not_told_again(void **state)
{
    struct house h;
    (void)state;

    begin(&h);
    open_channel(&h);
    h.mute = true;
    put_all(&h, 1, 10);
    scene_until(&h.scene, h.told > 0);
    start_again(&h);
    h.mute = false;
    put_all(&h, 11, 12);
    open_channel(&h);
    scene_until(&h.scene, has(&h, 1, 12));
    scene_until(&h.scene, settled(&h));
    end(&h);
}

static void a_lost_channel_costs_nothing(void **state)
{
    struct house h;
    (void)state;

    begin(&h);
    open_channel(&h);
    for (int n = 0; n < 20; n++) {
        h.mute = n % 3 == 0;
        put_all(&h, 1 + 10 * n, 10 + 10 * n);
        scene_for(&h.scene, 5);
        if (n % 4 != 1)
            answer(&h);
        lose_channel(&h);
        open_channel(&h);
    }
    h.mute = false;
    scene_until(&h.scene, has(&h, 1, 200));
    scene_until(&h.scene, settled(&h));
    end(&h);
}

/* 45 of 100, and new sessions wait; when it is full, the rest is counted. */
static void a_spool_that_fills_is_tight_and_then_counts(void **state)
{
    struct house h;
    int n = 0, kept;
    (void)state;

    begin(&h);
    while (!look(&h).tight) {
        check_ok(put(&h, ++n, 8000));
        scene_for(&h.scene, 2);
    }
    check(look(&h).bytes >= SMALL / 100 * 40 && look(&h).bytes < SMALL / 100 * 55);
    assert_int_equal(look(&h).disk, SP_OK);
    while (put(&h, n + 1, 8000) == SP_OK) {
        n++;
        scene_for(&h.scene, 1);
    }
    kept = n;
    check(look(&h).bytes <= SMALL && look(&h).disk == SP_ERR_LIMIT);
    assert_int_equal(look(&h).dropped, 1);
    open_channel(&h);
    scene_until(&h.scene, has(&h, 1, kept));
    scene_until(&h.scene, settled(&h));
    scene_until(&h.scene, !look(&h).tight);
    assert_int_equal(look(&h).disk, SP_OK);
    end(&h);
}

/* The folder is gone, and a file is in its place: what can't be written is sent all the same. */
static void a_disk_that_takes_nothing_is_passed_by(void **state)
{
    struct house h;
    FILE *f;
    (void)state;

    begin(&h);
    rmdir(h.folder);
    f = fopen(h.folder, "w");
    assert_non_null(f);
    fclose(f);
    put_all(&h, 1, 40);
    scene_until(&h.scene, look(&h).disk != SP_OK);
    check(look(&h).tight);
    assert_int_equal(look(&h).waiting, 40);
    open_channel(&h);
    scene_until(&h.scene, has(&h, 1, 40));
    unlink(h.folder); /* somebody mends it */
    put_all(&h, 41, 60);
    scene_until(&h.scene, has(&h, 1, 60));
    scene_until(&h.scene, settled(&h) && !look(&h).tight);
    end(&h);
}

static void a_broker_that_claims_more_than_it_was_told_hides_nothing(void **state)
{
    struct house h;
    (void)state;

    begin(&h);
    open_channel(&h);
    h.lie = 1000000;
    put_all(&h, 1, 5);
    scene_until(&h.scene, settled(&h));
    h.lie = 0;
    put_all(&h, 6, 9);
    scene_until(&h.scene, has(&h, 1, 9));
    end(&h);
}

static void a_record_that_is_too_long_is_refused(void **state)
{
    struct house h;
    (void)state;

    begin(&h);
    assert_int_equal(put(&h, 1, SEGMENT_TEXT_MAX), SP_ERR_LIMIT);
    check_ok(put(&h, 1, SEGMENT_TEXT_MAX - 200));
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_reach_the_broker_in_order_and_leave_the_disk),
        cmocka_unit_test(records_of_an_earlier_start_come_first),
        cmocka_unit_test(what_the_broker_has_is_not_told_again),
        cmocka_unit_test(a_lost_channel_costs_nothing),
        cmocka_unit_test(a_spool_that_fills_is_tight_and_then_counts),
        cmocka_unit_test(a_disk_that_takes_nothing_is_passed_by),
        cmocka_unit_test(a_broker_that_claims_more_than_it_was_told_hides_nothing),
        cmocka_unit_test(a_record_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
