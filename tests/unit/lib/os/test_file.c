#include "lib/os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static const char *at(const char *name)
{
    static struct buf path = {.max = 256};
    return file_path(&path, dir, name);
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/sp-file-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static size_t count_files(void)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 2;
}

static int remove_dir(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

static void test_write_replaces_and_leaves_nothing_beside(void **state)
{
    struct buf b;
    struct stat st;

    (void)state;
    buf_init(&b, 64);
    assert_int_equal(file_write(at("a"), view_str("one"), 0644, NULL), SP_OK);
    assert_int_equal(file_write(at("a"), view_str("three"), 0640, NULL), SP_OK);
    assert_int_equal(file_read(at("a"), 5, &b, NULL), SP_OK);
    assert_true(view_is(buf_view(&b), "three"));
    assert_int_equal(stat(at("a"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(count_files(), 1);
    buf_deinit(&b);
}

static void test_read_limits(void **state)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct buf b;

    (void)state;
    buf_init(&b, 64);
    assert_int_equal(file_write(at("five"), view_str("12345"), 0600, NULL), SP_OK);
    assert_int_equal(file_read(at("five"), 4, &b, &why), SP_ERR_LIMIT);
    assert_int_equal(b.len, 0);
    assert_int_equal(file_read(at("five"), 5, &b, &why), SP_OK);
    assert_int_equal(file_read(at("none"), 5, &b, &why), SP_ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "/none: No such file"));
    assert_int_equal(b.len, 5);
    assert_int_equal(file_read(dir, 5, &b, &why), SP_ERR_INVALID);
    assert_int_equal(mkfifo(at("fifo"), 0600), 0);
    assert_int_equal(file_read(at("fifo"), 5, &b, &why), SP_ERR_INVALID); /* and does not wait */
    buf_deinit(&b);
}

static void test_a_secret_that_others_can_read_is_refused(void **state)
{
    static const struct {
        mode_t mode;
        sp_error e;
    } cases[] = {{0600, SP_OK},
                 {0400, SP_OK},
                 {0640, SP_ERR_PERMISSION},
                 {0604, SP_ERR_PERMISSION},
                 {0620, SP_ERR_PERMISSION},
                 {0601, SP_ERR_PERMISSION}};
    struct sp_why why = {{0}, {0}, 0, 0};
    struct buf b;

    (void)state;
    buf_init(&b, 64);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(file_write(at("s"), view_str("k"), cases[i].mode, NULL), SP_OK);
        assert_int_equal(file_read_secret(at("s"), 9, &b, &why), cases[i].e);
    }
    assert_non_null(strstr(why.text, "chmod 600"));
    assert_int_equal(file_write_secret(at("s"), view_str("k"), NULL), SP_OK);
    char target[128];
    snprintf(target, sizeof target, "%s", at("s"));
    assert_int_equal(symlink(target, at("link")), 0);
    assert_int_equal(file_read_secret(at("link"), 9, &b, &why), SP_ERR_PERMISSION);
    assert_int_equal(file_read(at("link"), 9, &b, &why), SP_OK);
    buf_deinit(&b);
}

static void test_a_file_that_others_can_write_is_not_obeyed(void **state)
{
    static const struct {
        mode_t mode;
        sp_error e;
    } cases[] = {{0644, SP_OK}, {0664, SP_ERR_PERMISSION}, {0646, SP_ERR_PERMISSION}};
    struct sp_why why = {{0}, {0}, 0, 0};
    struct buf b;

    (void)state;
    buf_init(&b, 64);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(file_write(at("o"), view_str("k"), cases[i].mode, NULL), SP_OK);
        assert_int_equal(file_read_owned(at("o"), 9, &b, &why), cases[i].e);
    }
    assert_non_null(strstr(why.text, "chmod go-w"));
    buf_deinit(&b);
}

static void test_create_does_not_replace(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 64);
    size_t before = count_files();
    assert_int_equal(file_create_secret(at("key"), view_str("1"), NULL), SP_OK);
    assert_int_equal(file_create_secret(at("key"), view_str("2"), NULL), SP_ERR_EXISTS);
    assert_int_equal(file_read_secret(at("key"), 9, &b, NULL), SP_OK);
    assert_true(view_is(buf_view(&b), "1"));
    assert_int_equal(count_files(), before + 1);
    assert_int_equal(file_remove(at("key"), NULL), SP_OK);
    assert_int_equal(file_remove(at("key"), NULL), SP_ERR_NOT_FOUND);
    buf_deinit(&b);
}

static void test_folders(void **state)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct stat st;

    (void)state;
    assert_int_equal(file_make_dir(at("x/y/z"), &why), SP_OK);
    assert_int_equal(file_make_dir(at("x/y/z"), &why), SP_OK);
    assert_int_equal(stat(at("x/y"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(chmod(at("x/y/z"), 0770), 0);
    assert_int_equal(file_make_dir(at("x/y/z"), &why), SP_ERR_PERMISSION);
    assert_int_equal(file_write(at("plain"), view_str(""), 0600, NULL), SP_OK);
    assert_int_equal(file_make_dir(at("plain/z"), &why), SP_ERR_EXISTS);
}

static void test_a_lock_has_one_holder(void **state)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    int one = -1, two = -1;

    (void)state;
    assert_int_equal(file_lock(at("lock"), &one, &why), SP_OK);
    assert_int_equal(file_lock(at("lock"), &two, &why), SP_ERR_BUSY);
    assert_int_equal(two, -1);
    close(one);
    assert_int_equal(file_lock(at("lock"), &two, &why), SP_OK);
    close(two);
}

/* RLIMIT_FSIZE stops the write as a full disk would: in the middle. */
static void test_a_write_that_fails_half_way_keeps_the_old_file(void **state)
{
    struct rlimit was, small;
    struct buf big, b;

    (void)state;
    buf_init(&big, 1 << 20);
    buf_init(&b, 64);
    for (size_t i = 0; i < 100000; i++)
        buf_add_byte(&big, 'x');
    assert_int_equal(file_write(at("keep"), view_str("old"), 0600, NULL), SP_OK);
    size_t before = count_files();
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = (struct rlimit){4096, was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    sp_error e = file_write(at("keep"), buf_view(&big), 0600, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(e, SP_ERR_IO);
    assert_int_equal(file_read(at("keep"), 64, &b, NULL), SP_OK);
    assert_true(view_is(buf_view(&b), "old"));
    assert_int_equal(count_files(), before);
    buf_deinit(&b);
    buf_deinit(&big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_replaces_and_leaves_nothing_beside),
        cmocka_unit_test(test_read_limits),
        cmocka_unit_test(test_a_secret_that_others_can_read_is_refused),
        cmocka_unit_test(test_a_file_that_others_can_write_is_not_obeyed),
        cmocka_unit_test(test_create_does_not_replace),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_a_lock_has_one_holder),
        cmocka_unit_test(test_a_write_that_fails_half_way_keeps_the_old_file),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
