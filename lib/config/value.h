#ifndef SP_CONFIG_VALUE_H
#define SP_CONFIG_VALUE_H

/*
 * value: one scalar or list of a configuration, from JSON or from text. Private to load.c.
 *
 * Errors: SP_ERR_INVALID with what was found and what would be right; SP_ERR_NOMEM.
 */

#include "lib/config/load.h"

/* Writes the value at `at`, which has the type that the field's kind names. */
SP_MUST sp_error value_from_json(const struct config_field *f, const struct json *j, void *at,
                                 struct sp_why *why);
/* The same from a preset, a flag or the environment; lists are separated by commas. */
SP_MUST sp_error value_from_text(const struct config_field *f, const char *text, void *at,
                                 struct sp_why *why);
void value_free(const struct config_field *f, void *at);

/* Always SP_ERR_INVALID; names the field that was probably meant, or all that there are. */
SP_MUST sp_error value_unknown(const struct config_field *fields, const char *name,
                               struct sp_why *why);

#endif
