#include "tests/unit/lib/crypto/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/base/encode.h"

enum { VECTORS_BYTES_MAX = 1024 * 1024 };

struct json *vectors_load(const char *name)
{
    struct json *j = NULL;
    struct buf path, text;
    uint8_t chunk[4096];
    size_t n;
    FILE *f;

    buf_init(&path, 4096);
    buf_init(&text, VECTORS_BYTES_MAX);
    buf_addf(&path, "%s/%s", SP_TEST_VECTORS, name);
    f = fopen(buf_cstr(&path), "rb");
    assert_non_null(f);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(&text, (struct view){chunk, n});
    fclose(f);
    assert_int_equal(buf_error(&text), SP_OK);
    assert_int_equal(json_parse(buf_view(&text), VECTORS_BYTES_MAX, NULL, &j), SP_OK);
    buf_deinit(&text);
    buf_deinit(&path);
    return j;
}

struct view vectors_hex(const struct json *object, const char *member, struct buf *out)
{
    struct view text = json_str(json_get(object, member));

    buf_reset(out);
    assert_int_equal(buf_reserve(out, text.len / 2 + 1), SP_OK);
    assert_int_equal(decode_hex_exact(text, out->at, text.len / 2), SP_OK);
    out->len = text.len / 2;
    return buf_view(out);
}
