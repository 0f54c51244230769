#ifndef SP_BASE_ENCODE_H
#define SP_BASE_ENCODE_H

/*
 * encode: text forms of bytes, read strictly: one value has one spelling.
 *
 * base64url  RFC 4648 section 5 without padding; no blank, no spare bits
 * base64     RFC 4648 section 4 with padding (HTTP Basic, websocket keys)
 * hex        lower case out, both cases in
 * base32     RFC 4648 section 6 without padding, upper case out; in: also lower case and blanks
 * UTF-8      RFC 3629: no overlong forms, no surrogates
 * Readers append to `out` and leave it as it was on failure:
 *   SP_ERR_MALFORMED  another spelling
 *   SP_ERR_LIMIT, SP_ERR_NOMEM  from the buf
 */

#include "lib/base/buf.h"

void encode_base64url(struct view bytes, struct buf *out);
SP_MUST sp_error decode_base64url(struct view text, struct buf *out);
/* Exactly `len` bytes, at most 512, into `out`: keys, ids, hashes; the digits of a secret choose no
 * address and no branch. SP_ERR_MALFORMED for any other length. */
SP_MUST sp_error decode_base64url_exact(struct view text, uint8_t *out, size_t len);

void encode_base64(struct view bytes, struct buf *out);
SP_MUST sp_error decode_base64(struct view text, struct buf *out);

void encode_hex(struct view bytes, struct buf *out);
SP_MUST sp_error decode_hex_exact(struct view text, uint8_t *out, size_t len);

void encode_base32(struct view bytes, struct buf *out);
SP_MUST sp_error decode_base32(struct view text, struct buf *out);

bool utf8_valid(struct view v);

/* Appends `v` with control characters (C0, DEL, C1), bidi controls and invalid UTF-8 as visible
 * escapes (\x1b, \u{202e}): for terminals and logs. Never fails but by the buf's limit. */
void encode_visible(struct view v, struct buf *out);

/* Appends `v` as a JSON string, quotes included; what is not UTF-8 becomes visible as above. For
 * writers that make much JSON without a tree (the audit record of a decision). */
void encode_json_string(struct view v, struct buf *out);

/* Percent-encodes all but the unreserved characters of RFC 3986 section 2.3. */
void encode_percent(struct view v, struct buf *out);

#endif
