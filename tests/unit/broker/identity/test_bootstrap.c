#include "broker/identity/bootstrap.h"

#include "lib/os/file.h"

#include <pthread.h>
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
    struct buf token, session;
};

static void begin(struct world *w)
{
    snprintf(w->folder, sizeof w->folder, "/tmp/sp-boot-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/bootstrap", w->folder);
    buf_init(&w->token, 256);
    buf_init(&w->session, 256);
    assert_int_equal(bootstrap_make(w->folder, now, &w->token, NULL), SP_OK);
}

static void end(struct world *w)
{
    buf_wipe(&w->token);
    buf_wipe(&w->session);
    unlink(w->path);
    snprintf(w->path, sizeof w->path, "%s/bootstrap.lock", w->folder);
    unlink(w->path);
    assert_int_equal(rmdir(w->folder), 0);
}

/* Tries the token; the session, if there is one, stays in w->session. */
static sp_error spend(struct world *w, sp_unix_ms at)
{
    sp_unix_ms expires = 0;

    buf_wipe(&w->session);
    sp_error e = bootstrap_spend(w->folder, buf_view(&w->token), at, &w->session, &expires);
    if (e == SP_OK)
        assert_int_equal(expires, now + BOOTSTRAP_LIFE_MS);
    return e;
}

static sp_error find(const struct world *w, sp_unix_ms at)
{
    sp_unix_ms expires = 0;

    return bootstrap_find(w->folder, buf_view(&w->session), at, &expires);
}

static void INC_15_the_token_lives_an_hour(void **state)
{
    (void)state;
    struct world w;

    begin(&w);
    assert_int_equal(spend(&w, now + BOOTSTRAP_LIFE_MS), SP_ERR_UNAUTHENTICATED);
    assert_int_equal(spend(&w, now - 1), SP_ERR_UNAUTHENTICATED); /* a clock set back */
    assert_int_equal(spend(&w, now + BOOTSTRAP_LIFE_MS - 1), SP_OK);
    end(&w);
}

static void INC_15_the_token_is_good_once_and_what_comes_after_is_told(void **state)
{
    (void)state;
    struct world w;

    begin(&w);
    assert_int_equal(spend(&w, now + 5), SP_OK);
    struct buf first = w.session;
    buf_init(&w.session, 256);
    assert_int_equal(spend(&w, now + 6), SP_ERR_REPLAY);
    assert_int_equal(w.session.len, 0);
    w.session = first; /* a second try does not end the session */
    assert_int_equal(find(&w, now + 7), SP_OK);
    end(&w);
}

enum { SPENDERS = 8 };

struct spender {
    struct world *w;
    pthread_t thread;
    sp_error e;
};

static void *spend_at_once(void *arg)
{
    struct spender *s = arg;
    struct buf session;
    sp_unix_ms expires;

    buf_init(&session, 256);
    do
        s->e = bootstrap_spend(s->w->folder, buf_view(&s->w->token), now, &session, &expires);
    while (s->e == SP_ERR_BUSY);
    buf_wipe(&session);
    return NULL;
}

static void INC_15_of_many_who_spend_it_at_once_one_gets_a_session(void **state)
{
    (void)state;
    struct spender all[SPENDERS];
    struct world w;
    size_t won = 0, late = 0;

    begin(&w);
    for (size_t i = 0; i < SPENDERS; i++) {
        all[i] = (struct spender){.w = &w};
        assert_int_equal(pthread_create(&all[i].thread, NULL, spend_at_once, &all[i]), 0);
    }
    for (size_t i = 0; i < SPENDERS; i++) {
        pthread_join(all[i].thread, NULL);
        won += all[i].e == SP_OK;
        late += all[i].e == SP_ERR_REPLAY;
    }
    assert_int_equal(won, 1);
    assert_int_equal(late, SPENDERS - 1);
    end(&w);
}

static void INC_15_the_session_ends_with_the_token_s_hour_and_the_token_is_none(void **state)
{
    (void)state;
    struct world w;
    sp_unix_ms expires;

    begin(&w);
    assert_int_equal(bootstrap_find(w.folder, buf_view(&w.token), now, &expires),
                     SP_ERR_UNAUTHENTICATED);
    assert_int_equal(spend(&w, now + BOOTSTRAP_LIFE_MS - 2), SP_OK);
    assert_int_equal(find(&w, now + BOOTSTRAP_LIFE_MS - 1), SP_OK);
    assert_int_equal(find(&w, now + BOOTSTRAP_LIFE_MS), SP_ERR_UNAUTHENTICATED);
    assert_int_equal(find(&w, now - 1), SP_ERR_UNAUTHENTICATED);
    end(&w);
}

static void INC_15_the_file_is_private_and_holds_neither_token_nor_session(void **state)
{
    (void)state;
    struct world w;
    struct stat s;
    struct buf kept;

    begin(&w);
    for (int spent = 0; spent < 2; spent++) {
        if (spent)
            assert_int_equal(spend(&w, now), SP_OK);
        assert_int_equal(stat(w.path, &s), 0);
        assert_int_equal(s.st_mode & 07777, 0600);
        buf_init(&kept, 256);
        assert_int_equal(file_read_secret(w.path, 256, &kept, NULL), SP_OK);
        assert_null(strstr(buf_cstr(&kept), buf_cstr(&w.token) + 4));
        if (spent)
            assert_null(strstr(buf_cstr(&kept), buf_cstr(&w.session) + 4));
        buf_deinit(&kept);
    }
    end(&w);
}

static void a_new_token_ends_what_was_before_it_and_end_leaves_none(void **state)
{
    (void)state;
    struct world w;
    struct buf second;

    begin(&w);
    buf_init(&second, 256);
    assert_int_equal(bootstrap_make(w.folder, now, &second, NULL), SP_OK);
    assert_int_equal(spend(&w, now), SP_ERR_UNAUTHENTICATED);
    buf_wipe(&w.token);
    w.token = second;
    assert_int_equal(spend(&w, now), SP_OK);
    buf_init(&second, 256);
    assert_int_equal(bootstrap_make(w.folder, now, &second, NULL), SP_OK);
    assert_int_equal(find(&w, now), SP_ERR_UNAUTHENTICATED); /* the session before it */
    buf_wipe(&w.token);
    w.token = second;
    assert_int_equal(bootstrap_end(w.folder, NULL), SP_OK);
    assert_int_equal(spend(&w, now), SP_ERR_UNAUTHENTICATED);
    assert_int_equal(bootstrap_end(w.folder, NULL), SP_ERR_NOT_FOUND);
    end(&w);
}

static void another_text_is_no_token(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "spt_",
                                        "spt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        "sat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        "sas_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        "spt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    struct world w;
    sp_unix_ms expires;

    begin(&w);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(bootstrap_spend(w.folder, view_str(texts[i]), now, &w.session, &expires),
                         SP_ERR_UNAUTHENTICATED);
        assert_int_equal(bootstrap_find(w.folder, view_str(texts[i]), now, &expires),
                         SP_ERR_UNAUTHENTICATED);
    }
    end(&w);
}

#define A43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void a_spoiled_or_open_file_lets_nobody_in(void **state)
{
    (void)state;
    static const char *const contents[] = {
        "",
        "x",
        "token x 1\n",
        "token " A43 " 9 1\n",
        "grant " A43 " 1800003600000\n",
        "session " A43 " 1800003600000\n",
        "session " A43 " 1800003600000 " A43 " 1\n",
        A43 " 1800003600000 0\n", /* as it was written before tokens were single use */
    };
    struct world w;

    begin(&w);
    assert_int_equal(chmod(w.path, 0644), 0);
    assert_int_equal(spend(&w, now), SP_ERR_UNAUTHENTICATED);
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        assert_int_equal(file_write_secret(w.path, view_str(contents[i]), NULL), SP_OK);
        assert_int_equal(spend(&w, now), SP_ERR_UNAUTHENTICATED);
    }
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(INC_15_the_token_lives_an_hour),
        cmocka_unit_test(INC_15_the_token_is_good_once_and_what_comes_after_is_told),
        cmocka_unit_test(INC_15_of_many_who_spend_it_at_once_one_gets_a_session),
        cmocka_unit_test(INC_15_the_session_ends_with_the_token_s_hour_and_the_token_is_none),
        cmocka_unit_test(INC_15_the_file_is_private_and_holds_neither_token_nor_session),
        cmocka_unit_test(a_new_token_ends_what_was_before_it_and_end_leaves_none),
        cmocka_unit_test(another_text_is_no_token),
        cmocka_unit_test(a_spoiled_or_open_file_lets_nobody_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
