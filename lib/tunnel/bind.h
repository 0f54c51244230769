#ifndef SP_TUNNEL_BIND_H
#define SP_TUNNEL_BIND_H

/*
 * bind: the one message that each end sends first inside the inner TLS (PROTOCOL section 7.2).
 *
 * Form     4 bytes of length, then JSON of at most BIND_MAX bytes.
 * agent      {v, bind, device_sig, identity?}
 * connector  {v, bind, limits: {deadline?, idle?, streams?}}
 * `bind` is an exporter value of this very connection over what both must mean alike: the grant,
 * the app, both keys, the version (E2E-4). Whoever was led to another session, grant or version
 * computes another value. Fuzzed by tests/fuzz/fuzz_bind.c.
 */

#include "lib/base/json.h"
#include "lib/tunnel/end.h"

enum { BIND_VERSION = 1 };

enum bind_from { BIND_FROM_AGENT, BIND_FROM_CONNECTOR };

/*
 * The value that `from` must show. Context: SHA-256(grant) || app || device key || connector key
 * || v; a key is its kind (1 Ed25519, 2 P-256) and 33 bytes, zero at the end.   SP_ERR_TLS
 */
SP_MUST sp_error bind_value(struct tls_conn *inner, enum bind_from from,
                            const struct tunnel_session *session, uint8_t out[TLS_EXPORT_BYTES]);

/* Appends the whole message.   SP_ERR_LIMIT, SP_ERR_NOMEM */
SP_MUST sp_error bind_write_agent(const uint8_t value[TLS_EXPORT_BYTES],
                                  const struct tunnel_agent_says *says, struct buf *out);
SP_MUST sp_error bind_write_connector(const uint8_t value[TLS_EXPORT_BYTES],
                                      const struct tunnel_limits *limits, struct buf *out);

/* A peer's message. */
struct bind {
    struct json *said;           /* owned: bind_deinit */
    struct tunnel_limits limits; /* from a connector */
};

/*
 * Reads the message at the front of `in`; `*used` is its length. Compares the value in constant
 * time, then fills `out`.
 *   SP_ERR_AGAIN      not complete
 *   SP_ERR_LIMIT      longer than BIND_MAX
 *   SP_ERR_MALFORMED  not the members above, exactly
 *   SP_ERR_VERSION    another version: nothing below this one is spoken (E2E-T10)
 *   SP_ERR_SIGNATURE  another value than `expected`
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error bind_read(struct view in, enum bind_from from,
                           const uint8_t expected[TLS_EXPORT_BYTES], struct bind *out,
                           size_t *used);
void bind_deinit(struct bind *b);

#endif
