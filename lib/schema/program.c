#include "lib/schema/program.h"

#include <stdlib.h>

#include "lib/base/banned.h"

uint32_t program_type_of(yyjson_val *v)
{
    switch (unsafe_yyjson_get_type(v)) {
    case YYJSON_TYPE_NULL:
        return TYPE_NULL;
    case YYJSON_TYPE_BOOL:
        return TYPE_BOOL;
    case YYJSON_TYPE_STR:
        return TYPE_STRING;
    case YYJSON_TYPE_ARR:
        return TYPE_ARRAY;
    case YYJSON_TYPE_OBJ:
        return TYPE_OBJECT;
    default:
        return value_is_integer(v) ? TYPE_INTEGER : TYPE_NUMBER;
    }
}

const struct entry *table_find(const struct schema_program *p, const struct table *t,
                               struct view name)
{
    const struct entry *entries = table_entries(t);

    if (t->mask == 0) {
        for (uint32_t i = 0; i < t->count; i++) {
            if (entry_is(p, &entries[i], name))
                return &entries[i];
        }
        return NULL;
    }
    const uint32_t *cells = table_cells(t);
    for (uint32_t c = (uint32_t)hash_bytes(name, 0) & t->mask; cells[c] != 0;
         c = (c + 1) & t->mask) {
        const struct entry *e = &entries[cells[c] - 1];
        if (entry_is(p, e, name))
            return e;
    }
    return NULL;
}

void schema_program_free(struct schema_program *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->pattern_count; i++)
        pattern_free(p->patterns[i]);
    scratch_deinit(&p->constant_memory);
    free(p->nodes);
    free(p->code);
    free(p->words);
    free(p->texts);
    free(p->bytes);
    free(p->patterns);
    free(p->dynamics);
    free(p->constants);
    free(p);
}

size_t schema_program_bytes(const struct schema_program *p)
{
    size_t patterns = 0;

    for (size_t i = 0; i < p->pattern_count; i++)
        patterns += pattern_bytes(p->patterns[i]);
    return sizeof *p + p->node_count * sizeof *p->nodes + p->code_count * sizeof *p->code +
           p->word_count * sizeof *p->words + p->text_count * sizeof *p->texts + p->byte_count +
           p->pattern_count * sizeof *p->patterns + p->dynamic_count * sizeof *p->dynamics +
           p->constant_count * sizeof *p->constants + p->constant_memory.held + patterns;
}
