#ifndef SP_BASE_JSON_H
#define SP_BASE_JSON_H

/*
 * json: RFC 8259 read strictly and written compactly; the only file that knows jansson.
 *
 * Reading refuses duplicate members, depth over JSON_DEPTH_MAX, bytes after the value, invalid
 * UTF-8, NUL in strings and integers beyond 64 bits. `struct json *` is a counted reference:
 * json_free gives back one that you own; getters lend ("borrowed" below) and their result lives
 * as long as its parent. NULL is allowed wherever a json is taken and is "missing".
 * Values are not shared between threads while anyone changes them.
 */

#include "lib/base/buf.h"
#include "lib/base/id.h"
#include "lib/base/why.h"

struct json;

/* jansson is a shared library that exports these five names too; ours go by others at link time. */
#define json_object sp_json_object
#define json_array sp_json_array
#define json_integer sp_json_integer
#define json_copy sp_json_copy
#define json_equal sp_json_equal

enum { JSON_DEPTH_MAX = 32 };

enum json_kind {
    JSON_MISSING = 0, /* a NULL pointer */
    JSON_NULL,
    JSON_BOOL,
    JSON_INTEGER,
    JSON_REAL,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

/*
 * Reads one whole text. `*out` is owned by the caller. `why` (or NULL) gets line and column.
 *   SP_ERR_LIMIT      longer than `max` bytes, or too deep
 *   SP_ERR_MALFORMED
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error json_parse(struct view text, size_t max, struct sp_why *why, struct json **out);
void json_free(struct json *j);
struct json *json_ref(struct json *j); /* one more owner; returns j */

enum json_kind json_kind(const struct json *j);
const char *json_kind_name(enum json_kind k); /* "string", "null", "missing", … */

/* Lenders: NULL or zero when missing or of another kind. */
struct json *json_get(const struct json *object, const char *name); /* borrowed */
struct json *json_at(const struct json *array, size_t index);       /* borrowed */
size_t json_len(const struct json *array_or_object);
struct view json_str(const struct json *string);  /* borrowed */
const char *json_cstr(const struct json *string); /* borrowed; NULL */

/*
 * Typed members of an object.
 *   SP_ERR_NOT_FOUND  no such member
 *   SP_ERR_MALFORMED  of another kind, or outside min..max
 */
SP_MUST sp_error json_get_str(const struct json *object, const char *name, size_t max,
                              struct view *out); /* borrowed; at most max bytes */
SP_MUST sp_error json_get_int(const struct json *object, const char *name, int64_t min, int64_t max,
                              int64_t *out);
SP_MUST sp_error json_get_bool(const struct json *object, const char *name, bool *out);
SP_MUST sp_error json_get_id(const struct json *object, const char *name, struct sp_id *out);
SP_MUST sp_error json_get_base64url(const struct json *object, const char *name, uint8_t *out,
                                    size_t len);

/* A number as double; false for everything else. */
bool json_number(const struct json *j, double *out);
bool json_integer(const struct json *j, int64_t *out);
bool json_is_true(const struct json *j);

/* SP_ERR_MALFORMED when `object` is no object or has a member that is not in the NULL-ended
 * list; `why` names it. */
SP_MUST sp_error json_only(const struct json *object, const char *const names[],
                           struct sp_why *why);

/* Members in the text's order: for (void *i = json_iter(o); i; i = json_iter_next(o, i)). */
void *json_iter(const struct json *object);
void *json_iter_next(const struct json *object, void *iter);
const char *json_iter_name(void *iter);
struct json *json_iter_value(void *iter); /* borrowed */

/*
 * Builders. Each takes `value` in every case, also when the container is NULL. A member that
 * could not be made (out of memory, a string that is not UTF-8) is never left out in silence:
 * json_write of anything that should have held it fails.
 */
struct json *json_object(void);
struct json *json_array(void);
struct json *json_new_str(struct view v); /* NULL: not UTF-8, or out of memory */
struct json *json_new_int(int64_t n);
struct json *json_new_real(double n);
struct json *json_new_bool(bool b);
struct json *json_new_null(void);
void json_set(struct json *object, const char *name, struct json *value); /* takes value */
void json_push(struct json *array, struct json *value);                   /* takes value */
void json_set_str(struct json *object, const char *name, struct view v);
void json_set_cstr(struct json *object, const char *name, const char *s); /* NULL: JSON null */
void json_set_int(struct json *object, const char *name, int64_t n);
void json_set_bool(struct json *object, const char *name, bool b);
void json_set_id(struct json *object, const char *name, struct sp_id id);
void json_set_base64url(struct json *object, const char *name, struct view bytes);
void json_set_time(struct json *object, const char *name, int64_t unix_ms); /* RFC 3339 */
void json_remove(struct json *object, const char *name);
struct json *json_copy(const struct json *j); /* deep; owned by the caller; NULL: no memory */
bool json_equal(const struct json *a, const struct json *b);

/*
 * Appends the compact text; members in insertion order, or sorted by name with json_write_sorted
 * (what is hashed or signed: one value has one text). json_write_pretty indents by two.
 *   SP_ERR_NOMEM    j is NULL, or a builder ran out of memory
 *   SP_ERR_INVALID  a string was not UTF-8
 *   SP_ERR_LIMIT    over the buf's limit, or deeper than twice JSON_DEPTH_MAX
 */
SP_MUST sp_error json_write(const struct json *j, struct buf *out);
SP_MUST sp_error json_write_sorted(const struct json *j, struct buf *out);
SP_MUST sp_error json_write_pretty(const struct json *j, struct buf *out);

#endif
