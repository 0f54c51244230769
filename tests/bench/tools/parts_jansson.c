#include "tests/bench/tools/parts.h"

#include <jansson.h>

bool parts_jansson(const char *text, size_t len)
{
    json_t *j = json_loadb(text, len, 0, NULL);
    bool parsed = j != NULL;

    json_decref(j);
    return parsed;
}
