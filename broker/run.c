#include "broker/run_internal.h"

#include "broker/audit/chain.h"
#include "lib/base/log.h"
#include "lib/os/loop.h"
#include "lib/os/service.h"

#include <stdlib.h>

struct loop *broker_loop(struct broker *b)
{
    return b->loop;
}

const char *broker_origin(const struct broker *b)
{
    return b->config->public_url;
}

struct accounts *broker_accounts(struct broker *b)
{
    return b->accounts;
}

void broker_stop(struct broker *b)
{
    service_done(b->service);
}

sp_error broker_run(const struct broker_config *config, const struct run_hooks *hooks,
                    struct sp_why *why)
{
    static const struct run_hooks none;
    struct broker *b = calloc(1, sizeof *b);
    sp_error e;

    if (b == NULL)
        return SP_ERR_NOMEM;
    *b = (struct broker){.config = config, .hooks = hooks == NULL ? &none : hooks, .lock_fd = -1};
    if ((e = broker_start_all(b, why)) == SP_OK) {
        const struct audit_record started = {.event = AUDIT_BROKER_START, .text = "started"};
        e = audit_now(b->store, &started);
    }
    if (e == SP_OK) {
        log_event(LOG_INFO, "broker.ready", config->public_url, "fingerprint", b->fingerprint.s,
                  NULL);
        service_ready(b->service, "ready");
        if (b->hooks->ready != NULL)
            b->hooks->ready(b->hooks->arg, b);
        loop_run(b->loop);
        if (b->hooks->end != NULL)
            b->hooks->end(b->hooks->arg);
    }
    broker_stop_all(b);
    free(b);
    return e;
}
