#include "lib/edge/places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void check(struct places *p, const char *in, const char *out)
{
    struct buf b;

    buf_init(&b, 4096);
    places_hide(p, view_str(in), &b);
    assert_string_equal(buf_cstr(&b), out);
    buf_deinit(&b);
}

static void a_place_has_one_word_in_all_texts(void **state)
{
    struct places p = {0};

    (void)state;
    check(&p, "wiki.corp at 198.18.0.7, again wiki.corp", "place-1 at place-2, again place-1");
    check(&p, "198.18.0.7 is not db.corp", "place-2 is not place-3");
    check(&p, "version 0.1.0, 12.5 ms, a word", "version 0.1.0, 12.5 ms, a word");
    check(&p, "", "");
}

static void too_many_places_are_one(void **state)
{
    struct places p = {0};
    char name[32], word[32];

    (void)state;
    for (int i = 1; i <= PLACES_MAX + 2; i++) {
        snprintf(name, sizeof name, "h%d.corp", i);
        snprintf(word, sizeof word, "place-%d", i <= PLACES_MAX ? i : PLACES_MAX + 1);
        check(&p, name, word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_has_one_word_in_all_texts),
        cmocka_unit_test(too_many_places_are_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
