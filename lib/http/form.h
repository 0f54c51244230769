#ifndef SP_HTTP_FORM_H
#define SP_HTTP_FORM_H

/*
 * form: application/x-www-form-urlencoded, bodies and queries, read strictly.
 *
 * A form owns its decoded text. Refused: a name twice, an empty name, more than FORM_FIELDS_MAX
 * fields, broken escapes, NUL, invalid UTF-8. "a" without '=' is a with an empty value.
 * May hold secrets (passwords, codes): form_deinit wipes. Any one thread.
 * Fuzzed by tests/fuzz/fuzz_form.c.
 */

#include "lib/base/buf.h"

enum { FORM_FIELDS_MAX = 64, FORM_BYTES_MAX = 64 * 1024 };

struct form {
    struct buf text; /* owned: decoded names and values, one after another */
    struct {
        size_t name_at, name_len, value_at, value_len; /* within text */
    } fields[FORM_FIELDS_MAX];
    size_t count;
};

/*
 * On SP_OK `out` is owned by the caller; else it is empty and needs no deinit.
 *   SP_ERR_LIMIT      more than FORM_BYTES_MAX bytes or FORM_FIELDS_MAX fields
 *   SP_ERR_MALFORMED
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error form_parse(struct view body, struct form *out);
void form_deinit(struct form *f);

/* Valid until form_deinit; empty when absent. form_has tells absent from empty. */
struct view form_get(const struct form *f, const char *name);
bool form_has(const struct form *f, const char *name);

/* Appends "name=value", with '&' before it unless `out` is empty; percent-encoded. */
void form_add(struct buf *out, const char *name, struct view value);

#endif
