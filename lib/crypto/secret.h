#ifndef SP_CRYPTO_SECRET_H
#define SP_CRYPTO_SECRET_H

/*
 * secret: bytes that must not leak: keys, seeds, tokens before they are hashed.
 *
 * Held in sodium_malloc memory: guard pages on both sides, locked against swap, left out of core
 * files, not readable between uses, wiped when freed (HRD-14). Nothing prints or copies one by
 * accident: the type is opaque and its bytes are lent only between secret_open and secret_close.
 * Any thread may open the same secret at the same time; new and free belong to the owner.
 */

#include "lib/base/buf.h"

struct secret;

enum { SECRET_BYTES_MAX = 64 * 1024 };

/*
 * New secret of `len` bytes: random, or a copy of `bytes` (the caller wipes its own).
 *   SP_ERR_INVALID  len is 0 or above SECRET_BYTES_MAX
 *   SP_ERR_NOMEM    no memory, or none that can be guarded
 */
SP_MUST sp_error secret_new_random(size_t len, struct secret **out);
SP_MUST sp_error secret_new(struct view bytes, struct secret **out);
void secret_free(struct secret *s); /* wipes; NULL is fine */

size_t secret_len(const struct secret *s);

/* Lends the bytes until the matching secret_close; calls nest and may overlap between threads. */
struct view secret_open(const struct secret *s);
void secret_close(const struct secret *s);

/* Whether memory can be locked here at all; programs refuse to start without (HRD-14).
 *   SP_ERR_PERMISSION  RLIMIT_MEMLOCK is too low */
SP_MUST sp_error secret_lockable(void);

/* Wipes memory of the caller's; not removed by the compiler. */
void secret_wipe(void *p, size_t len);

/* Equal in time that depends on the lengths only (JWT-10). Different lengths are different. */
bool secret_equal(struct view a, struct view b);

#endif
