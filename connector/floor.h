#ifndef SP_CONNECTOR_FLOOR_H
#define SP_CONNECTOR_FLOOR_H

/*
 * floor: what this machine's owner lets the connector do, whatever any broker says (E2E-6).
 *
 * A file of lines, read by this room alone, so that the last word hangs on no library:
 *
 *   # comment                          to the end of the line
 *   allow wiki.internal:443            a name and its ports
 *   allow *.corp.internal:80,443       every name below it, not the name itself
 *   allow 10.20.0.0/16:22,8000-8099    addresses, also for names that resolve to them
 *   allow [fd20::/16]:*            IPv6 in brackets; `*` is every port
 *   deny  10.20.9.0/24                 beats every allow; ports may be left out
 *   issuer idp.example                 access tokens of http apps may be checked with this host:
 *                                      key sets, introspection; ports as above, 443 when left out
 *   max-deadline 12h                   no session lasts longer; at most once
 *   signer ed25519:…                   app records of these record keys only
 *
 * A target may be dialled if a rule allows its name or its resolved address, and none denies
 * either. Loopback, link-local and metadata addresses, and this machine's own, need more: a rule
 * that lies in that class (127.0.0.0/8, 169.254.169.254); for an own address the address itself.
 * Multicast and unusable ones are never dialled. Without a file nothing is allowed.
 * floor_parse and the judges are pure. Fuzzed by tests/fuzz/fuzz_floor.c.
 */

#include "lib/base/view.h"
#include "lib/base/why.h"
#include "lib/crypto/key.h"
#include "lib/os/resolve.h"

enum {
    FLOOR_BYTES_MAX = 256 * 1024,
    FLOOR_RULES_MAX = 1024,
    FLOOR_RANGES_MAX = 16, /* port ranges of one rule */
    FLOOR_SIGNERS_MAX = 8
};

struct floor; /* does not change once made */

/*
 * `why` gets line, column and what would be right.
 *   SP_ERR_LIMIT      longer than FLOOR_BYTES_MAX, or more rules, ranges or signers than may be
 *   SP_ERR_MALFORMED
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error floor_parse(struct view text, struct sp_why *why, struct floor **out);

/*
 * The file at `path`, which belongs to this user or root and which nobody else may write. Blocks.
 * Errors as floor_parse and file_read_owned.
 */
SP_MUST sp_error floor_load(const char *path, struct sp_why *why, struct floor **out);
void floor_free(struct floor *f); /* NULL is allowed */

enum floor_why {
    FLOOR_UNSAID = 0, /* no rule allows it: the zero value refuses */
    FLOOR_ALLOWED,
    FLOOR_DENIED,  /* a deny rule */
    FLOOR_SPECIAL, /* loopback, link-local, metadata: not listed as such */
    FLOOR_OWN,     /* an address of this machine: not listed itself */
    FLOOR_NEVER    /* multicast, unusable */
};

struct floor_verdict {
    enum floor_why why;
    unsigned line; /* of the rule that decided; 0: none */
};

/* One sentence for logs, `floor check` and the broker's app.test; static storage. */
const char *floor_why_text(enum floor_why why);

/*
 * May `host`, which resolved to `to` (with the port), be dialled? `own`: the address is one of
 * this machine's. A NULL floor allows nothing.
 */
struct floor_verdict floor_judge(const struct floor *f, struct view host, const struct address *to,
                                 bool own);

/* Before anything is resolved: FLOOR_ALLOWED when a rule allows the name and the port,
 * FLOOR_DENIED when one denies it, FLOOR_UNSAID when it depends on the address. */
struct floor_verdict floor_judge_name(const struct floor *f, struct view host, uint16_t port);

int64_t floor_deadline_ms(const struct floor *f); /* 0: none */
/* True when the floor names no signers, or `key` among them. False for a NULL floor. */
bool floor_takes_signer(const struct floor *f, const struct key_public *key);

/* Whether an `issuer` line lists the host, a name or an address, with the port. No rule that allows
 * or denies targets speaks of issuers. False for a NULL floor. */
bool floor_takes_issuer(const struct floor *f, struct view host, uint16_t port);

/* For `floor show`: one line a rule, as the floor understood it. */
void floor_describe(const struct floor *f, struct buf *out);

#endif
