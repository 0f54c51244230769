#ifndef SP_FEEDS_PULL_H
#define SP_FEEDS_PULL_H

/*
 * pull: one conversation with a vendor: a token, then page after page, until all or nothing.
 *
 * https to the account's two origins and to nothing else: no redirect is followed, a link to the
 * next page stays where it is (intune.h), the token goes to the origin that serves devices only.
 * Each call has PULL_CALL_MS, the whole PULL_WHOLE_MS. Blocks; a thread that may.
 */

#include "broker/feeds/records.h"
#include "broker/feeds/vendor.h"
#include "lib/crypto/secret.h"
#include "lib/http/client.h"

enum {
    PULL_CALL_MS = 15 * 1000,
    PULL_WHOLE_MS = 10 * 60 * 1000,
    PULL_PAGES_MAX = 600,
    PULL_TEXT_MAX = 400
};

/* Borrowed for the call. */
struct feed_account {
    enum feed_vendor vendor;
    const char *base_url, *login_url; /* "https://host[:port]", without a path */
    const char *tenant, *client_id;
    const struct secret *secret;
};

struct feed_pull {
    struct client *client;
    const struct feed_account *account;
    bool probe;              /* only the first page: does it work? */
    bool (*stop)(void *arg); /* asked between calls; NULL: never */
    void *arg;
};

struct feed_outcome {
    sp_error error;
    int status;            /* of the last answer; 0: none came */
    int64_t retry_after_s; /* -1: not asked for */
    int64_t ms;            /* that it took */
    size_t records;
    char text[PULL_TEXT_MAX]; /* what, why, next; of a success: how many devices */
};

/*
 * Adds what the vendor says to `out`; after an error `out` is empty.
 *   SP_ERR_REFUSED      401, 403, 400: the account
 *   SP_ERR_BUSY         429
 *   SP_ERR_CANCELLED    `stop` said so
 *   SP_ERR_MALFORMED, SP_ERR_DENIED, SP_ERR_LIMIT  its answer
 *   errors of client_call; SP_ERR_PROTOCOL another status
 */
SP_MUST sp_error feed_pull(const struct feed_pull *p, struct feed_records *out,
                           struct feed_outcome *o);

#endif
