/* Lists as pages of the console ask for them: every way through them meets each row once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/broker/store/temp.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

enum { USERS = 60, DEVICES = 60, MANY = 2001, READERS = 8 };

static struct sp_id id_of(unsigned n)
{
    return (struct sp_id){{(uint8_t)(n >> 8), (uint8_t)n, 1, 2, 3}};
}

struct filling {
    const struct store_services *s;
    unsigned users, devices;
};

/* Some were last seen at the same moment, so that the second half of the order counts. */
static sp_error fill(struct store_tx *tx, void *arg)
{
    const struct filling *f = arg;
    sp_error e = SP_OK;

    for (unsigned i = 1; i <= f->users && e == SP_OK; i++) {
        struct user_row u = {.id = id_of(i),
                             .iss = "https://idp",
                             .state = i % 7 == 0 ? USER_LOCKED : USER_ACTIVE,
                             .groups = GROUPS_KNOWN,
                             .seen = 1000 + i * 37 % 10};
        const char *groups[] = {"corp/all", i % 5 == 0 ? "corp/few" : "corp/rest"};
        (void)snprintf(u.sub, sizeof u.sub, "%u", i);
        (void)snprintf(u.name, sizeof u.name, "user%04u", i * 7 % 5003);
        (void)snprintf(u.display, sizeof u.display, "%s", i % 3 == 0 ? "Zo\u00eb 100%_X" : "Plain");
        if ((e = f->s->registry->user_put(tx, &u)) == SP_OK)
            e = f->s->registry->user_groups_set(tx, u.id, GROUPS_KNOWN, "", groups, 2);
    }
    for (unsigned i = 1; i <= f->devices && e == SP_OK; i++) {
        struct device_row d = {.id = id_of(i),
                               .user = id_of(1 + i % 4),
                               .key = {.kind = KEY_ED25519},
                               .state = 1 + i % 4,
                               .created = 500 - (int64_t)i,
                               .seen = 1000 + i * 37 % 10};
        d.key.bytes[0] = (uint8_t)i;
        (void)snprintf(d.name, sizeof d.name, "laptop%u", i % 9);
        (void)snprintf(d.serials, sizeof d.serials, "SN%02u;", i);
        e = f->s->registry->device_put(tx, &d);
    }
    return e;
}

static void fill_store(struct temp *t, unsigned users, unsigned devices)
{
    struct filling f = {t->s, users, devices};

    assert_int_equal(store_commit(t->st, fill, &f), SP_OK);
}

struct user_page {
    struct user_row at[8];
    size_t count;
};

static bool keep_user(void *arg, const struct user_row *row)
{
    struct user_page *p = arg;

    p->at[p->count++] = *row;
    return true;
}

static int order_of(const struct user_filter *f, const struct user_row *a, const struct user_row *b)
{
    int c = f->sort == SORT_SEEN && a->seen != b->seen ? (a->seen < b->seen ? -1 : 1)
                                                       : strcmp(a->name, b->name);
    return f->down ? -c : c;
}

/* Every page of `f`, some rows at a time: how many rows, all in their order. */
static size_t walk_users(struct temp *t, const struct user_filter *f)
{
    struct user_page p;
    struct user_row edge = {.name = ""};
    size_t total = 0, counted = 0;

    do {
        p.count = 0;
        assert_int_equal(
            t->s->registry->user_list(t->st, f, total == 0 ? NULL : &edge, 7, keep_user, &p),
            SP_OK);
        for (size_t i = 0; i < p.count; i++) {
            if (total > 0)
                assert_true(order_of(f, &edge, &p.at[i]) < 0);
            edge = p.at[i];
            total++;
        }
    } while (p.count == 7);
    assert_int_equal(t->s->registry->user_count(t->st, f, 10000, &counted), SP_OK);
    assert_int_equal(counted, total);
    return total;
}

static void users_in_every_order(void **state)
{
    static const struct {
        struct user_filter f;
        size_t want;
    } rows[] = {{{0}, USERS},
                {{.q = "USER00"}, 14},
                {{.q = "100%_x"}, USERS / 3},
                {{.q = "100%x"}, 0},
                {{.q = "plain/"}, USERS - USERS / 3}, /* the text ends where the next begins */
                {{.state = USER_LOCKED}, USERS / 7},
                {{.group = "corp/all"}, USERS},
                {{.group = "corp/few"}, USERS / 5},
                {{.group = "corp/few", .q = "plain", .state = USER_ACTIVE}, 7},
                {{.group = "corp/none"}, 0}};
    struct temp t;
    (void)state;

    temp_new(&t);
    fill_store(&t, USERS, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int way = 0; way < 4; way++) {
            struct user_filter f = rows[i].f;
            f.sort = way & 1 ? SORT_SEEN : SORT_NAME;
            f.down = (way & 2) != 0;
            assert_int_equal(walk_users(&t, &f), rows[i].want);
        }
    temp_free(&t);
}

/* A group of more than two thousand is walked from the people's side. */
static void a_large_group_is_the_same_list(void **state)
{
    struct temp t;
    (void)state;

    temp_new(&t);
    fill_store(&t, MANY, 0);
    for (int way = 0; way < 4; way++) {
        struct user_filter f = {.group = "corp/all",
                                .state = USER_LOCKED,
                                .sort = way & 1 ? SORT_SEEN : SORT_NAME,
                                .down = (way & 2) != 0};
        assert_int_equal(walk_users(&t, &f), MANY / 7);
    }
    temp_free(&t);
}

struct device_page {
    struct device_row at[8];
    size_t count;
};

static bool keep_device(void *arg, const struct device_row *row)
{
    struct device_page *p = arg;

    p->at[p->count++] = *row;
    return true;
}

struct order {
    const struct sp_id *want;
    size_t at;
};

static bool in_order(void *arg, const struct device_row *row)
{
    struct order *o = arg;

    assert_true(id_equal(o->want[o->at++], row->id));
    return true;
}

/* From an index alone the same rows come in the same order, behind an edge too. */
static void order_devices(struct temp *t, const struct device_filter *f, const struct sp_id *ids,
                          size_t total, const struct device_row *third)
{
    struct order whole = {ids, 0}, rest = {ids + 3, 0};

    assert_int_equal(t->s->registry->device_order(t->st, f, NULL, 1000, in_order, &whole), SP_OK);
    assert_int_equal(whole.at, total);
    if (total < 3)
        return;
    assert_int_equal(t->s->registry->device_order(t->st, f, third, 1000, in_order, &rest), SP_OK);
    assert_int_equal(rest.at, total - 3);
}

static size_t walk_devices(struct temp *t, const struct device_filter *f)
{
    static struct sp_id ids[DEVICES];
    struct device_row third = {.name = ""};
    struct device_page p;
    struct device_row edge = {.name = ""};
    size_t total = 0, counted = 0;

    do {
        p.count = 0;
        assert_int_equal(
            t->s->registry->device_list(t->st, f, total == 0 ? NULL : &edge, 7, keep_device, &p),
            SP_OK);
        for (size_t i = 0; i < p.count; i++) {
            const struct device_row *d = &p.at[i];
            int c = f->sort == SORT_SEEN ? (edge.seen > d->seen) - (edge.seen < d->seen)
                                         : strcmp(edge.name, d->name);
            c = c == 0 ? id_compare(edge.id, d->id) : c;
            if (total > 0)
                assert_true(f->down ? c > 0 : c < 0);
            edge = *d;
            ids[total++] = d->id;
            if (total == 3)
                third = *d;
        }
    } while (p.count == 7);
    order_devices(t, f, ids, total, &third);
    assert_int_equal(t->s->registry->device_count(t->st, f, 10000, &counted), SP_OK);
    assert_int_equal(counted, total);
    return total;
}

static void devices_in_every_order(void **state)
{
    static const struct {
        struct device_filter f;
        size_t want;
    } rows[] = {{{0}, DEVICES},
                {{.q = "sn07"}, 1},
                {{.q = "LAPTOP3"}, 7},
                {{.state = ROW_DEVICE_BLOCKED}, DEVICES / 4},
                {{.user = {{0, 2, 1, 2, 3}}}, DEVICES / 4},
                {{.user = {{0, 2, 1, 2, 3}}, .state = ROW_DEVICE_LOST}, 0},
                {{.user = {{9}}}, 0}};
    struct temp t;
    (void)state;

    temp_new(&t);
    fill_store(&t, 0, DEVICES);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int way = 0; way < 4; way++) {
            struct device_filter f = rows[i].f;
            f.sort = way & 1 ? SORT_SEEN : SORT_NAME;
            f.down = (way & 2) != 0;
            assert_int_equal(walk_devices(&t, &f), rows[i].want);
        }
    temp_free(&t);
}

static bool count_id(void *arg, struct sp_id id)
{
    (void)id;
    ++*(size_t *)arg;
    return true;
}

static void devices_by_state(void **state)
{
    struct device_counts n;
    struct device_row oldest = {.name = ""};
    struct temp t;
    size_t ids = 0;
    (void)state;

    temp_new(&t);
    assert_int_equal(t.s->registry->device_tally(t.st, &n, &oldest), SP_OK);
    assert_int_equal(n.pending + n.approved + n.blocked, 0);
    assert_true(id_is_zero(oldest.id));
    fill_store(&t, 0, DEVICES);
    assert_int_equal(t.s->registry->device_tally(t.st, &n, &oldest), SP_OK);
    assert_int_equal(n.pending, DEVICES / 4);
    assert_int_equal(n.approved, DEVICES / 4);
    assert_int_equal(n.blocked, DEVICES / 2);
    assert_true(id_equal(oldest.id, id_of(60))); /* made first, of those that are pending */
    assert_int_equal(t.s->registry->device_ids(t.st, ROW_DEVICE_APPROVED, count_id, &ids), SP_OK);
    assert_int_equal(ids, DEVICES / 4);
    temp_free(&t);
}

static bool read_again(void *arg, const struct user_row *row)
{
    const struct temp *t = arg;
    struct user_row same;

    return t->s->registry->user_get(t->st, row->id, &same) == SP_OK && same.ver == row->ver;
}

static void *read_lists(void *arg)
{
    const struct temp *t = arg;

    for (int i = 0; i < 50; i++)
        if (t->s->registry->user_list(t->st, NULL, NULL, 20, read_again, arg) != SP_OK)
            return arg;
    return NULL;
}

/* Twice as many threads as readers, each reading while it reads: they waited for each other. */
static void who_reads_while_reading_waits_for_nobody(void **state)
{
    pthread_t threads[READERS];
    struct temp t;
    (void)state;

    temp_new(&t);
    fill_store(&t, USERS, 0);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_lists, &t), 0);
    for (size_t i = 0; i < READERS; i++) {
        void *failed = &t;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    temp_free(&t);
}

static sp_error put_secret(struct store_tx *tx, void *arg)
{
    static const uint8_t bytes[64 * 1024];

    return store_services(arg)->logins->secret_put(tx, "large", (struct view){bytes, sizeof bytes});
}

/* The write-ahead log is moved into the database while the store runs, not only at its end. */
static void the_log_stays_small(void **state)
{
    struct stat wal;
    struct temp t;
    char path[128];
    (void)state;

    temp_new(&t);
    for (int i = 0; i < 600; i++) /* 38 MB in all */
        assert_int_equal(store_commit(t.st, put_secret, t.st), SP_OK);
    (void)snprintf(path, sizeof path, "%s-wal", t.path);
    assert_int_equal(stat(path, &wal), 0);
    assert_in_range(wal.st_size, 1, 12 * 1024 * 1024);
    temp_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_in_every_order),
        cmocka_unit_test(a_large_group_is_the_same_list),
        cmocka_unit_test(devices_in_every_order),
        cmocka_unit_test(devices_by_state),
        cmocka_unit_test(who_reads_while_reading_waits_for_nobody),
        cmocka_unit_test(the_log_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
