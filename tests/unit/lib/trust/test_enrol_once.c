#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/crypto/random.h"
#include "lib/trust/enrol.h"
#include "lib/trust/once.h"

#define PIN "SP1:9f2a-71c7-0011-2233-4455-6677-8899-aabb"
#define TOKEN "spe_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void a_token_has_one_text(void **state)
{
    (void)state;
    uint8_t secret[ENROL_SECRET_BYTES], again[ENROL_SECRET_BYTES];
    char text[ENROL_TOKEN_TEXT + 1];

    random_bytes(secret, sizeof secret);
    enrol_token_write(secret, text);
    assert_int_equal(strlen(text), ENROL_TOKEN_TEXT);
    assert_int_equal(enrol_token_read(view_str(text), again), SP_OK);
    assert_memory_equal(secret, again, sizeof secret);
    assert_int_equal(enrol_token_read(view_slice(view_str(text), 0, 46), again), SP_ERR_MALFORMED);
    text[0] = 'S';
    assert_int_equal(enrol_token_read(view_str(text), again), SP_ERR_MALFORMED);
}

static void lines_are_read_in_their_one_order(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        sp_error want;
    } rows[] = {
        {"https://a.example", SP_OK},
        {" https://a.example/ \n", SP_OK},
        {"https://a.example:8443#" PIN, SP_OK},
        {"https://a.example#" PIN ";" TOKEN, SP_OK},
        {"https://a.example/#" PIN ";front=l7;ca=MIIB;" TOKEN, SP_OK},
        {"", SP_ERR_MALFORMED},
        {"http://a.example", SP_ERR_MALFORMED},
        {"https://", SP_ERR_MALFORMED},
        {"https://user@a.example", SP_ERR_MALFORMED},
        {"https://a.example/path", SP_ERR_MALFORMED},
        {"https://a.example?q", SP_ERR_MALFORMED},
        {"https://a.example#", SP_ERR_MALFORMED},
        {"https://a.example#" TOKEN, SP_ERR_MALFORMED},
        {"https://a.example#SP1:9F2A-71c7-0011-2233-4455-6677-8899-aabb", SP_ERR_MALFORMED},
        {"https://a.example#SP1:9f2a-71c7", SP_ERR_MALFORMED},
        {"https://a.example#" PIN ";" PIN, SP_ERR_MALFORMED},
        {"https://a.example#" PIN ";" TOKEN ";front=l7", SP_ERR_MALFORMED},
        {"https://a.example#" PIN ";front=l4", SP_ERR_MALFORMED},
        {"https://a.example#" PIN ";ca=", SP_ERR_MALFORMED},
        {"https://a.example#" PIN ";ca=M+IB", SP_ERR_MALFORMED},
        {"https://a.example#" PIN ";" TOKEN ";" TOKEN, SP_ERR_MALFORMED},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct enrol_address a;
        struct sp_why why = {0};
        sp_error e = enrol_address_parse(view_str(rows[i].line), &why, &a);

        if (e != rows[i].want)
            fail_msg("%s: %s", rows[i].line, sp_error_code(e));
        if (e != SP_OK)
            assert_true(why.text[0] != '\0');
        /* LOG-3: what is refused may hold a token, which the sentence must not */
        assert_null(strstr(why.text, "AAAA"));
    }
}

static void E2E_02_an_address_names_one_identity(void **state)
{
    (void)state;
    struct key_secret *k = NULL, *other = NULL;
    struct enrol_address a = {.url = "https://a.example"}, read;
    struct buf line;

    buf_init(&line, ENROL_LINE_MAX);
    assert_int_equal(key_secret_new(KEY_ED25519, &k), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &other), SP_OK);
    a.fingerprint = key_fingerprint(key_secret_public(k));
    enrol_address_write(&a, &line);
    assert_int_equal(enrol_address_parse(buf_view(&line), NULL, &read), SP_OK);
    assert_true(enrol_address_names(&read, key_secret_public(k)));
    assert_false(enrol_address_names(&read, key_secret_public(other)));
    read.fingerprint.s[0] = '\0';
    assert_false(enrol_address_names(&read, key_secret_public(k)));
    key_secret_free(k);
    key_secret_free(other);
    buf_deinit(&line);
}

static struct sp_id id_of(uint32_t n)
{
    struct sp_id id = {{1}};

    memcpy(id.bytes + 4, &n, sizeof n);
    return id;
}

static void E2E_T7_an_id_is_spent_once_as_long_as_it_could_be_valid(void **state)
{
    (void)state;
    struct once *o = NULL;

    assert_int_equal(once_new(0, &o), SP_ERR_INVALID);
    assert_int_equal(once_new(ONCE_MAX + 1, &o), SP_ERR_INVALID);
    assert_int_equal(once_new(4, &o), SP_OK);
    assert_int_equal(once_spend(o, id_of(1), 1000, 0), SP_OK);
    assert_int_equal(once_spend(o, id_of(1), 1000, 1), SP_ERR_REPLAY);
    assert_int_equal(once_spend(o, id_of(1), 1000, 1000 + ONCE_KEEP_MS), SP_ERR_REPLAY);
    assert_int_equal(once_spend(o, id_of(1), 1000, 1001 + ONCE_KEEP_MS), SP_OK); /* forgotten */
    /* an older clock is taken as the newest seen: that id is over by it */
    assert_int_equal(once_spend(o, id_of(1), 1000, 0), SP_OK);
    assert_int_equal(once_len(o), 1);
    once_free(o);
    once_free(NULL);
}

static void when_full_it_refuses_and_forgets_nothing_early(void **state)
{
    (void)state;
    enum { MAX = 1000 };
    struct once *o = NULL;

    assert_int_equal(once_new(0, &o), SP_ERR_INVALID);
    assert_int_equal(once_new(ONCE_MAX + 1, &o), SP_ERR_INVALID);
    assert_int_equal(once_new(3, &o), SP_OK); /* down to two, one and none */
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(once_spend(o, id_of(i), 1000 + i, 0), SP_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(once_spend(o, id_of(2), 0, 1001 + i + ONCE_KEEP_MS),
                         i < 2 ? SP_ERR_REPLAY : SP_OK);
        assert_int_equal(once_len(o), i < 2 ? 2 - i : 1);
    }
    once_free(o);
    assert_int_equal(once_new(MAX, &o), SP_OK);
    for (uint32_t i = 0; i < MAX; i++) /* ends in a scrambled order */
        assert_int_equal(once_spend(o, id_of(i), 1000 + (i * 7919) % MAX, 0), SP_OK);
    assert_int_equal(once_spend(o, id_of(MAX), 5000, 0), SP_ERR_FULL);
    assert_int_equal(once_spend(o, id_of(MAX), 5000, 1000 + ONCE_KEEP_MS), SP_ERR_FULL);
    for (uint32_t i = 0; i < MAX; i++)
        assert_int_equal(once_spend(o, id_of(i), 5000, 1000 + ONCE_KEEP_MS), SP_ERR_REPLAY);
    /* each millisecond one of them is over, and exactly that one may come again */
    for (uint32_t ms = 0; ms < MAX; ms++) {
        assert_int_equal(once_spend(o, id_of(MAX + 1 + ms), 1 << 30, 1001 + ms + ONCE_KEEP_MS),
                         SP_OK);
        assert_int_equal(once_len(o), MAX);
    }
    once_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_has_one_text),
        cmocka_unit_test(lines_are_read_in_their_one_order),
        cmocka_unit_test(E2E_02_an_address_names_one_identity),
        cmocka_unit_test(E2E_T7_an_id_is_spent_once_as_long_as_it_could_be_valid),
        cmocka_unit_test(when_full_it_refuses_and_forgets_nothing_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
