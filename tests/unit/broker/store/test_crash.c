/* Crashes and a full disk: what was acknowledged is there, and nothing else was (DEP-3T, FLT-04).
 * SP_CRASH_ROUNDS sets how often the writer is killed; 12 in the everyday run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

enum { WRITERS = 4, READERS = 4, ID_BYTES = 8 };

static const struct audit_facts nothing;

struct writer {
    struct store *st;
    int ack; /* pipe: 8 bytes for each durable id */
    uint8_t lane;
};

struct one {
    const struct store_services *s;
    uint8_t id[ID_BYTES];
    bool won;
};

static sp_error consume(struct store_tx *tx, void *arg)
{
    struct one *o = arg;
    sp_error e = o->s->once->consume(tx, ONCE_LOGIN_CODE, (struct view){o->id, ID_BYTES},
                                     INT64_MAX / 4, &o->won);
    return e != SP_OK ? e : o->s->audit->append(tx, view_str("{\"n\":1}"), &nothing, NULL);
}

static void *write_on(void *arg)
{
    struct writer *w = arg;
    struct one o = {.s = store_services(w->st), .id = {w->lane}};

    for (uint32_t n = 0;; n++) {
        uint32_t stamp = (uint32_t)getpid() ^ n << 8;
        memcpy(o.id + 1, &n, sizeof n);
        memcpy(o.id + 5, &stamp, 3);
        if (store_commit(w->st, consume, &o) != SP_OK || write(w->ack, o.id, ID_BYTES) != ID_BYTES)
            return NULL;
    }
}

static bool ignore_row(void *arg, const struct audit_row *row)
{
    (void)arg;
    (void)row;
    return true;
}

static void *read_on(void *arg)
{
    struct store *st = arg;

    for (;;)
        if (store_services(st)->audit->walk(st, 1, 1, 50, ignore_row, NULL) != SP_OK)
            return NULL;
}

static void child(const char *path, int ack)
{
    struct store_config config = {.path = path, .audit_shard = 1, .holder = {{1}}};
    struct store *st = NULL;
    struct writer w[WRITERS];
    pthread_t thread;

    if (store_open(&config, NULL, &st) != SP_OK)
        _exit(3);
    for (uint8_t i = 0; i < WRITERS; i++) {
        w[i] = (struct writer){st, ack, i};
        if (pthread_create(&thread, NULL, write_on, &w[i]) != 0)
            _exit(4);
    }
    for (int i = 0; i < READERS; i++)
        if (pthread_create(&thread, NULL, read_on, st) != 0)
            _exit(5);
    for (;;)
        pause();
}

static void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* Every acknowledged id is spent, the chain has no gap, the file is whole. */
static void check(struct temp *t, const uint8_t (*acked)[ID_BYTES], size_t count)
{
    struct sp_why why = {0};
    struct audit_head h;

    temp_open(t);
    assert_int_equal(store_check(t->st, &why), SP_OK);
    for (size_t i = 0; i < count; i++) {
        struct one o = {.s = t->s};
        memcpy(o.id, acked[i], ID_BYTES);
        assert_int_equal(store_commit(t->st, consume, &o), SP_OK);
        if (o.won)
            fail_msg("an acknowledged id was lost (%zu of %zu)", i, count);
    }
    assert_int_equal(t->s->audit->head(t->st, 1, &h), SP_OK);
    assert_true(h.seq >= count);
    store_close(t->st);
    t->st = NULL;
}

static void DEP_3T_kill_9_loses_nothing_acknowledged(void **state)
{
    (void)state;
    enum { KEPT = 4096 };
    static uint8_t acked[KEPT][ID_BYTES];
    const char *asked = getenv("SP_CRASH_ROUNDS");
    long rounds = asked == NULL ? 12 : strtol(asked, NULL, 10);
    struct temp t;

    temp_new(&t);
    store_close(t.st);
    t.st = NULL;
    for (long r = 0; r < rounds; r++) {
        int ends[2];
        size_t count = 0;
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(ends[0]);
            child(t.path, ends[1]);
        }
        close(ends[1]);
        sleep_ms(30 + r * 37 % 90);
        assert_int_equal(kill(pid, SIGKILL), 0);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status)); /* it was still writing */
        while (count < KEPT && read(ends[0], acked[count], ID_BYTES) == ID_BYTES)
            count++;
        close(ends[0]);
        check(&t, (const uint8_t(*)[ID_BYTES])acked, count);
    }
    temp_free(&t);
}

static sp_error big(struct store_tx *tx, void *arg)
{
    static char text[32 * 1024];
    const struct store_services *s = arg;

    memset(text, 'x', sizeof text - 1);
    return s->audit->append(tx, view_str(text), &nothing, NULL);
}

/* In a mount namespace of its own: needs root, as the end-to-end tests do. */
static void FLT_04_a_full_disk_refuses_and_recovers(void **state)
{
    (void)state;
    struct temp t;
    char filler[96];

    (void)snprintf(t.folder, sizeof t.folder, "/tmp/sp-full-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", t.folder, "tmpfs", MS_NOSUID | MS_NODEV, "size=3m,mode=0700") != 0) {
        rmdir(t.folder);
        print_message("no right to mount a small tmpfs: not tested here\n");
        skip();
    }
    (void)snprintf(t.path, sizeof t.path, "%s/store.db", t.folder);
    (void)snprintf(filler, sizeof filler, "%s/filler", t.folder);
    FILE *f = fopen(filler, "wb");
    assert_non_null(f);
    for (int i = 0; i < 1024; i++)
        fputs("................................................................"
              "................................................................"
              "................................................................"
              "................................................................"
              "................................................................"
              "................................................................"
              "................................................................"
              "................................................................",
              f);
    fclose(f);
    temp_open(&t);
    sp_error e = SP_OK;
    struct audit_head before, after;
    int written = 0;
    for (; written < 500 && e == SP_OK; written++)
        e = store_commit(t.st, big, (void *)(uintptr_t)t.s);
    assert_int_equal(e, SP_ERR_FULL);
    assert_true(store_health(t.st).full);
    assert_false(store_health(t.st).broken);
    assert_int_equal(t.s->audit->head(t.st, 1, &before), SP_OK);
    assert_int_equal(before.seq, written - 1);
    assert_int_equal(store_commit(t.st, big, (void *)(uintptr_t)t.s), SP_ERR_FULL);
    assert_int_equal(unlink(filler), 0); /* someone makes room */
    assert_int_equal(store_commit(t.st, big, (void *)(uintptr_t)t.s), SP_OK);
    assert_false(store_health(t.st).full);
    assert_int_equal(t.s->audit->head(t.st, 1, &after), SP_OK);
    assert_int_equal(after.seq, before.seq + 1);
    store_close(t.st);
    assert_int_equal(umount(t.folder), 0);
    rmdir(t.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(DEP_3T_kill_9_loses_nothing_acknowledged),
        cmocka_unit_test(FLT_04_a_full_disk_refuses_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
