#ifndef SP_TRUST_GRANT_H
#define SP_TRUST_GRANT_H

/*
 * grant: the broker's signed permission to open one session.
 *
 * Form      PASETO v4.public, at most GRANT_MAX bytes, claims of PROTOCOL section 3.
 * Made by   the broker, after the audit record is durable.       grant_mint(), mint.h
 * Read by   relay, connector and agent, offline.                 grant_verify()
 * Not here  single use: relay and connector spend a grant in lib/trust/once.h.
 *           which key: keyset_signer(set, token, KEYSET_GRANT, now) in keyset.h.
 * Pure. Fuzzed by tests/fuzz/fuzz_paseto.c. Any thread.
 */

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/id.h"
#include "lib/crypto/key.h"

enum {
    GRANT_MAX = 1024,
    GRANT_OPEN_MS_MAX = 60 * 1000,
    GRANT_LEEWAY_MS = 5 * 1000,        /* before `issued`: PROTOCOL section 9, time */
    GRANT_REVERIFY_MS = 15 * 60 * 1000 /* that a connector keeps a session without a broker, where
                                          the grant has no reverify (section 8) */
};

struct grant {
    struct sp_id id, session, app, user; /* id: this grant's own; user: pairwise for the site */
    struct key_public device, connector; /* the two ends that the inner TLS accepts, no others;
                                            device is the agent's tunnel key */
    struct sp_id relay, relay_boot;      /* one relay, and only until it starts again */
    sp_unix_ms issued, open_until;       /* open_until - issued <= GRANT_OPEN_MS_MAX */
    sp_unix_ms deadline;                 /* the session's last byte; not before open_until */
    int64_t idle_ms, reverify_ms;        /* 0: none */
    int64_t policy_version;              /* >= 0 */
};

/* Who reads. A zeroed reader is nobody: every grant is for someone else. */
enum grant_reader_kind { GRANT_NOBODY = 0, GRANT_RELAY, GRANT_CONNECTOR, GRANT_AGENT };

struct grant_reader {
    enum grant_reader_kind kind;
    struct sp_id relay, relay_boot; /* GRANT_RELAY */
    struct key_public key;          /* GRANT_CONNECTOR: its key; GRANT_AGENT: its tunnel key */
};

/*
 * Checks form, signature, audience and time, in that order, and only then fills `out`.
 * `token` is borrowed for the call. `now` is broker time.
 *   SP_ERR_LIMIT      longer than GRANT_MAX
 *   SP_ERR_MALFORMED  not a v4.public token, a claim missing, unknown or twice, times that break
 *                     the limits above
 *   SP_ERR_SIGNATURE  not signed by `broker`, or a statement of another kind
 *   SP_ERR_CONFLICT   GRANT_RELAY: names this relay, but another start of it (503 and not 401)
 *   SP_ERR_AUDIENCE   names another relay, connector or device than `me`
 *   SP_ERR_EXPIRED    `now` is outside issued - GRANT_LEEWAY_MS .. open_until
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error grant_verify(struct view token, const struct key_public *broker,
                              const struct grant_reader *me, sp_unix_ms now, struct grant *out);

#endif
