/* Limits that the connectors of a site share: their demand comes in, their parts go out. */
#include "broker/control/control_internal.h"
#include "broker/control/leases.h"
#include "lib/base/log.h"

#include <stdlib.h>

enum { DEMANDS_A_MINUTE = 6000 }; /* of one connector: 100 apps each second */

struct answering {
    struct api_rules demand;
    struct lease_word words[LEASE_PEERS_MAX];
};

/* The words are sent under the lock: two workers can't tell one connector in the wrong order. */
SP_MUST static sp_error answer(struct turn *t, struct answering *a)
{
    struct control *c = t->control;
    size_t count = 0;

    pthread_mutex_lock(&c->leases_lock);
    sp_error e = leases_report(c->leases, t->peer->id, &a->demand, clock_boot(), a->words, &count);
    for (size_t i = 0; i < count; i++) {
        uint64_t edge = edge_of(c, EDGE_CONNECTOR, a->words[i].connector);
        struct json *members =
            edge == 0 ? NULL : fields_write(api_rules_fields, &a->words[i].shares);
        if (members != NULL)
            listener_send(c->listener, edge, "api.share", members);
    }
    pthread_mutex_unlock(&c->leases_lock);
    return e;
}

void connector_demand(struct turn *t)
{
    struct answering *a = calloc(1, sizeof *a);
    struct sp_why why = {0};
    sp_error e = SP_ERR_NOMEM;

    if (a != NULL &&
        (e = fields_read(t->message->members, api_rules_fields, &why, &a->demand)) == SP_OK)
        e = !minute_takes(&t->peer->demands, clock_boot(), 1, DEMANDS_A_MINUTE) ||
                    !connector_serves(t, a->demand.app)
                ? SP_ERR_DENIED
                : answer(t, a);
    if (e != SP_OK)
        log_event(LOG_WARN, "control.demand", why.text[0] != '\0' ? why.text : sp_error_text(e),
                  "connector", LOG_ID(t->peer->id), NULL);
    free(a);
}
