#ifndef SP_GATEWAY_FIELDS_H
#define SP_GATEWAY_FIELDS_H

/*
 * fields: what the names of fields mean to a proxy (RFC 9110 sections 5 and 7.6). Pure.
 */

#include "connector/gateway/request.h"

/* A list of tokens, separated by commas, holds the token; `n` fields of that name are one list. */
bool field_has(const struct gw_field *fields, size_t n, const char *name, const char *token);
bool field_name_begins(struct view name, const char *prefix);

/* The fields that the engine reads itself. */
enum field_role {
    FIELD_AUTHORIZATION,
    FIELD_CONNECTION,
    FIELD_CONTENT_ENCODING,
    FIELD_CONTENT_LENGTH,
    FIELD_CONTENT_TYPE,
    FIELD_EXPECT,
    FIELD_HOST,
    FIELD_TRANSFER_ENCODING,
    FIELD_UPGRADE,
    FIELD_ROLES
};

/* All of them, found in one walk: the first value of each, and how many there are. */
struct field_roles {
    struct view value[FIELD_ROLES];
    size_t count[FIELD_ROLES];
};
struct field_roles field_roles_of(const struct gw_field *fields, size_t n);

/* What Connection, Upgrade and Expect of a request or answer said, before they go. */
struct field_wishes {
    bool close, keep_alive, upgrade, websocket;
    bool expects, expect_continue; /* expects without expect_continue: 417 */
};
struct field_wishes field_wishes_of(const struct gw_field *fields, size_t n,
                                    const struct field_roles *roles);

/*
 * Takes out, in place, and keeps the order of the rest: hop-by-hop fields, those that Connection
 * names, those that the writer makes anew (host, content-length, expect), and everything that
 * only a gateway may say: Sallyport-*, X-Sallyport-*, X-Forwarded-*, Forwarded, X-Real-IP, also
 * where '_' stands for '-', since many applications read them as one (TM-16). Returns how many
 * are left.
 */
size_t field_keep_end_to_end(struct gw_field *fields, size_t n);

/* Content-Type, Content-Encoding, Authorization and Expect are there once at most: the rules must
 * read the value that the application reads. */
bool field_once_each(const struct field_roles *roles);

/* content_type and coding of `out`. */
void field_body(const struct field_roles *roles, struct arena *a, struct gw_message_body *out);

/* The media type alone, in lower case, in `a`. */
struct view field_media_type(struct view value, struct arena *a);

#endif
