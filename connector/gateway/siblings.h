#ifndef SP_GATEWAY_SIBLINGS_H
#define SP_GATEWAY_SIBLINGS_H

/*
 * siblings: the connectors of a site that serve the same apps, each for its own part of the people.
 * They tell each other, through the broker ("api.objects", "api.usual", lib/proto/gateway.h), which
 * objects were first used by whom: without that nobody who opens another connector's people's
 * objects stands out; and what is usual among many (detect/usual.h).
 *
 * What is told are counts, and hashes under a key that the broker has not, so it sees numbers and
 * neither whose nor of what they are; the code of each message is under that key too. It is a file
 * of each connector's gateway folder, SIBLINGS_FILE: 64 hex digits, mode 0600, brought there by
 * hand. Without it nothing is told, and hashes are under a key of this process. Loop thread.
 */

#include "connector/gateway/detect/detect.h"
#include "lib/crypto/secret.h"
#include "lib/proto/gateway.h"

#define SIBLINGS_FILE "site.key"

/* `*out` NULL: there is no such file.
 *   SP_ERR_INVALID  it holds something else; and what file_read_secret says */
SP_MUST sp_error siblings_key(const char *folder, struct sp_why *why, struct secret **out);

/* The key of an app's hashes. */
void siblings_hash_key(const struct secret *site, struct sp_id app, uint8_t out[16]);

/* The message of `told`. NULL: it has more than API_SEALED_TEXT_MAX holds, or no memory. */
struct json *siblings_seal(const struct secret *site, enum api_sealed_kind kind, struct sp_id app,
                           struct view told);
/*
 * Pure. Appends what was told to `out`.
 *   SP_ERR_MALFORMED  nothing, or no base64url
 *   SP_ERR_SIGNATURE  of another key, another app, or another kind
 *   SP_ERR_LIMIT, SP_ERR_NOMEM  of `out`
 */
SP_MUST sp_error siblings_open(const struct secret *site, enum api_sealed_kind kind,
                               const struct api_sealed *m, struct buf *out);

/* Of `n` objects, at least 1 and at most DETECT_FRESH_MAX, as detect_fresh gives them. NULL: no
 * memory. */
struct json *siblings_write(const struct secret *site, struct sp_id app, size_t n,
                            const uint64_t objects[]);
/* Pure.   SP_ERR_MALFORMED  no whole objects;  else as siblings_open */
SP_MUST sp_error siblings_read(const struct secret *site, const struct api_sealed *m, size_t *n,
                               uint64_t objects[DETECT_FRESH_MAX]);

#endif
