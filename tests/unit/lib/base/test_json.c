#include "lib/base/json.h"
#include "lib/base/json_wipe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void strict_reading(void **state)
{
    static const struct {
        const char *text;
        sp_error e;
        unsigned line;
    } cases[] = {
        {"{\"a\":1}", SP_OK, 0},
        {" 1 ", SP_OK, 0},
        {"{\"a\":1,\"a\":2}", SP_ERR_MALFORMED, 1},
        {"{\"a\":1} x", SP_ERR_MALFORMED, 1},
        {"{\n\"a\":}", SP_ERR_MALFORMED, 2},
        {"", SP_ERR_MALFORMED, 1},
        {"\"\\u0000\"", SP_ERR_MALFORMED, 1},
        {"{\"\\u0000\":1}", SP_ERR_MALFORMED, 1},
        {"\"\xff\"", SP_ERR_MALFORMED, 1},
        {"\"\\ud800\"", SP_ERR_MALFORMED, 1},
        {"9223372036854775807", SP_OK, 0},
        {"9223372036854775808", SP_ERR_MALFORMED, 1},
        {"1e999", SP_ERR_MALFORMED, 1},
        {"01", SP_ERR_MALFORMED, 1},
        {"NaN", SP_ERR_MALFORMED, 1},
        {"[1,]", SP_ERR_MALFORMED, 1},
        {"\"a\tb\"", SP_ERR_MALFORMED, 1},
        {"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", SP_OK, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sp_why why = {{0}, {0}, 0, 0};
        struct json *j = NULL;
        if (json_parse(view_str(cases[i].text), 4096, &why, &j) != cases[i].e ||
            why.line != cases[i].line)
            fail_msg("%s: line %u %s", cases[i].text, why.line, why.text);
        json_free(j);
    }
}

static void limits_of_reading(void **state)
{
    char deep[2 * (JSON_DEPTH_MAX + 1) + 1] = "";
    struct json *j = NULL;

    (void)state;
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        assert_int_equal(json_parse((struct view){(uint8_t *)deep, 2 * depth}, 4096, NULL, &j),
                         depth <= JSON_DEPTH_MAX ? SP_OK : SP_ERR_LIMIT);
        json_free(j);
        j = NULL;
    }
    assert_int_equal(json_parse(view_str("[1]"), 3, NULL, &j), SP_OK);
    json_free(j);
    j = NULL;
    assert_int_equal(json_parse(view_str("[11]"), 3, NULL, &j), SP_ERR_LIMIT);
}

static void typed_members(void **state)
{
    static const char text[] = "{\"s\":\"abc\",\"n\":5,\"r\":1.5,\"t\":true,\"z\":null,"
                               "\"id\":\"AAECAwQFBgcICQoLDA0ODw\",\"a\":[1,2]}";
    static const char *const names[] = {"s", "n", "r", "t", "z", "id", "a", NULL};
    static const char *const fewer[] = {"s", "n", "r", "t", "z", "id", NULL};
    struct sp_why why = {{0}, {0}, 0, 0};
    struct json *j = NULL;
    struct view v;
    struct sp_id id;
    uint8_t bytes[16];
    int64_t n;
    double d;
    bool b;

    (void)state;
    assert_int_equal(json_parse(view_str(text), 4096, NULL, &j), SP_OK);
    assert_int_equal(json_get_str(j, "s", 3, &v), SP_OK);
    assert_true(view_is(v, "abc"));
    assert_int_equal(json_get_str(j, "s", 2, &v), SP_ERR_MALFORMED);
    assert_int_equal(json_get_str(j, "n", 9, &v), SP_ERR_MALFORMED);
    assert_int_equal(json_get_str(j, "x", 9, &v), SP_ERR_NOT_FOUND);
    assert_int_equal(json_get_int(j, "n", 5, 5, &n), SP_OK);
    assert_int_equal(json_get_int(j, "n", 6, 9, &n), SP_ERR_MALFORMED);
    assert_int_equal(json_get_int(j, "r", 0, 9, &n), SP_ERR_MALFORMED);
    assert_int_equal(json_get_bool(j, "t", &b), SP_OK);
    assert_true(b);
    assert_int_equal(json_get_bool(j, "z", &b), SP_ERR_MALFORMED);
    assert_int_equal(json_get_id(j, "id", &id), SP_OK);
    assert_int_equal(id.bytes[15], 15);
    assert_int_equal(json_get_id(j, "s", &id), SP_ERR_MALFORMED);
    assert_int_equal(json_get_base64url(j, "id", bytes, 16), SP_OK);
    assert_int_equal(json_get_base64url(j, "id", bytes, 15), SP_ERR_MALFORMED);
    assert_true(json_number(json_get(j, "r"), &d) && d == 1.5);
    assert_false(json_number(json_get(j, "s"), &d));
    assert_int_equal(json_len(json_get(j, "a")), 2);
    assert_int_equal(json_kind(json_get(j, "z")), JSON_NULL);
    assert_int_equal(json_kind(json_get(j, "nothing")), JSON_MISSING);
    assert_int_equal(json_kind(json_get(json_get(j, "a"), "x")), JSON_MISSING);
    assert_int_equal(json_only(j, names, &why), SP_OK);
    assert_int_equal(json_only(j, fewer, &why), SP_ERR_MALFORMED);
    assert_string_equal(why.text, "unknown member \"a\"");
    assert_int_equal(json_only(json_get(j, "a"), names, &why), SP_ERR_MALFORMED);
    json_free(j);
}

static void assert_text(struct json *j, sp_error write(const struct json *, struct buf *),
                        const char *text)
{
    struct buf out;

    buf_init(&out, 4096);
    assert_int_equal(write(j, &out), SP_OK);
    assert_string_equal(buf_cstr(&out), text);
    buf_deinit(&out);
}

static void members_keep_their_order_or_are_sorted(void **state)
{
    struct json *j = NULL;
    char order[8] = "";

    (void)state;
    assert_int_equal(
        json_parse(view_str("{\"b\":1,\"a\":{\"d\":1,\"c\":2},\"C\":3}"), 99, NULL, &j), SP_OK);
    for (void *i = json_iter(j); i != NULL; i = json_iter_next(j, i))
        order[strlen(order)] = json_iter_name(i)[0];
    assert_string_equal(order, "baC");
    assert_text(j, json_write, "{\"b\":1,\"a\":{\"d\":1,\"c\":2},\"C\":3}");
    assert_text(j, json_write_sorted, "{\"C\":3,\"a\":{\"c\":2,\"d\":1},\"b\":1}");
    json_free(j);
}

static void builders_lose_nothing_in_silence(void **state)
{
    struct json *j = json_object(), *list = json_array();
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    json_set_cstr(j, "s", "é\"\n");
    json_set_cstr(j, "null", NULL);
    json_set_int(j, "n", -1);
    json_set_bool(j, "b", true);
    json_set_time(j, "t", 0);
    json_set_base64url(j, "k", view_str("foob"));
    json_push(list, json_new_int(1));
    json_set(j, "list", list);
    json_remove(j, "n");
    assert_text(j, json_write,
                "{\"s\":\"é\\\"\\n\",\"null\":null,\"b\":true,\"t\":\"1970-01-01T00:00:00.000Z\","
                "\"k\":\"Zm9vYg\",\"list\":[1]}");
    struct json *copy = json_copy(j);
    assert_true(json_equal(j, copy));
    json_set_str(copy, "bad", view_str("\xff"));
    buf_add_str(&out, "x");
    assert_int_equal(json_write(copy, &out), SP_ERR_INVALID);
    assert_true(view_is(buf_view(&out), "x"));
    json_free(copy);
    json_set_int(NULL, "a", 1); /* a container that could not be made */
    assert_int_equal(json_write(j, &out), SP_ERR_NOMEM);
    assert_int_equal(json_write(j, &out), SP_OK);
    assert_int_equal(json_write(NULL, &out), SP_ERR_NOMEM);
    buf_deinit(&out);
    buf_init(&out, 10);
    assert_int_equal(json_write(j, &out), SP_ERR_LIMIT);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
    json_free(j);
}

enum { NEEDLE = 40, MAPPING_MAX = 64 * 1024 * 1024 };

/* Never in memory as it is written here: each byte is one more. */
static void spell(char out[NEEDLE])
{
    static const char text[NEEDLE + 1] = "ebdZ,wPv3,0nQf1=Ks-7Hg,oT2xUq8yRc4LmJ6aB";

    for (size_t i = 0; i < NEEDLE; i++)
        out[i] = (char)(text[i] + 1);
}

static size_t count_in(int mem, unsigned long from, unsigned long to, const char needle[NEEDLE])
{
    size_t n = to - from, found = 0;
    char *copy = malloc(n);

    assert_non_null(copy);
    ssize_t got = pread(mem, copy, n, (off_t)from);
    for (const char *at = copy; got > 0 && at + NEEDLE <= copy + got; at++)
        found += *at == needle[0] && memcmp(at, needle, NEEDLE) == 0;
    explicit_bzero(copy, n);
    free(copy);
    return found;
}

/* How often the needle lies in what this process can write to, but for `needle` itself. */
static size_t count_needles(const char needle[NEEDLE])
{
    static char lines[512][64];
    size_t count = 0, found = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    assert_non_null(maps);
    assert_true(mem >= 0);
    while (fgets(line, sizeof line, maps) != NULL && count < 512)
        if (strstr(line, " rw-p ") != NULL)
            snprintf(lines[count++], sizeof lines[0], "%.63s", line);
    fclose(maps);
    for (size_t i = 0; i < count; i++) {
        unsigned long from = strtoul(lines[i], NULL, 16);
        unsigned long to = strtoul(strchr(lines[i], '-') + 1, NULL, 16);
        if (to - from <= MAPPING_MAX)
            found += count_in(mem, from, to, needle);
    }
    close(mem);
    return found - 1;
}

/* Last: it holds for the process. The secret's member, its escapes and a text that grows. */
static void what_is_freed_is_wiped(void **state)
{
    static const struct {
        const char *before, *after;
    } forms[] = {{"{\"secret\":\"", "\"}"},
                 {"[\"\\u0041", "\",1]"},
                 {"{\"", "\":null}"},
                 {"{\"a\":\"", "\",\"a\":1}"}};
    char needle[NEEDLE], text[128];

    (void)state;
    json_wipe_freed();
    spell(needle);
    assert_int_equal(count_needles(needle), 0);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct json *j = NULL;
        snprintf(text, sizeof text, "%s%.*s%s", forms[i].before, NEEDLE, needle, forms[i].after);
        sp_error e = json_parse(view_str(text), sizeof text, NULL, &j);
        assert_int_equal(e, i < 3 ? SP_OK : SP_ERR_MALFORMED);
        explicit_bzero(text, sizeof text);
        assert_true(i == 3 || count_needles(needle) > 0);
        json_free(j);
        assert_int_equal(count_needles(needle), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_reading),
        cmocka_unit_test(limits_of_reading),
        cmocka_unit_test(typed_members),
        cmocka_unit_test(members_keep_their_order_or_are_sorted),
        cmocka_unit_test(builders_lose_nothing_in_silence),
        cmocka_unit_test(what_is_freed_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
