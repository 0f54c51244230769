#ifndef SP_TRUST_ENROL_H
#define SP_TRUST_ENROL_H

/*
 * enrol: enrolment tokens, and the address line that brings an edge to its broker.
 *
 * Token    `spe_` + base64url of 32 random bytes. Made by broker/registry, stored there as
 *          SHA-256 of the bytes, single use, consumed in one statement.
 * Address  https://HOST[:PORT]#SP1:9f2a-71c7-…[;front=l7][;ca=BASE64URL-DER][;spe_…]
 *          One line. Without the token it is a login address, with it an enrolment string. The
 *          fragment is never sent to a server. Order as shown; nothing twice, nothing unknown.
 * Pure. Fuzzed by tests/fuzz/fuzz_claims.c. Any thread.
 */

#include "lib/base/buf.h"
#include "lib/base/why.h"
#include "lib/crypto/key.h"
#include "lib/crypto/secret.h"

enum {
    ENROL_SECRET_BYTES = 32,
    ENROL_TOKEN_TEXT = 47, /* "spe_" and 43 characters */
    ENROL_URL_MAX = 300,
    ENROL_CA_MAX = 4096,
    ENROL_LINE_MAX = 8192
};

/* Text of a token's bytes, and back. The caller wipes both.
 *   SP_ERR_MALFORMED */
void enrol_token_write(const uint8_t secret[ENROL_SECRET_BYTES], char text[ENROL_TOKEN_TEXT + 1]);
SP_MUST sp_error enrol_token_read(struct view text, uint8_t secret[ENROL_SECRET_BYTES]);

struct enrol_address {
    char url[ENROL_URL_MAX + 1];        /* "https://HOST[:PORT]", no path, no trailing slash */
    struct key_fingerprint fingerprint; /* of the broker's identity key; "" only when absent */
    bool front_l7;
    uint8_t ca[ENROL_CA_MAX]; /* DER of a CA certificate; ca_len 0: none */
    size_t ca_len;
    char token[ENROL_TOKEN_TEXT + 1]; /* "" in a login address; a secret: enrol_address_wipe */
};

/*
 * Reads either form; white space around it is dropped. A plain https URL is taken too and has no
 * fingerprint: the first channel then sets the pin.
 *   SP_ERR_LIMIT      over ENROL_LINE_MAX
 *   SP_ERR_MALFORMED  `why` says which part
 */
SP_MUST sp_error enrol_address_parse(struct view line, struct sp_why *why,
                                     struct enrol_address *out);
void enrol_address_write(const struct enrol_address *a, struct buf *out);
void enrol_address_wipe(struct enrol_address *a);

/* Whether `identity` is the key that the address names; false when it names none. */
bool enrol_address_names(const struct enrol_address *a, const struct key_public *identity);

#endif
