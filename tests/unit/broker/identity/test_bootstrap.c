#include "broker/identity/bootstrap.h"

#include "lib/os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const sp_unix_ms now = 1800000000000;

struct world {
    char folder[64], path[96];
    struct buf token;
};

static void begin(struct world *w)
{
    snprintf(w->folder, sizeof w->folder, "/tmp/sp-boot-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/bootstrap", w->folder);
    buf_init(&w->token, 256);
    assert_int_equal(bootstrap_make(w->folder, now, &w->token, NULL), SP_OK);
}

static void end(struct world *w)
{
    buf_wipe(&w->token);
    unlink(w->path);
    assert_int_equal(rmdir(w->folder), 0);
}

static sp_error find(const struct world *w, sp_unix_ms at)
{
    struct bootstrap_token found;

    return bootstrap_find(w->folder, buf_view(&w->token), at, &found);
}

static void INC_15_the_token_lives_an_hour(void **state)
{
    (void)state;
    struct world w;

    begin(&w);
    assert_int_equal(find(&w, now), SP_OK);
    assert_int_equal(find(&w, now + BOOTSTRAP_LIFE_MS - 1), SP_OK);
    assert_int_equal(find(&w, now + BOOTSTRAP_LIFE_MS), SP_ERR_UNAUTHENTICATED);
    assert_int_equal(find(&w, now - 1), SP_ERR_UNAUTHENTICATED); /* a clock set back */
    end(&w);
}

static void INC_15_the_file_is_private_and_holds_no_token(void **state)
{
    (void)state;
    struct world w;
    struct stat s;
    struct buf kept;

    begin(&w);
    assert_int_equal(stat(w.path, &s), 0);
    assert_int_equal(s.st_mode & 07777, 0600);
    buf_init(&kept, 256);
    assert_int_equal(file_read_secret(w.path, 256, &kept, NULL), SP_OK);
    assert_null(strstr(buf_cstr(&kept), buf_cstr(&w.token) + 4));
    buf_deinit(&kept);
    end(&w);
}

static void the_first_use_is_told_once(void **state)
{
    (void)state;
    struct world w;
    struct bootstrap_token found;

    begin(&w);
    assert_int_equal(bootstrap_find(w.folder, buf_view(&w.token), now + 5, &found), SP_OK);
    assert_true(found.first);
    assert_int_equal(found.expires, now + BOOTSTRAP_LIFE_MS);
    assert_int_equal(bootstrap_find(w.folder, buf_view(&w.token), now + 9, &found), SP_OK);
    assert_false(found.first);
    end(&w);
}

static void a_new_token_ends_the_one_before_and_end_leaves_none(void **state)
{
    (void)state;
    struct world w;
    struct buf second;

    begin(&w);
    buf_init(&second, 256);
    assert_int_equal(bootstrap_make(w.folder, now, &second, NULL), SP_OK);
    assert_int_equal(find(&w, now), SP_ERR_UNAUTHENTICATED);
    buf_wipe(&w.token);
    w.token = second;
    assert_int_equal(find(&w, now), SP_OK);
    assert_int_equal(bootstrap_end(w.folder, NULL), SP_OK);
    assert_int_equal(find(&w, now), SP_ERR_UNAUTHENTICATED);
    assert_int_equal(bootstrap_end(w.folder, NULL), SP_ERR_NOT_FOUND);
    end(&w);
}

static void another_text_is_no_token(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "spt_",
                                        "spt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        "sat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        "spt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    struct world w;
    struct bootstrap_token found;

    begin(&w);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(bootstrap_find(w.folder, view_str(texts[i]), now, &found),
                         SP_ERR_UNAUTHENTICATED);
    end(&w);
}

static void a_spoiled_or_open_file_lets_nobody_in(void **state)
{
    (void)state;
    static const char *const contents[] = {"", "x", "x 1 0\n",
                                           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 9 0 1\n"};
    struct world w;

    begin(&w);
    assert_int_equal(chmod(w.path, 0644), 0);
    assert_int_equal(find(&w, now), SP_ERR_UNAUTHENTICATED);
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        assert_int_equal(file_write_secret(w.path, view_str(contents[i]), NULL), SP_OK);
        assert_int_equal(find(&w, now), SP_ERR_UNAUTHENTICATED);
    }
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(INC_15_the_token_lives_an_hour),
        cmocka_unit_test(INC_15_the_file_is_private_and_holds_no_token),
        cmocka_unit_test(the_first_use_is_told_once),
        cmocka_unit_test(a_new_token_ends_the_one_before_and_end_leaves_none),
        cmocka_unit_test(another_text_is_no_token),
        cmocka_unit_test(a_spoiled_or_open_file_lets_nobody_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
