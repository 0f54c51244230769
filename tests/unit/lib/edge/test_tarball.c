#include "lib/edge/tarball.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Another program reads what we write: gzip's CRC, tar's checksums, names and sizes. */
static void tar_reads_it_back(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_tarball.XXXXXX", command[256], line[64] = "";
    struct buf tar, gz, big;
    FILE *f;

    buf_init(&tar, 1 << 20);
    buf_init(&gz, 1 << 20);
    buf_init(&big, 1 << 20);
    for (int i = 0; i < 200000; i++)
        buf_add_byte(&big, (uint8_t)(i * 7));
    assert_int_equal(tarball_add(&tar, "r/one.txt", view_str("hello\n"), 1764000000000), SP_OK);
    assert_int_equal(tarball_add(&tar, "r/empty", (struct view){0}, 0), SP_OK);
    assert_int_equal(tarball_add(&tar, "r/big", buf_view(&big), 1764000000000), SP_OK);
    tarball_end(&tar);
    tarball_gzip(buf_view(&tar), &gz);
    assert_int_equal(buf_error(&gz), SP_OK);

    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "%s/x.tar.gz", folder);
    f = fopen(command, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(gz.at, 1, gz.len, f), gz.len);
    assert_int_equal(fclose(f), 0);
    snprintf(command, sizeof command, "cd %s && tar xzf x.tar.gz && cat r/one.txt && wc -c <r/big",
             folder);
    f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_string_equal(line, "hello\n");
    assert_non_null(fgets(line, sizeof line, f));
    assert_int_equal(atoi(line), 200000);
    assert_int_equal(pclose(f), 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(pclose(f), 0);
    buf_deinit(&tar);
    buf_deinit(&gz);
    buf_deinit(&big);
}

static void a_name_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    char name[101];
    struct buf tar;

    buf_init(&tar, 4096);
    memset(name, 'n', 100);
    name[100] = '\0';
    assert_int_equal(tarball_add(&tar, name, view_str("x"), 0), SP_ERR_LIMIT);
    name[99] = '\0';
    assert_int_equal(tarball_add(&tar, name, view_str("x"), 0), SP_OK);
    buf_deinit(&tar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tar_reads_it_back),
        cmocka_unit_test(a_name_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
