#ifndef SP_AUDIT_FIND_H
#define SP_AUDIT_FIND_H

/*
 * find: records of the log by what they say: a page of them costs the same at a thousand and at ten
 * million records.
 *
 * A filter with a person, an app, an action or a result is answered from the postings that the lane
 * wrote with each record (store.h: what lists find a record by); only records that fit are read.
 * Texts (`q`) are looked for in two ways: names, reasons and request ids among all records;
 * sentences in FIND_TEXTS_READ records a page, once the names are given. Each page looks at a
 * bounded number of rows, so it may be shorter than asked for while more follow. Worker threads.
 */

#include "broker/audit/record.h"
#include "broker/store/store.h"

enum {
    FIND_LOOKED_AT = 8000,     /* records that a page reads */
    FIND_TEXTS_READ = 3000,    /* the same where it looks for a text */
    FIND_POSTINGS_MAX = 60000, /* postings that a page walks */
    FIND_NAMES_MAX = 64        /* a part that more names have is looked for in the records alone */
};

struct audit_filter {
    char action[64]; /* "session.deny", or all of a family: "session."; "": any */
    char result[16]; /* "ok", "denied", "error"; "": any */
    char q[256];     /* part of actor, object, request, reason or sentence, in any case; "": any */
    struct sp_id user, app; /* zero: any; a person as actor, object or user */
    sp_unix_ms from, to;    /* from included, to excluded; 0: open */
};

/* Where a page begins and how far it got. */
struct audit_place {
    struct audit_row edge; /* at, shard and seq of the last record before the page; zero: the end */
    bool texts_alone;      /* what names find has been given: sentences only */
};

struct audit_search {
    const struct audit_filter *filter;
    enum audit_order order;
    struct audit_place from;
    size_t want;      /* records at most */
    size_t looked_at; /* records read at most; 0: FIND_LOOKED_AT */
    void (*take)(void *arg, const struct audit_row *row);
    void *arg;
};

/* `next` is where the page after this one begins, when `more`. Errors of the store; SP_ERR_NOMEM.
 */
SP_MUST sp_error audit_find(struct store *st, const struct audit_search *s,
                            struct audit_place *next, bool *more);

#endif
