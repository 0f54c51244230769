#include "connector/gateway/outside.h"

#include "lib/http/url.h"

bool outside_allows(const struct outside *o, const char *url)
{
    struct url u;

    return o->issuer_allowed != NULL && url_parse(view_str(url), &u) == SP_OK &&
           o->issuer_allowed(o->arg, u.host, u.port);
}

void waiter_add(struct waiter **list, struct waiter *w)
{
    w->next = *list;
    w->at = list;
    if (w->next != NULL)
        w->next->at = &w->next;
    *list = w;
}

void waiter_cancel(struct waiter *w)
{
    if (w->at == NULL)
        return;
    *w->at = w->next;
    if (w->next != NULL)
        w->next->at = w->at;
    w->next = NULL;
    w->at = NULL;
}

void waiter_wake(struct waiter **list)
{
    /* To a list of its own first: a woken one may wait again, and may cancel another. */
    struct waiter *woken = *list;

    *list = NULL;
    if (woken != NULL)
        woken->at = &woken;
    while (woken != NULL) {
        struct waiter *w = woken;
        waiter_cancel(w);
        w->fn(w->arg);
    }
}
