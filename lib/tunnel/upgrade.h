#ifndef SP_TUNNEL_UPGRADE_H
#define SP_TUNNEL_UPGRADE_H

/*
 * upgrade: the HTTP/1.1 request and answer that begin a websocket (RFC 6455 4), read strictly.
 *
 * Used by  both sides of a tunnel and of a standing channel. Not a general HTTP parser: exactly
 *          what our own programs send (and what a proxy may add) is taken, anything doubtful is
 *          refused: obs-fold, bare LF, body, duplicates of what counts, another version.
 * Pure; results point into the input. Fuzzed by tests/fuzz/fuzz_upgrade.c.
 */

#include "lib/base/buf.h"
#include "lib/tunnel/limits.h"

#define UPGRADE_EXTENSION "sallyport-cut-through"

enum upgrade_path { UPGRADE_NOWHERE = 0, UPGRADE_TUNNEL, UPGRADE_STAND }; /* /tunnel, /stand */
enum { UPGRADE_KEY_BYTES = 16, UPGRADE_TICKET_BYTES = 16, UPGRADE_NONCE_BYTES = 32 };

/* What a client asks; also what a server has read. Exactly one of grant, ticket and nonce. */
struct upgrade_request {
    enum upgrade_path path;
    struct view host;  /* Host header */
    struct view grant; /* Sallyport-Grant: a v4.public token; or empty */
    bool has_ticket, has_nonce;
    uint8_t ticket[UPGRADE_TICKET_BYTES]; /* Sallyport-Ticket, base64url */
    uint8_t nonce[UPGRADE_NONCE_BYTES];   /* Sallyport-Nonce, base64url (a standing channel) */
    uint8_t key[UPGRADE_KEY_BYTES];       /* Sec-WebSocket-Key */
    bool cut_through;                     /* the extension is offered */
};

/*
 *   SP_ERR_AGAIN      the head is not complete
 *   SP_ERR_LIMIT      longer than UPGRADE_HEAD_MAX
 *   SP_ERR_MALFORMED  not GET HTTP/1.1, a header missing, twice or misspelt, an Origin (WS-14), a
 *                     body, credentials missing or more than one, a query in the path (WS-15)
 *   SP_ERR_NOT_FOUND  a well-formed upgrade to another path
 *   SP_ERR_VERSION    Sec-WebSocket-Version is not 13
 * `*used` is the head's length; `out` is written on SP_OK only.
 */
SP_MUST sp_error upgrade_parse_request(struct view in, struct upgrade_request *out, size_t *used);
void upgrade_write_request(const struct upgrade_request *r, struct buf *out);

struct upgrade_answer {
    unsigned status;        /* 101, or the refusal */
    bool cut_through;       /* accepted */
    struct view code;       /* Sallyport-Code of a refusal, or empty; points into the input */
    unsigned retry_after_s; /* of a 503; 0: none */
};

/*
 * `key` and `offered` are what was asked. A refusal is SP_OK with its status.
 *   SP_ERR_AGAIN, SP_ERR_LIMIT  as above
 *   SP_ERR_MALFORMED  no HTTP/1.1 answer, or a 101 whose Upgrade, Connection or Accept is wrong,
 *                     or which accepts an extension or subprotocol that was not offered
 */
SP_MUST sp_error upgrade_parse_answer(struct view in, const uint8_t key[UPGRADE_KEY_BYTES],
                                      bool offered, struct upgrade_answer *out, size_t *used);
void upgrade_write_accept(const uint8_t key[UPGRADE_KEY_BYTES], bool cut_through, struct buf *out);
/* 400 401 404 426 503; `code` is NULL or a word of PROTOCOL section 10; `retry_after_s` 0: none. */
void upgrade_write_refusal(unsigned status, const char *code, unsigned retry_after_s,
                           struct buf *out);

#endif
