#include "lib/channel/inbox.h"

#include <stdlib.h>

sp_error inbox_put(struct inbox *b, struct view text)
{
    struct inbox_message *m = malloc(sizeof *m + text.len);

    if (m == NULL)
        return SP_ERR_NOMEM;
    m->next = NULL;
    if (text.len > 0)
        memcpy(m->bytes, text.at, text.len);
    m->text = (struct view){m->bytes, text.len};
    *(b->first == NULL ? &b->first : &b->last->next) = m;
    b->last = m;
    return SP_OK;
}

struct inbox_message *inbox_take(struct inbox *b)
{
    struct inbox_message *m = b->first;

    if (m != NULL)
        b->first = m->next;
    return m;
}

void inbox_clear(struct inbox *b)
{
    struct inbox_message *m;

    while ((m = inbox_take(b)) != NULL)
        free(m);
}
