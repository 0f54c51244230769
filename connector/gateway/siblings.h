#ifndef SP_GATEWAY_SIBLINGS_H
#define SP_GATEWAY_SIBLINGS_H

/*
 * siblings: the connectors of a site that serve the same apps, each for its own part of the people.
 * They tell each other, through the broker ("api.objects", lib/proto/gateway.h), which objects were
 * first used by whom: without that nobody who opens another connector's people's objects stands
 * out.
 *
 * What is told are hashes under a key that the broker has not. It is a file of each connector's
 * gateway folder, SIBLINGS_FILE: 64 hex digits, mode 0600, brought there by hand. Without it
 * nothing is told, and hashes are under a key of this process. Loop thread.
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

/* Of `n` objects, at least 1 and at most DETECT_FRESH_MAX, as detect_fresh gives them. NULL: no
 * memory. */
struct json *siblings_write(const struct secret *site, struct sp_id app, size_t n,
                            const uint64_t objects[]);
/*
 * Pure.
 *   SP_ERR_MALFORMED  no whole objects, or none
 *   SP_ERR_SIGNATURE  of another key, or of another app
 */
SP_MUST sp_error siblings_read(const struct secret *site, const struct api_objects *m, size_t *n,
                               uint64_t objects[DETECT_FRESH_MAX]);

#endif
