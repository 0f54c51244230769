#ifndef SP_GATEWAY_LEDGER_H
#define SP_GATEWAY_LEDGER_H

/*
 * ledger: what the broker has not been told yet of the requests of one app: how many there were,
 * whether their bodies could be read, and whom steps refused or would have refused. Of fixed size:
 * hits beyond LEDGER_HITS different ones are counted as lost. Loop thread.
 */

#include "connector/gateway/pipeline.h"
#include "lib/proto/gateway.h"

enum { LEDGER_HITS = 128 };

struct ledger_hit {
    uint64_t key;
    struct sp_id session;
    const char *reason; /* of gw_reasons */
    char rule[API_WORD_MAX + 1], endpoint[256];
    int64_t blocked, monitor;
    sp_unix_ms last;
};

struct ledger {
    struct api_coverage since;
    size_t hit_count;
    struct ledger_hit hits[LEDGER_HITS];
};

/* An exchange at its end. */
void ledger_account(struct ledger *l, const struct gw_exchange *x, sp_unix_ms now);

/* Its part of a report, borrowed from `l`. */
void ledger_write(const struct ledger *l, struct api_report *out);
/* `r`, written from it, was taken. */
void ledger_told(struct ledger *l, const struct api_report *r);

#endif
