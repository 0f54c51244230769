#ifndef SP_GATEWAY_VALUES_H
#define SP_GATEWAY_VALUES_H

/*
 * values: the single values of a gateway's configuration that lib/config does not know: `read`
 * and `check` functions of its field tables. Private to config.c.
 *
 * Errors: SP_ERR_INVALID with what was found and what would be right.
 */

#include "lib/gateway/config.h"

/* CONFIG_OWN. */
SP_MUST sp_error values_switch(const struct json *j, void *at, struct sp_why *why);  /* bool */
SP_MUST sp_error values_methods(const struct json *j, void *at, struct sp_why *why); /* unsigned */
SP_MUST sp_error values_algs(const struct json *j, void *at, struct sp_why *why);    /* unsigned */
SP_MUST sp_error values_bind(const struct json *j, void *at, struct sp_why *why);    /* unsigned */
SP_MUST sp_error values_keys(const struct json *j, void *at, struct sp_why *why);    /* unsigned */
SP_MUST sp_error values_date(const struct json *j, void *at, struct sp_why *why);    /* int64_t s */
SP_MUST sp_error values_pace(const struct json *j, void *at, struct sp_why *why);
SP_MUST sp_error values_document(const struct json *j, void *at, struct sp_why *why);
SP_MUST sp_error values_equals(const struct json *j, void *at, struct sp_why *why);

/* `check` of CONFIG_STRING. */
SP_MUST sp_error values_file(struct view v, struct sp_why *why);
SP_MUST sp_error values_name(struct view v, struct sp_why *why);
SP_MUST sp_error values_pointer(struct view v, struct sp_why *why); /* RFC 6901 */
SP_MUST sp_error values_pin(struct view v, struct sp_why *why);
SP_MUST sp_error values_https(struct view v, struct sp_why *why); /* http to loopback only */
SP_MUST sp_error values_upstream(struct view v, struct sp_why *why);
SP_MUST sp_error values_origin(struct view v, struct sp_why *why);
/* "/reports", "/v1/{tenant}/kinds": what stands before words, as the inventory writes it */
SP_MUST sp_error values_below(struct view v, struct sp_why *why);
SP_MUST sp_error values_domain(struct view v, struct sp_why *why); /* "*.x.y" or a name */
SP_MUST sp_error values_text(struct view v, struct sp_why *why);   /* printable ASCII without '"' */

#endif
