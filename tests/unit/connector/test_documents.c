/* documents.c: what a broker gives is kept when it is what was asked for, and the folder stays
 * small. */
#include "connector/documents.h"

#include "lib/base/encode.h"
#include "lib/base/json.h"
#include "lib/channel/call.h"
#include "lib/crypto/hash.h"
#include "lib/os/file.h"
#include "lib/os/loop.h"
#include "tests/unit/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A wire to nobody: what the connector asks stands in `asked`, and the test answers. */
struct rig {
    struct loop *loop;
    struct pool *pool;
    struct channel *channel;
    struct documents *documents;
    char dir[40], asked[512];
    unsigned asks, came;
    int64_t said; /* number of our next message */
    uint8_t last[32];
};

static sp_error on_send(void *arg, struct view text)
{
    struct rig *r = arg;

    snprintf(r->asked, sizeof r->asked, "%.*s", VIEW_ARG(text));
    r->asks++;
    return SP_OK;
}

static void on_close(void *arg, enum channel_close code, const char *reason)
{
    (void)arg;
    (void)code;
    (void)reason;
}

static void on_message(void *arg, struct channel *c, const struct envelope *m)
{
    (void)arg;
    (void)c;
    (void)m;
}

static void on_came(void *arg, const uint8_t sha256[32])
{
    struct rig *r = arg;

    memcpy(r->last, sha256, 32);
    r->came++;
}

static void attach(struct rig *r)
{
    const struct channel_options o = {.loop = r->loop,
                                      .wire = {on_send, on_close, r},
                                      .sent = 2,
                                      .received = 1,
                                      .message = on_message,
                                      .arg = r};

    check_ok(channel_new(&o, &r->channel));
    r->said = 2;
    documents_channel(r->documents, r->channel);
}

static void lose(struct rig *r)
{
    documents_channel(r->documents, NULL);
    channel_free(r->channel);
    r->channel = NULL;
}

static void rig_init(struct rig *r)
{
    *r = (struct rig){0};
    snprintf(r->dir, sizeof r->dir, "/tmp/sp-documents-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    check_ok(loop_new(&r->loop));
    check_ok(pool_new(r->loop, 1, &r->pool));
    const struct documents_options o = {
        .pool = r->pool, .folder = r->dir, .came = on_came, .arg = r};
    check_ok(documents_new(&o, &r->documents));
    attach(r);
}

static size_t files(const struct rig *r)
{
    DIR *d = opendir(r->dir);
    size_t n = 0;

    assert_non_null(d);
    for (const struct dirent *f; (f = readdir(d)) != NULL;)
        n += f->d_name[0] != '.';
    closedir(d);
    return n;
}

static void rig_deinit(struct rig *r)
{
    documents_free(r->documents);
    channel_free(r->channel);
    pool_free(r->pool);
    loop_free(r->loop);
    DIR *d = opendir(r->dir);
    assert_non_null(d);
    for (const struct dirent *f; (f = readdir(d)) != NULL;)
        if (f->d_name[0] != '.')
            check(unlinkat(dirfd(d), f->d_name, 0) == 0);
    closedir(d);
    rmdir(r->dir);
}

static void want(struct rig *r, const char *text)
{
    documents_want(r->documents, hash_sha256(view_str(text)).bytes);
}

/* Answers the one question that is open with `text` of a document of `size` bytes. */
static void give(struct rig *r, const char *text, size_t size)
{
    int64_t ask = 0;
    struct json *m = NULL;
    struct buf bytes, line;

    check_ok(json_parse(view_str(r->asked), sizeof r->asked, NULL, &m));
    check(json_integer(json_get(m, "i"), &ask));
    json_free(m);
    buf_init(&bytes, 64 * 1024);
    buf_init(&line, 128 * 1024);
    encode_base64url(view_str(text), &bytes);
    buf_addf(&line, "{\"re\":%lld,\"i\":%lld,\"size\":%zu,\"bytes\":\"%s\"}", (long long)ask,
             (long long)r->said++, size, bytes.len == 0 ? "" : buf_cstr(&bytes));
    check_ok(channel_receive(r->channel, buf_view(&line)));
    buf_deinit(&bytes);
    buf_deinit(&line);
}

/* Until the worker has written, or not, and the next is asked for. */
#define until(r, condition)             \
    do {                                \
        while (!(condition))            \
            loop_turn((r)->loop, true); \
    } while (false)

static void a_document_comes_in_pieces_and_is_kept(void **state)
{
    struct rig r;
    struct buf text;
    char path[128];
    struct stat st;
    (void)state;

    rig_init(&r);
    want(&r, "abcdef");
    want(&r, "abcdef"); /* once is enough */
    assert_int_equal(r.asks, 1);
    assert_non_null(strstr(r.asked, "\"at\":0"));
    give(&r, "abc", 6);
    assert_non_null(strstr(r.asked, "\"at\":3"));
    give(&r, "def", 6);
    until(&r, r.came == 1);
    assert_int_equal(r.asks, 2);
    struct hash h = hash_sha256(view_str("abcdef"));
    assert_memory_equal(r.last, h.bytes, 32);
    buf_init(&text, 80);
    encode_hex((struct view){h.bytes, 32}, &text);
    snprintf(path, sizeof path, "%s/%s", r.dir, buf_cstr(&text));
    buf_deinit(&text);
    buf_init(&text, 80);
    check_ok(file_read_secret(path, 80, &text, NULL));
    assert_string_equal(buf_cstr(&text), "abcdef");
    buf_deinit(&text);
    check(stat(path, &st) == 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    documents_foresee(r.documents, h.bytes); /* it is here */
    assert_int_equal(r.asks, 2);
    documents_foresee(r.documents, hash_sha256(view_str("new")).bytes);
    assert_int_equal(r.asks, 3);
    rig_deinit(&r);
}

/* A broker can't pass off another, nor keep us asking for ever. */
static void what_was_not_asked_for_is_not_kept(void **state)
{
    struct rig r;
    (void)state;

    rig_init(&r);
    want(&r, "right");
    want(&r, "second");
    give(&r, "wrong", 5);
    until(&r, r.asks == 2); /* on with the next */
    assert_int_equal(files(&r), 0);
    give(&r, "", 6); /* nothing, of a document that has something */
    assert_int_equal(r.came, 0);
    want(&r, "right");
    until(&r, r.asks == 3);
    give(&r, "right and more", 5); /* more than it said */
    want(&r, "third");
    until(&r, r.asks == 4);
    give(&r, "third", 5);
    until(&r, r.came == 1);
    assert_int_equal(files(&r), 1);
    rig_deinit(&r);
}

static void a_lost_channel_begins_anew_on_the_next(void **state)
{
    struct rig r;
    (void)state;

    rig_init(&r);
    want(&r, "abcdef");
    give(&r, "abc", 6);
    lose(&r);
    want(&r, "other"); /* waits */
    assert_int_equal(r.asks, 2);
    attach(&r);
    assert_int_equal(r.asks, 3);
    assert_non_null(strstr(r.asked, "\"at\":0"));
    give(&r, "abcdef", 6);
    until(&r, r.came == 1 && r.asks == 4);
    rig_deinit(&r);
}

static void the_folder_stays_within_its_bounds(void **state)
{
    char path[128], name[65];
    struct rig r;
    (void)state;

    rig_init(&r);
    for (int i = 0; i < DOCUMENTS_KEPT_MAX + 3; i++) {
        snprintf(name, sizeof name, "%064x", i);
        snprintf(path, sizeof path, "%s/%s", r.dir, name);
        check_ok(file_write_secret(path, view_str("x"), NULL));
        const struct timespec at[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        check(utimensat(AT_FDCWD, path, at, 0) == 0);
    }
    want(&r, "new");
    give(&r, "new", 3);
    until(&r, r.came == 1);
    assert_int_equal(files(&r), DOCUMENTS_KEPT_MAX);
    snprintf(path, sizeof path, "%s/%064x", r.dir, 3);
    check(access(path, F_OK) != 0);
    snprintf(path, sizeof path, "%s/%064x", r.dir, 4);
    check(access(path, F_OK) == 0); /* four went: the oldest */
    rig_deinit(&r);
}

static void it_ends_while_a_worker_writes(void **state)
{
    struct rig r;
    (void)state;

    rig_init(&r);
    want(&r, "late");
    give(&r, "late", 4);
    rig_deinit(&r); /* whether it was written or not: nothing is told to who is gone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_comes_in_pieces_and_is_kept),
        cmocka_unit_test(what_was_not_asked_for_is_not_kept),
        cmocka_unit_test(a_lost_channel_begins_anew_on_the_next),
        cmocka_unit_test(the_folder_stays_within_its_bounds),
        cmocka_unit_test(it_ends_while_a_worker_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
