#include "lib/edge/places.h"

#include "lib/os/sock.h"

#include <ctype.h>
#include <stdio.h>

#include "lib/base/banned.h"

static bool looks_like_place(struct view word)
{
    struct address a;
    size_t dots = 0;

    if (address_from_host(word, 0, &a) == SP_OK)
        return true;
    for (size_t i = 0; i < word.len; i++)
        dots += word.at[i] == '.';
    return dots > 0 && word.len < PLACES_TEXT && isalpha(word.at[word.len - 1]) &&
           isalnum(word.at[0]);
}

static void add_word(struct places *p, struct view word, struct buf *out)
{
    size_t i = 0;

    if (!looks_like_place(word)) {
        buf_add(out, word);
        return;
    }
    while (i < p->count && !view_is(word, p->names[i]))
        i++;
    if (i == p->count && p->count < PLACES_MAX)
        view_copy(p->names[p->count++], PLACES_TEXT, word);
    buf_addf(out, "place-%zu", i + 1);
}

static bool is_word(uint8_t c)
{
    return isalnum(c) || c == '.' || c == '-' || c == '_';
}

void places_hide(struct places *p, struct view text, struct buf *out)
{
    for (size_t at = 0; at < text.len;) {
        size_t n = 0;

        while (at + n < text.len && is_word(text.at[at + n]))
            n++;
        if (n > 0)
            add_word(p, view_slice(text, at, n), out);
        else
            buf_add_byte(out, text.at[at]);
        at += n > 0 ? n : 1;
    }
}
