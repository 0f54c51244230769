#include "connector/spool.h"
#include "tests/unit/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX = 1024 * 1024 };

struct house {
    char folder[64];
    struct spool *spool;
    struct spool_batch batch;
};

static void start(struct house *h)
{
    struct sp_why why = {{0}, {0}, 0, 0};

    if (spool_open(h->folder, MAX, &why, &h->spool) != SP_OK)
        fail_msg("%s", why.text);
}

static void begin(struct house *h)
{
    *h = (struct house){.folder = "/tmp/sp-spool-XXXXXX"};
    assert_non_null(mkdtemp(h->folder));
    spool_batch_init(&h->batch);
    start(h);
}

static void each_file(const struct house *h, void (*fn)(const char *path))
{
    DIR *d = opendir(h->folder);
    struct dirent *entry;

    assert_non_null(d);
    while ((entry = readdir(d)) != NULL) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", h->folder, entry->d_name);
        if (entry->d_name[0] != '.')
            fn(path);
    }
    closedir(d);
}

static void remove_file(const char *path)
{
    unlink(path);
}

static unsigned file_count;
static void count_file(const char *path)
{
    (void)path;
    file_count++;
}

static unsigned files(const struct house *h)
{
    file_count = 0;
    each_file(h, count_file);
    return file_count;
}

static void end(struct house *h)
{
    spool_free(h->spool);
    spool_batch_deinit(&h->batch);
    each_file(h, remove_file);
    rmdir(h->folder);
}

/* As after a kill: what was appended is durable, and the end removes only what is told. */
static void kill_and_start(struct house *h)
{
    spool_free(h->spool);
    start(h);
}

static sp_error append(struct house *h, int64_t first, size_t count, size_t len)
{
    struct view texts[SPOOL_BATCH_MAX];
    uint8_t *bytes = malloc(len);

    assert_non_null(bytes);
    memset(bytes, 'x', len);
    for (size_t i = 0; i < count; i++)
        texts[i] = (struct view){bytes, len};
    sp_error e = spool_append(h->spool, first, 1000, texts, count);
    free(bytes);
    return e;
}

/* The next batch holds `count` records from `first`; it is told then. */
static void check_batch(struct house *h, int64_t first, size_t count)
{
    check_ok(spool_read(h->spool, &h->batch));
    assert_int_equal(h->batch.count, count);
    if (count == 0)
        return;
    assert_int_equal(h->batch.first, first);
    spool_told(h->spool, h->batch.spool, first + (int64_t)count - 1);
}

/* All that waits is read and told, batch by batch: the numbers `from` to `to`, each once. */
static void check_all(struct house *h, int64_t from, int64_t to)
{
    for (;;) {
        check_ok(spool_read(h->spool, &h->batch));
        if (h->batch.count == 0)
            break;
        assert_int_equal(h->batch.first, from);
        from += (int64_t)h->batch.count;
        spool_told(h->spool, h->batch.spool, from - 1);
    }
    assert_int_equal(from, to + 1);
}

static int64_t waiting(const struct house *h)
{
    struct spool_facts f;

    spool_look(h->spool, &f);
    return f.records;
}

static void what_is_appended_is_read_in_order_and_once(void **state)
{
    struct house h;
    (void)state;

    begin(&h);
    check_batch(&h, 0, 0);
    check_ok(append(&h, 1, 3, 100));
    assert_int_equal(waiting(&h), 3);
    check_batch(&h, 1, 3);
    assert_int_equal(waiting(&h), 0);
    check_batch(&h, 0, 0);
    check_ok(append(&h, 4, 30, 100));
    check_ok(append(&h, 34, 30, 100));
    check_batch(&h, 4, SPOOL_BATCH_MAX);
    check_batch(&h, 36, 28);
    check_ok(append(&h, 64, 5, 12 * 1024)); /* bytes bound a batch too */
    check_batch(&h, 64, 4);
    check_batch(&h, 68, 1);
    check_ok(append(&h, 80, 2, 10)); /* some in between went another way */
    check_batch(&h, 80, 2);
    end(&h);
}

static void files_are_private_and_go_when_they_are_told(void **state)
{
    struct house h;
    struct stat st;
    char path[128];
    (void)state;

    begin(&h);
    assert_int_equal(files(&h), 0); /* a start writes nothing */
    check_ok(append(&h, 1, 1, 100));
    snprintf(path, sizeof path, "%s/0000000000000001.log", h.folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    for (int i = 0; i < 50; i++)
        check_ok(append(&h, 2 + 20 * i, 20, 400));
    check(files(&h) > 4);
    check_all(&h, 1, 1001);
    check(files(&h) <= 1);
    spool_free(h.spool);
    assert_int_equal(files(&h), 0); /* all is told: the next start asks nothing */
    start(&h);
    check_batch(&h, 0, 0);
    end(&h);
}

/* Records of the start before are told under its numbering, and before those of this one. */
static void a_kill_loses_nothing_and_numbers_nothing_twice(void **state)
{
    struct house h;
    (void)state;

    begin(&h);
    check_ok(append(&h, 1, 5, 100));
    struct sp_id first = spool_id(h.spool);
    kill_and_start(&h);
    check(!id_equal(first, spool_id(h.spool)));
    check_ok(append(&h, 1, 2, 100));
    assert_int_equal(waiting(&h), 7);
    check_ok(spool_read(h.spool, &h.batch));
    check(id_equal(h.batch.spool, first) && h.batch.first == 1 && h.batch.count == 5);
    spool_told(h.spool, first, 5);
    check_ok(spool_read(h.spool, &h.batch));
    check(id_equal(h.batch.spool, spool_id(h.spool)) && h.batch.first == 1 && h.batch.count == 2);
    end(&h);
}

/* The broker has some of the start before: only the others are read. */
static void what_the_broker_has_is_not_read_again(void **state)
{
    struct house h;
    (void)state;

    begin(&h);
    check_ok(append(&h, 1, 5, 100));
    struct sp_id first = spool_id(h.spool);
    kill_and_start(&h);
    spool_told(h.spool, first, 3);
    check_batch(&h, 4, 2);
    check_batch(&h, 0, 0);
    assert_int_equal(files(&h), 0);
    end(&h);
}

static void the_bound_holds_and_what_is_told_makes_room(void **state)
{
    struct spool_facts f;
    struct house h;
    int64_t n = 1;
    sp_error e;
    (void)state;

    begin(&h);
    while ((e = append(&h, n, 8, 1000)) == SP_OK)
        n += 8;
    assert_int_equal(e, SP_ERR_LIMIT);
    spool_look(h.spool, &f);
    check(f.bytes <= MAX && f.bytes > MAX - 10 * 1024);
    assert_int_equal(f.records, n - 1);
    check_ok(spool_read(h.spool, &h.batch));
    assert_int_equal(h.batch.first, 1);
    spool_told(h.spool, h.batch.spool, 200); /* three files and some */
    check_ok(append(&h, n, 8, 1000));
    check_all(&h, 201, n + 7);
    end(&h);
}

static void spoil(const char *path, off_t at, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY);

    check(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, at), n);
    close(fd);
}

static void garbage_costs_what_it_hit(void **state)
{
    struct spool_facts f;
    struct house h;
    char path[128];
    (void)state;

    begin(&h);
    snprintf(path, sizeof path, "%s/0000000000000001.log", h.folder);
    check_ok(append(&h, 1, 3, 100));
    spoil(path, SEGMENT_HEAD_BYTES + 128 + 60, "garbage", 7);             /* in the second */
    spoil(path, SEGMENT_HEAD_BYTES + 3 * 128, "a tail that is torn", 19); /* behind the third */
    kill_and_start(&h);
    spool_look(h.spool, &f);
    assert_int_equal(f.unread, 128 + 19);
    check_batch(&h, 1, 1);
    check_batch(&h, 3, 1);
    check_batch(&h, 0, 0);
    end(&h);
}

static void a_file_without_a_head_is_set_aside(void **state)
{
    struct house h;
    char path[128];
    (void)state;

    begin(&h);
    snprintf(path, sizeof path, "%s/0000000000000001.log", h.folder);
    check_ok(append(&h, 1, 3, 100));
    spoil(path, 0, "garbage", 7);
    kill_and_start(&h);
    check_batch(&h, 0, 0);
    snprintf(path, sizeof path, "%s/broken", h.folder);
    assert_int_equal(access(path, F_OK), 0);
    check_ok(append(&h, 1, 1, 100)); /* it goes on */
    check_batch(&h, 1, 1);
    end(&h);
}

/* A segment that is spoiled while the connector runs does not hold up those behind it. */
static void damage_of_a_running_spool_is_passed(void **state)
{
    struct house h;
    char path[128];
    static char zeros[64 * 1024];
    (void)state;

    begin(&h);
    for (int i = 0; i < 20; i++)
        check_ok(append(&h, 1 + 20 * i, 20, 400));
    check(files(&h) >= 3);
    snprintf(path, sizeof path, "%s/0000000000000001.log", h.folder);
    spoil(path, SEGMENT_HEAD_BYTES, zeros, 60 * 1024);
    int64_t seen = 0, first = 0;
    do {
        check_ok(spool_read(h.spool, &h.batch));
        first = first == 0 ? h.batch.first : first;
        seen += (int64_t)h.batch.count;
        if (h.batch.count > 0)
            spool_told(h.spool, h.batch.spool, h.batch.first + (int64_t)h.batch.count - 1);
    } while (h.batch.count > 0);
    check(first > 1 && seen == 401 - first);
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_is_read_in_order_and_once),
        cmocka_unit_test(files_are_private_and_go_when_they_are_told),
        cmocka_unit_test(a_kill_loses_nothing_and_numbers_nothing_twice),
        cmocka_unit_test(what_the_broker_has_is_not_read_again),
        cmocka_unit_test(the_bound_holds_and_what_is_told_makes_room),
        cmocka_unit_test(garbage_costs_what_it_hit),
        cmocka_unit_test(a_file_without_a_head_is_set_aside),
        cmocka_unit_test(damage_of_a_running_spool_is_passed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
