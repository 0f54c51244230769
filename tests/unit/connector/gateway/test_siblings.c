/* What the connectors of a site tell each other, and whose word counts. */
#include "connector/gateway/siblings.h"
#include "lib/os/file.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct sp_id APP = {{1}}, OTHER_APP = {{2}};

static struct secret *key_of(const char *text)
{
    struct secret *s = NULL;

    check_ok(secret_new(view_str(text), &s));
    return s;
}

static void a_key_is_64_hex_digits_that_nobody_else_may_read(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
        sp_error e;
        bool key;
    } rows[] = {{NULL, 0600, SP_OK, false},
                {DIGITS "\n", 0600, SP_OK, true},
                {DIGITS, 0400, SP_OK, true},
                {DIGITS "\n", 0640, SP_ERR_PERMISSION, false},
                {DIGITS "0", 0600, SP_ERR_INVALID, false},
                {"", 0600, SP_ERR_INVALID, false},
                {"not a key\n", 0600, SP_ERR_INVALID, false}};
    char folder[] = "/tmp/sallyport-siblings-XXXXXX", path[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/" SIBLINGS_FILE, folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sp_why why = {{0}, {0}, 0, 0};
        struct secret *site = NULL;
        if (rows[i].text != NULL) {
            check_ok(file_write(path, view_str(rows[i].text), 0600, NULL));
            assert_int_equal(chmod(path, rows[i].mode), 0);
        }
        assert_int_equal(siblings_key(folder, &why, &site), rows[i].e);
        assert_int_equal(site != NULL, rows[i].key);
        check(rows[i].e == SP_OK || why.text[0] != '\0');
        assert_null(strstr(why.text, "00112233"));
        secret_free(site);
    }
    unlink(path);
    rmdir(folder);
}

static void hashes_of_an_app_are_the_same_where_the_key_is(void **state)
{
    struct secret *one = key_of("one key of 32 bytes, or so it is");
    struct secret *two = key_of("another key of 32 bytes, or more");
    uint8_t a[16], b[16];

    (void)state;
    siblings_hash_key(one, APP, a);
    siblings_hash_key(one, APP, b);
    assert_memory_equal(a, b, sizeof a);
    siblings_hash_key(one, OTHER_APP, b);
    assert_memory_not_equal(a, b, sizeof a);
    siblings_hash_key(two, APP, b);
    assert_memory_not_equal(a, b, sizeof a);
    secret_free(one);
    secret_free(two);
}

/* What of `n` objects comes out at a sibling whose key is `theirs`, of a message that is about
 * `app` when it arrives and whose first `cut` digits are gone. */
static sp_error told(size_t n, const char *theirs, struct sp_id app, size_t cut)
{
    static uint64_t in[DETECT_FRESH_MAX + 1], out[DETECT_FRESH_MAX];
    struct secret *mine = key_of("one key of 32 bytes, or so it is"), *other = key_of(theirs);
    struct sp_why why = {{0}, {0}, 0, 0};
    struct api_sealed m;
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        in[i] = i * 0x9e3779b97f4a7c15u;
    struct json *members = siblings_write(mine, APP, n, in);
    assert_non_null(members);
    check_ok(fields_read(members, api_sealed_types[API_OBJECTS].fields, &why, &m));
    check(id_equal(m.app, APP));
    m.app = app;
    m.told = view_slice(m.told, cut, m.told.len);
    sp_error e = siblings_read(other, &m, &count, out);
    if (e == SP_OK) {
        assert_int_equal(count, n);
        assert_memory_equal(in, out, n * sizeof *in);
    }
    json_free(members);
    secret_free(mine);
    secret_free(other);
    return e;
}

static void the_word_of_a_sibling_about_this_app_counts_and_no_other(void **state)
{
    static const char ours[] = "one key of 32 bytes, or so it is",
                      strange[] = "another key of 32 bytes, or more";

    (void)state;
    assert_int_equal(told(1, ours, APP, 0), SP_OK);
    assert_int_equal(told(DETECT_FRESH_MAX, ours, APP, 0), SP_OK);
    assert_int_equal(told(3, strange, APP, 0), SP_ERR_SIGNATURE);
    assert_int_equal(told(3, ours, OTHER_APP, 0), SP_ERR_SIGNATURE);
    assert_int_equal(told(3, ours, APP, 32), SP_ERR_MALFORMED); /* everything */
    assert_int_equal(told(3, ours, APP, 4), SP_ERR_MALFORMED);  /* no whole object */
    assert_int_equal(told(9, ours, APP, 32), SP_ERR_SIGNATURE); /* three objects fewer */
}

/* A seal is for one use: what says whose objects are whose is no word on what is usual. */
static void what_was_sealed_for_one_use_is_none_for_another(void **state)
{
    static const uint8_t bytes[16000] = {1};
    const struct view told = {bytes, sizeof bytes};
    struct secret *key = key_of("one key of 32 bytes, or so it is");
    struct buf out;

    (void)state;
    buf_init(&out, sizeof bytes);
    for (int kind = 0; kind < API_SEALED_KINDS; kind++)
        for (int as = 0; as < API_SEALED_KINDS; as++) {
            struct sp_why why = {{0}, {0}, 0, 0};
            struct api_sealed m;
            struct json *j = siblings_seal(key, (enum api_sealed_kind)kind, APP, told);
            check_ok(fields_read(j, api_sealed_types[kind].fields, &why, &m));
            buf_reset(&out);
            assert_int_equal(siblings_open(key, (enum api_sealed_kind)as, &m, &out),
                             as == kind ? SP_OK : SP_ERR_SIGNATURE);
            check(as != kind || view_equal(buf_view(&out), told));
            json_free(j);
        }
    static const uint8_t more[API_SEALED_TEXT_MAX] = {1};
    check(siblings_seal(key, API_USUAL, APP, (struct view){more, sizeof more}) == NULL);
    buf_deinit(&out);
    secret_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_64_hex_digits_that_nobody_else_may_read),
        cmocka_unit_test(hashes_of_an_app_are_the_same_where_the_key_is),
        cmocka_unit_test(the_word_of_a_sibling_about_this_app_counts_and_no_other),
        cmocka_unit_test(what_was_sealed_for_one_use_is_none_for_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
