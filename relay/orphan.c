#include "relay/orphan.h"

#include <stdlib.h>

enum { RETRY_AFTER_S = 1 };

struct orphan {
    struct leg *leg; /* owned */
};

static void on_ended(void *arg, const struct leg_report *r)
{
    struct orphan *o = arg;

    (void)r;
    leg_free(o->leg);
    free(o);
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

SP_MUST static struct orphan *adopt(struct leg *leg)
{
    struct orphan *o = calloc(1, sizeof *o);

    if (o == NULL) {
        leg_free(leg);
        return NULL;
    }
    o->leg = leg;
    leg_events_set(leg, &events, o);
    return o;
}

void orphan_refuse(struct relay *relay, struct leg *leg, unsigned status, const char *code)
{
    (void)relay;
    if (adopt(leg) != NULL)
        leg_refuse(leg, status, code, status == 503 ? RETRY_AFTER_S : 0);
}

void orphan_close(struct relay *relay, struct leg *leg, unsigned code, const char *reason)
{
    (void)relay;
    if (adopt(leg) != NULL)
        leg_close(leg, code, reason);
}
