#include "lib/schema/keyword.h"

#include "lib/base/banned.h"

#define KEYWORD_ROW(id, word, children, in_30) {word, children, in_30},
static const struct {
    const char *word;
    enum children children;
    bool in_30;
} keywords[] = {KEYWORDS(KEYWORD_ROW)};

enum keyword keyword_find(struct view word)
{
    size_t low = 0, high = KEYWORD_COUNT;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = view_compare(word, view_str(keywords[middle].word));
        if (c == 0)
            return (enum keyword)middle;
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return KEYWORD_COUNT;
}

const char *keyword_word(enum keyword k)
{
    return keywords[k].word;
}

enum children keyword_children(enum keyword k)
{
    return keywords[k].children;
}

bool keyword_in_openapi_30(enum keyword k)
{
    return keywords[k].in_30;
}
