/* parcel.c: no secret leaves in a bug report, and what leaves is a .tar.gz that tar reads. */
#include "lib/edge/parcel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Redaction and places have tests of their own: here, that every file goes through them. */
static void P12_no_secret_and_no_place_leaves(void **state)
{
    static const char file[] = "wiki.corp: Bearer abcdefgh12, spt_abc\n";
    char dir[] = "/tmp/sp-parcel-XXXXXX", path[64], command[256], said[256] = "";
    struct sp_why why = {0};
    struct parcel *p;
    (void)state;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/r.tar.gz", dir);
    assert_int_equal(parcel_new(true, &p), SP_OK);
    parcel_add(p, "a.txt", view_str("198.18.0.7 is not wiki.corp\n"));
    parcel_add(p, "b.txt", view_str(file));
    assert_int_equal(parcel_write(p, path, &why), SP_OK);
    snprintf(command, sizeof command, "tar -xzOf %s", path);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    said[fread(said, 1, sizeof said - 1, f)] = '\0';
    pclose(f);
    assert_string_equal(said, "place-1 is not place-2\n"
                              "place-2: Bearer [redacted], [redacted]\n");
    parcel_free(p);
    unlink(path);
    rmdir(dir);
}

static void what_is_written_is_what_tar_reads(void **state)
{
    char dir[] = "/tmp/sp-parcel-XXXXXX", path[64], command[256], line[256] = "";
    struct sp_why why = {0};
    struct parcel *p;
    struct buf big;
    (void)state;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/r.tar.gz", dir);
    assert_int_equal(parcel_new(false, &p), SP_OK);
    buf_init(&big, 200000);
    while (big.len < 150000) /* more than two stored blocks */
        buf_add_str(&big, "line of a log\n");
    parcel_add(p, "small.txt", view_str("one\n"));
    parcel_add(p, "big.txt", buf_view(&big));
    parcel_add(p, "none.txt", (struct view){0});
    parcel_add_file(p, "missing.txt", "/nonexistent/file");
    assert_int_equal(parcel_write(p, path, &why), SP_OK);
    assert_int_equal(parcel_write(p, path, &why), SP_ERR_EXISTS); /* nothing is replaced */

    snprintf(command, sizeof command,
             "tar -xzOf %s sallyport-bugreport/big.txt | wc -c; tar -tzf %s | wc -l", path, path);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_int_equal(atol(line), (long)big.len);
    assert_non_null(fgets(line, sizeof line, f));
    assert_int_equal(atol(line), 4);
    pclose(f);
    parcel_free(p);
    buf_deinit(&big);
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(P12_no_secret_and_no_place_leaves),
        cmocka_unit_test(what_is_written_is_what_tar_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
