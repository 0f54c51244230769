/* FUZ-15. */
#include "fuzz.h"

#include "lib/config/tree.h"

#include <stdlib.h>

/* Whatever is read has a root, can be written, and knows a line for each member. */
static void check(const struct tree *t, const struct json *j)
{
    unsigned line, column;

    for (void *i = json_iter(j); i != NULL; i = json_iter_next(j, i)) {
        tree_place_member(t, j, json_iter_name(i), &line, &column);
        if (line == 0 || column == 0)
            abort();
        check(t, json_iter_value(i));
    }
    for (size_t i = 0; json_kind(j) == JSON_ARRAY && i < json_len(j); i++)
        check(t, json_at(j, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct tree *t = NULL;
    struct buf out;

    sp_error e = tree_parse((struct view){data, size}, 4096, &why, &t);
    if (e == SP_ERR_MALFORMED && (why.line == 0 || why.text[0] == '\0'))
        abort();
    if (e != SP_OK && t != NULL)
        abort();
    if (e == SP_OK) {
        buf_init(&out, 1024 * 1024);
        if (tree_root(t) == NULL || json_write(tree_root(t), &out) != SP_OK)
            abort();
        check(t, tree_root(t));
        buf_deinit(&out);
    }
    tree_free(t);
    return 0;
}
