#ifndef SP_BASE_ID_H
#define SP_BASE_ID_H

/*
 * id: 16 random bytes that name one thing for ever.
 *
 * Text form: base64url without padding, 22 characters; the strict reader accepts no other
 * spelling. Making one needs randomness and is lib/crypto/random.h. A zeroed id names nothing.
 */

#include "lib/base/view.h"

enum { SP_ID_BYTES = 16, SP_ID_TEXT = 22 };

struct sp_id {
    uint8_t bytes[SP_ID_BYTES];
};

static inline bool id_equal(struct sp_id a, struct sp_id b)
{
    return memcmp(a.bytes, b.bytes, SP_ID_BYTES) == 0;
}

static inline bool id_is_zero(struct sp_id a)
{
    return id_equal(a, (struct sp_id){0});
}

static inline int id_compare(struct sp_id a, struct sp_id b)
{
    return memcmp(a.bytes, b.bytes, SP_ID_BYTES);
}

static inline struct view id_view(const struct sp_id *id)
{
    return (struct view){id->bytes, SP_ID_BYTES};
}

/* Text of an id for printf: id_text(id).s lives as long as the full expression. */
struct id_text {
    char s[SP_ID_TEXT + 1];
};
struct id_text id_text(struct sp_id id);

/*   SP_ERR_MALFORMED  not exactly 22 base64url characters without spare bits */
SP_MUST sp_error id_parse(struct view text, struct sp_id *out);

/*   SP_ERR_MALFORMED  not 16 bytes */
SP_MUST sp_error id_from_bytes(struct view bytes, struct sp_id *out);

#endif
