#ifndef SP_API_FIGURES_H
#define SP_API_FIGURES_H

/*
 * figures: what the audit log says of the last 24 hours: sessions opened and denied by hour, and
 * why they were denied.
 *
 * Reads each record once: the first call walks the last day, later ones only what is new, so the
 * overview costs the same with a million records. Memory only. Any thread; locks inside.
 */

#include "lib/base/clock.h"
#include "lib/base/json.h"

struct figures;
struct store;

enum { FIGURES_HOURS = 24, FIGURES_REASONS_MAX = 16, FIGURES_DENIALS_KEPT = 8 };

/* Borrows `st` until figures_free. */
SP_MUST sp_error figures_new(struct store *st, struct figures **out);
void figures_free(struct figures *f);

/* Of the last day. Owned by the caller: opened_24h, denied_24h, hours, reasons, as members of
 * `out`. Errors of the store. */
SP_MUST sp_error figures_day(struct figures *f, sp_unix_ms now, struct json *out);

#endif
