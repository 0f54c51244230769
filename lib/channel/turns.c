#include "lib/channel/turns.h"

void turns_begin(struct turns *t, const struct address *found, size_t count)
{
    t->count = count < RESOLVE_ADDRESSES_MAX ? count : RESOLVE_ADDRESSES_MAX;
    memcpy(t->found, found, t->count * sizeof *found);
    t->untried = t->count - 1;
}

const struct address *turns_now(const struct turns *t)
{
    return &t->found[t->at % t->count];
}

bool turns_next(struct turns *t)
{
    t->at++;
    if (t->untried == 0)
        return false;
    t->untried--;
    return true;
}
