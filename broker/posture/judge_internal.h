#ifndef SP_POSTURE_JUDGE_INTERNAL_H
#define SP_POSTURE_JUDGE_INTERNAL_H

/*
 * judge_internal: the values of one device: one latest value a signal and source. Inside of
 * judge; its lock is held.
 */

#include "broker/posture/judge.h"
#include "lib/base/buf.h"
#include "lib/base/num.h"

enum {
    HELD_MAX = 256,
    HELD_A_SOURCE = 128 /* that reports of a device may name in all: the rest is for vendors */
};

struct held_value {
    char name[65], source[65], text[129], detail[129];
    enum value_kind kind;
    bool pass;
    double number;
    enum assurance assurance;
    sp_unix_ms observed_at, expires_at;
};

struct device_values {
    struct sp_id device, boot;
    bool has_boot, nonce_open;
    int64_t sequence;
    uint8_t nonce[POSTURE_NONCE_BYTES];
    sp_boot_ms nonce_at;
    sp_boot_ms kept_at;                  /* when they were last written; 0: not since the start */
    enum posture_whole whole;            /* all of them, at every time in since..until */
    sp_unix_ms whole_since, whole_until; /* until 0: to be looked at */
    struct held_value *at;               /* owned; sorted by name, then source */
    size_t count, cap;
};

static inline sp_unix_ms num_expiry(sp_unix_ms at, int64_t ttl)
{
    return num_add_sat(at, ttl);
}

void values_free(struct device_values *d); /* NULL is fine */

/* Replaces the value of (name, source); VALUE_NONE is the word that it could not tell. `*changed`
 * becomes true when it says something else. SP_ERR_LIMIT  HELD_MAX values are there */
SP_MUST sp_error values_set(struct device_values *d, const struct held_value *v, bool *changed);
void values_verdicts(const struct device_values *d, sp_unix_ms now, struct posture_answer *out);
SP_MUST sp_error values_freeze(const struct device_values *d, struct judge_signals *out);

/* As JSON for device_posture, and back. Returns when the last of them expires. */
sp_unix_ms values_write(const struct device_values *d, struct buf *out);
/* What stands in a row, added to `d`; fuzzed by tests/fuzz/fuzz_row.c.
 *   SP_ERR_CORRUPT  not what values_write makes, or more than HELD_MAX
 *   SP_ERR_NOMEM */
SP_MUST sp_error values_read(struct view row, struct device_values *d);
SP_MUST sp_error values_load(struct store *st, struct device_values *d);
SP_MUST sp_error values_store(struct store *st, struct sp_id device, const struct buf *row,
                              sp_unix_ms now, sp_unix_ms until);
enum posture_whole values_whole(struct device_values *d, sp_unix_ms now);

/* The device's values in memory; NULL: it has shown none since the start. */
struct device_values *judge_held(struct judge *j, struct sp_id device);
/* The same, from the store at first sight. */
SP_MUST sp_error judge_find(struct judge *j, struct sp_id device, struct device_values **out);
struct store *judge_lock(struct judge *j);
void judge_unlock(struct judge *j);
/* Whether all that was alive in the store at the start is in memory; the lock is held. */
bool *judge_holds_all(struct judge *j);

#endif
