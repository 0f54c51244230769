/* parcel.c: no secret leaves in a bug report, and what leaves is a .tar.gz that tar reads. */
#include "lib/edge/parcel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct {
    const char *in, *out;
    bool anonymize;
} cases[] = {
    {"log: info\nstate: /var/lib/x\n", "log: info\nstate: /var/lib/x\n", false},
    {"proxy_login: /etc/x.login\n", "proxy_login: [redacted]\n", false},
    {"  \"token\": \"abc\",\n", "  \"token\": [redacted]\n", false},
    {"client_secret = hunter2", "client_secret = [redacted]", false},
    {"said v4.public.AAAA.bbb here", "said [redacted] here", false},
    {"spe_abc,spt_def x_spe_no", "[redacted],[redacted] x_spe_no", false},
    {"proxy: http://me:pa:ss@proxy.example:3128/", "proxy: http://[redacted]@proxy.example:3128/",
     false},
    {"a http://u:p@h and https://v:q@k", "a http://[redacted]@h and https://[redacted]@k", false},
    {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\nafter\n", "[redacted]\nafter\n",
     false},
    {"-----BEGIN CERTIFICATE-----\nAAAA\n", "-----BEGIN CERTIFICATE-----\nAAAA\n", false},
    {"wiki.corp at 198.18.0.7, again wiki.corp", "place-1 at place-2, again place-1", true},
    {"version 0.1.0, 12.5 ms", "version 0.1.0, 12.5 ms", true},
};

static void P12_what_looks_like_a_secret_is_redacted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;

        buf_init(&out, 4096);
        parcel_redact(view_str(cases[i].in), cases[i].anonymize, &out);
        assert_string_equal(buf_cstr(&out), cases[i].out);
        buf_deinit(&out);
    }
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
        cmocka_unit_test(P12_what_looks_like_a_secret_is_redacted),
        cmocka_unit_test(what_is_written_is_what_tar_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
