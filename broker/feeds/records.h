#ifndef SP_FEEDS_RECORDS_H
#define SP_FEEDS_RECORDS_H

/*
 * records: what a vendor says of devices, in the words of the policy (ECOSYSTEM.md section 10).
 *
 * Made by   the parsers of answers: falcon.h, intune.h.
 * Read by   join.h, which finds whose records they are, and feeds.c, which keeps the values.
 * A zeroed list is empty. Owned by whoever holds it; one thread.
 */

#include "broker/policy/policy.h"
#include "lib/base/json.h"

enum {
    FEED_RECORDS_MAX = 50 * 1000, /* of one answer as a whole: 40 MB while it is joined */
    FEED_ID_MAX = 64,
    FEED_SERIAL_MAX = 64,
    FEED_TEXT_MAX = 31,
    FEED_VALUES_MAX = 8
};

struct feed_value {
    const char *signal;   /* "falcon:overall"; static storage */
    enum value_kind kind; /* VALUE_NONE: the vendor does not say, or in a word that we don't know */
    bool pass;
    double number;
    char text[FEED_TEXT_MAX + 1];
};

struct feed_record {
    char id[FEED_ID_MAX + 1];         /* the vendor's own */
    char serial[FEED_SERIAL_MAX + 1]; /* as the vendor writes it; "": none, or too long */
    sp_unix_ms seen_at;               /* when the vendor last heard of it; 0: it doesn't say */
    size_t count;
    struct feed_value at[FEED_VALUES_MAX];
};

struct feed_records {
    struct feed_record *at; /* owned */
    size_t count, cap;
};
void feed_records_free(struct feed_records *r); /* empties */

/* One more, empty.   SP_ERR_LIMIT  FEED_RECORDS_MAX are there; SP_ERR_NOMEM */
SP_MUST sp_error feed_records_add(struct feed_records *r, struct feed_record **out);

/* ---- for parsers: one value of a record from one member of the vendor's object; missing, null,
 * of another kind or out of range is VALUE_NONE. At most FEED_VALUES_MAX a record. ---- */

struct feed_member {
    const char *signal, *name; /* static */
};
void feed_take_score(struct feed_record *r, struct feed_member m, const struct json *object);
void feed_take_pass(struct feed_record *r, struct feed_member m, const struct json *object);
/* One of `words` (NULL-ended); NULL: any text of printable ASCII. */
void feed_take_word(struct feed_record *r, struct feed_member m, const struct json *object,
                    const char *const words[]);

/* "2026-11-25T04:05:06Z" of a member; 0 for none, another kind, or a time before 2000. */
sp_unix_ms feed_time(const struct json *object, const char *name);
/* Printable ASCII of at most `size` - 1 bytes, else "". */
void feed_text(const struct json *object, const char *name, char *out, size_t size);

#endif
