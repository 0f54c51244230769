/* filewatch.c: a configuration file that changes is told once, whatever way it changes. */
#include "lib/os/filewatch.h"
#include "lib/os/loop.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct room {
    char dir[32], file[64], other[64];
    struct loop *loop;
    struct filewatch *watch;
    struct timer *late;
    int changes;
    bool over;
};

static void on_changed(void *arg)
{
    struct room *r = arg;

    r->changes++;
    r->over = true;
}

static void on_late(void *arg)
{
    struct room *r = arg;

    r->late = NULL;
    r->over = true;
}

/* How often it was told, until the first time or for `ms`. */
static int told_within(struct room *r, int ms)
{
    r->changes = 0;
    r->over = false;
    assert_int_equal(timer_start(r->loop, clock_boot() + ms, on_late, r, &r->late), SP_OK);
    while (!r->over)
        loop_turn(r->loop, true);
    timer_cancel(r->late);
    r->late = NULL;
    return r->changes;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    struct room *r = calloc(1, sizeof *r);

    snprintf(r->dir, sizeof r->dir, "/tmp/sp-watch-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->file, sizeof r->file, "%s/floor", r->dir);
    snprintf(r->other, sizeof r->other, "%s/other", r->dir);
    assert_int_equal(loop_new(&r->loop), SP_OK);
    assert_int_equal(filewatch_start(r->loop, r->file, on_changed, r, &r->watch), SP_OK);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct room *r = *state;

    filewatch_stop(r->watch);
    loop_free(r->loop);
    unlink(r->file);
    unlink(r->other);
    rmdir(r->dir);
    free(r);
    return 0;
}

static void a_burst_of_writes_is_told_once(void **state)
{
    struct room *r = *state;

    for (int i = 0; i < 5; i++)
        put(r->file, "allow wiki:443\n");
    assert_int_equal(told_within(r, 5000), 1);
    assert_int_equal(told_within(r, 3 * FILEWATCH_SETTLE_MS), 0);
}

static void a_rename_over_it_a_removal_and_a_mode_are_told(void **state)
{
    struct room *r = *state;

    put(r->other, "allow wiki:443\n");
    assert_int_equal(rename(r->other, r->file), 0);
    assert_int_equal(told_within(r, 5000), 1);
    assert_int_equal(chmod(r->file, 0600), 0);
    assert_int_equal(told_within(r, 5000), 1);
    assert_int_equal(unlink(r->file), 0);
    assert_int_equal(told_within(r, 5000), 1);
}

static void another_file_of_the_folder_is_not_told(void **state)
{
    struct room *r = *state;

    put(r->other, "x");
    assert_int_equal(told_within(r, 3 * FILEWATCH_SETTLE_MS), 0);
}

static void a_swapped_link_of_a_mounted_volume_is_told(void **state)
{
    struct room *r = *state;
    char data[80];

    snprintf(data, sizeof data, "%s/..data", r->dir);
    assert_int_equal(symlink("..2026_11_25", data), 0);
    assert_int_equal(told_within(r, 5000), 1);
    unlink(data);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    struct room *r = *state;
    struct filewatch *w = NULL;

    assert_int_equal(filewatch_start(r->loop, "/nonexistent/floor", on_changed, r, &w),
                     SP_ERR_NOT_FOUND);
    assert_int_equal(filewatch_start(r->loop, "/tmp/", on_changed, r, &w), SP_ERR_INVALID);
    assert_null(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_burst_of_writes_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rename_over_it_a_removal_and_a_mode_are_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_file_of_the_folder_is_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_swapped_link_of_a_mounted_volume_is_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_said, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
