#include "relay/orphan.h"

#include <stdlib.h>

enum { RETRY_AFTER_S = 1 };

struct orphan {
    struct orphan *next, **at;
    struct leg *leg; /* owned */
};

static void orphan_free(struct orphan *o)
{
    *o->at = o->next;
    if (o->next != NULL)
        o->next->at = o->at;
    leg_free(o->leg);
    free(o);
}

static void on_ended(void *arg, const struct leg_report *r)
{
    (void)r;
    orphan_free(arg);
}

static void on_message(void *arg, struct view bytes)
{
    (void)arg;
    (void)bytes;
}

static void on_opened(void *arg, bool cut_through)
{
    (void)arg;
    (void)cut_through;
}

static const struct leg_events events = {
    .opened = on_opened, .message = on_message, .ended = on_ended};

SP_MUST static struct orphan *adopt(struct relay *relay, struct leg *leg)
{
    struct orphan *o = calloc(1, sizeof *o);

    if (o == NULL) {
        leg_free(leg);
        return NULL;
    }
    *o = (struct orphan){.next = relay->orphans, .at = &relay->orphans, .leg = leg};
    if (o->next != NULL)
        o->next->at = &o->next;
    relay->orphans = o;
    leg_events_set(leg, &events, o);
    return o;
}

void orphan_refuse(struct relay *relay, struct leg *leg, unsigned status, const char *code)
{
    if (adopt(relay, leg) != NULL)
        leg_refuse(leg, status, code, status == 503 ? RETRY_AFTER_S : 0);
}

void orphan_close(struct relay *relay, struct leg *leg, unsigned code, const char *reason)
{
    if (adopt(relay, leg) != NULL)
        leg_close(leg, code, reason);
}

void orphans_free(struct relay *relay)
{
    while (relay->orphans != NULL)
        orphan_free(relay->orphans);
}
