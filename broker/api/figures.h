#ifndef SP_API_FIGURES_H
#define SP_API_FIGURES_H

/*
 * figures: what the overview counts over everything: sessions opened and denied in the last 24
 * hours, from counters that the store keeps with the records, and how the devices stand.
 *
 * The devices are counted anew when the last count is older than twenty times what it took: at once
 * where they are few, every second or two where they are a hundred thousand. Any thread.
 */

#include "broker/posture/judge.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"

struct figures;
struct store;

enum { FIGURES_HOURS = 24 };

/* Borrows `st` until figures_free. */
SP_MUST sp_error figures_new(struct store *st, struct figures **out);
void figures_free(struct figures *f);

/* Of the last day, the hour that runs included: opened_24h, denied_24h, hours, reasons, as members
 * of `out`. Errors of the store. */
SP_MUST sp_error figures_day(struct figures *f, sp_unix_ms now, struct json *out);
/* Errors of judge_tally(). */
SP_MUST sp_error figures_devices(struct figures *f, struct judge *judge, sp_unix_ms now,
                                 struct posture_tally *out);

#endif
