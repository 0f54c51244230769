#ifndef SP_PROTO_FIELDS_H
#define SP_PROTO_FIELDS_H

/*
 * fields: one codec for all messages: a table says which member of the JSON object is which
 * member of the struct. Reading is strict: a member that is in no table, missing, of another kind
 * or over its limit refuses the message, and `why` names it.
 *
 * Views that were read borrow the json that was read; they live as long as it does.
 * What a struct means stands beside the struct (login.h, posture.h, …), not here. Any thread.
 */

#include "lib/base/json.h"

#include <stddef.h>

enum field_kind {
    FIELD_STR,   /* struct view; UTF-8, 1..max bytes; with FIELD_EMPTY also 0 */
    FIELD_ID,    /* struct sp_id */
    FIELD_INT,   /* int64_t, 0..max (max 0: INT64_MAX) */
    FIELD_BOOL,  /* bool */
    FIELD_BYTES, /* exactly max bytes in place (uint8_t[max]), base64url on the wire */
    FIELD_BLOB,  /* struct view of base64url text of at most max bytes, left as text */
    FIELD_ENUM,  /* int: index into names[] */
    FIELD_JSON,  /* struct json *, borrowed from the message; any object or array */
    FIELD_STRS,  /* struct view[]: list of at most `many` strings of at most max bytes */
    FIELD_IDS,   /* struct sp_id[]: list of at most `many` */
    FIELD_INTS,  /* int64_t[]: list of at most `many` in 0..max */
    FIELD_LIST   /* struct[] of `size` bytes each: list of at most `many` objects of `table` */
};

enum { FIELD_OPTIONAL = 1, FIELD_EMPTY = 2 };

struct field {
    const char *name;
    enum field_kind kind;
    size_t at;    /* offsetof the member */
    size_t count; /* offsetof its size_t count: FIELD_STRS, _IDS, _INTS, _LIST */
    int64_t max;
    size_t many, size;
    int flags;                 /* an optional member that is absent leaves its zero value; a zero
                                  value is not written */
    const char *const *names;  /* FIELD_ENUM: NULL-ended; index 0 is the zero value, never on the
                                  wire */
    const struct field *table; /* FIELD_LIST; ended by a NULL name */
};

/* Rows of a table: struct tag, name on the wire, member (and its count), limit, flags. */
#define F_ROW(T, wire, k, m, ...)                                             \
    {                                                                         \
        .name = (wire), .kind = (k), .at = offsetof(struct T, m), __VA_ARGS__ \
    }
#define F_MANY(T, m) (sizeof(((struct T *)0)->m) / sizeof(((struct T *)0)->m[0]))
#define F_STR(T, wire, m, limit, f) F_ROW(T, wire, FIELD_STR, m, .max = (limit), .flags = (f))
#define F_BLOB(T, wire, m, limit, f) F_ROW(T, wire, FIELD_BLOB, m, .max = (limit), .flags = (f))
#define F_ID(T, wire, m, f) F_ROW(T, wire, FIELD_ID, m, .flags = (f))
#define F_INT(T, wire, m, limit, f) F_ROW(T, wire, FIELD_INT, m, .max = (limit), .flags = (f))
#define F_BOOL(T, wire, m, f) F_ROW(T, wire, FIELD_BOOL, m, .flags = (f))
#define F_BYTES(T, wire, m, f) \
    F_ROW(T, wire, FIELD_BYTES, m, .max = sizeof(((struct T *)0)->m), .flags = (f))
#define F_ENUM(T, wire, m, words, f) F_ROW(T, wire, FIELD_ENUM, m, .names = (words), .flags = (f))
#define F_JSON(T, wire, m, f) F_ROW(T, wire, FIELD_JSON, m, .flags = (f))
#define F_STRS(T, wire, m, n, limit, f)                                           \
    F_ROW(T, wire, FIELD_STRS, m, .count = offsetof(struct T, n), .max = (limit), \
          .many = F_MANY(T, m), .flags = (f))
#define F_IDS(T, wire, m, n, f) \
    F_ROW(T, wire, FIELD_IDS, m, .count = offsetof(struct T, n), .many = F_MANY(T, m), .flags = (f))
#define F_INTS(T, wire, m, n, limit, f)                                           \
    F_ROW(T, wire, FIELD_INTS, m, .count = offsetof(struct T, n), .max = (limit), \
          .many = F_MANY(T, m), .flags = (f))
#define F_LIST(T, wire, m, n, rows, f)                                                  \
    F_ROW(T, wire, FIELD_LIST, m, .count = offsetof(struct T, n), .many = F_MANY(T, m), \
          .size = sizeof(((struct T *)0)->m[0]), .table = (rows), .flags = (f))
#define F_END        \
    {                \
        .name = NULL \
    }

/* Reads members of `object` into `out` after zeroing its fields. The envelope's own members (t, i,
 * re) are passed over. `out` may be half filled on failure: callers drop it.
 *   SP_ERR_MALFORMED  missing, unknown, another kind
 *   SP_ERR_LIMIT      too long, too many */
SP_MUST sp_error fields_read(const struct json *object, const struct field *table,
                             struct sp_why *why, void *out);

/* Members for a new message; owned by the caller. NULL: no memory, or a value that fields_read
 * would refuse (a bug of ours: logged). */
struct json *fields_write(const struct field *table, const void *in);

#endif
