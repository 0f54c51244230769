#ifndef SP_FEEDS_FEEDS_H
#define SP_FEEDS_FEEDS_H

/*
 * feeds: vendors that are asked how our devices stand: their accounts, when each is asked, and
 * where what they say goes (ECOSYSTEM.md section 10, FLT-12).
 *
 * A thread of its own asks one vendor after another (schedule.h); no worker waits for one but in
 * feeds_test and feeds_put, which try an account. Of each vendor one call is under way at a time.
 * An answer counts as a whole or not at all: its records are joined (join.h) and become values of
 * the device in broker/posture with assurance `vendor`, which expire at the feed's ttl after the
 * answer. A vendor that fails leaves all as it was: values age, and past their end are unknown.
 * The client's secret is sealed under a subkey of the master key, with the vendor's name as
 * associated data (HRD-15), and goes to the two origins it was given for.
 * Any thread; the functions block.
 */

#include "broker/audit/record.h"
#include "broker/feeds/join.h"
#include "broker/feeds/pull.h"
#include "broker/feeds/schedule.h"
#include "broker/posture/judge.h"

struct feeds;

enum {
    FEED_SECRET_MAX = 512,
    FEED_TTL_MS_MAX = 7 * 24 * 60 * 60 * 1000,
    FEED_UNJOINED_MAX = 1000, /* that are listed by name; the rest is counted */
    FEED_TURN_MS = 20 * 1000  /* that a test waits for the call before it */
};

struct feeds_options {
    struct store *store; /* borrowed until feeds_free, like the others */
    struct judge *judge;
    const struct secret *master;   /* borrowed for the call */
    const char *ca_file;           /* more CAs; NULL: the system's */
    const struct proxy_env *proxy; /* NULL: none */
};
/* Reads the accounts and starts the thread.
 *   SP_ERR_INTEGRITY  a secret is sealed under another master key; errors of client_new, store */
SP_MUST sp_error feeds_new(const struct feeds_options *o, struct sp_why *why, struct feeds **out);
/* Waits for the call under way, PULL_CALL_MS at most. NULL is fine. */
void feeds_free(struct feeds *f);

/* An account as an administrator gives it; texts are borrowed for the call. */
struct feed_spec {
    enum feed_vendor vendor;
    const char *base_url, *login_url; /* https origins; NULL: of the vendor's usual region */
    const char *tenant, *client_id;
    struct view secret; /* empty: as it is, which only the same client at the same origins may */
    int64_t interval_ms, ttl_ms; /* 0: FEED_INTERVAL_MS; 0: twice the interval */
    const char *untested;        /* why it is kept without a passing test; NULL: it is tested */
};

enum feed_state { FEED_NEW = 0, FEED_WORKS, FEED_FAILS };
const char *feed_state_word(enum feed_state s); /* "not_asked", "ok", "failing" */

/* How a feed stands; a copy. */
struct feed_view {
    enum feed_vendor vendor;
    enum feed_state state;
    struct feed_row row; /* without its secret */
    bool busy;           /* a call is under way */
    size_t not_joined;   /* of the last good answer since the start */
};

/*
 * A new account, or in place of the one that is there, together with its audit record. It is tried
 * first, unless `untested` says why not, and asked in earnest at once.
 *   SP_ERR_INVALID      a field, named in `why`
 *   SP_ERR_REFUSED, SP_ERR_UNREACHABLE, …  the test failed: `why` has its words
 *   SP_ERR_BUSY         a call was under way for FEED_TURN_MS
 */
SP_MUST sp_error feeds_put(struct feeds *f, const struct feed_spec *spec,
                           const struct audit_record *by, struct sp_why *why,
                           struct feed_view *out);
/* Its values count until they expire.   SP_ERR_NOT_FOUND, SP_ERR_BUSY */
SP_MUST sp_error feeds_remove(struct feeds *f, enum feed_vendor vendor,
                              const struct audit_record *by);
/* Tries the account that is kept. SP_OK whatever came of it: `out` says.
 *   SP_ERR_NOT_FOUND, SP_ERR_BUSY */
SP_MUST sp_error feeds_test(struct feeds *f, enum feed_vendor vendor, struct feed_outcome *out);
/* It is asked at once, whatever its schedule says, but for a wait that the vendor asked for.
 *   SP_ERR_NOT_FOUND */
SP_MUST sp_error feeds_sync(struct feeds *f, enum feed_vendor vendor);

/*   SP_ERR_NOT_FOUND */
SP_MUST sp_error feeds_get(struct feeds *f, enum feed_vendor vendor, struct feed_view *out);
typedef void each_feed_view(void *arg, const struct feed_view *v);
void feeds_each(struct feeds *f, each_feed_view *each, void *arg); /* by name */

/* A record that is no device's. */
struct feed_unjoined {
    char id[FEED_ID_MAX + 1], serial[FEED_SERIAL_MAX + 1];
    enum join_result why;
};
/* Copies at most `max` of the last good answer. SP_ERR_NOT_FOUND */
SP_MUST sp_error feeds_unjoined(struct feeds *f, enum feed_vendor vendor, struct feed_unjoined *out,
                                size_t max, size_t *count);

#endif
