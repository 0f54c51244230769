#ifndef SP_INVENTORY_CLASSIFY_H
#define SP_INVENTORY_CLASSIFY_H

/*
 * classify: what kind of value a text is, so that one path segment of many is known as a parameter
 * when it is first seen, and a draft can say a type.
 *
 * Pure, O(length), no regular expression. Fuzzed by tests/fuzz/fuzz_classify.c.
 */

#include "lib/base/view.h"

enum value_class {
    VALUE_WORD = 0, /* none of the others: may be part of the API's own words */
    VALUE_INTEGER,  /* digits, at most 40, one '-' before */
    VALUE_UUID,     /* RFC 9562 text */
    VALUE_ULID,     /* 26 characters of Crockford's base 32, first 0..7, at least one digit */
    VALUE_HEX,      /* 8 and more of one case, with a digit */
    VALUE_BASE64,   /* base64url, 16 and more, with a digit and both cases */
    VALUE_DATE,     /* YYYY-MM-DD that exists */
    VALUE_EMAIL,
    VALUE_IBAN, /* ISO 13616 with its check digits right */
    VALUE_DECIMAL,
    VALUE_BOOLEAN,
    VALUE_TIME, /* RFC 3339 date-time */
    VALUE_CLASSES
};

/* VALUE_INTEGER to VALUE_IBAN, else VALUE_WORD; "v1", "v20" and so on are always words. */
enum value_class classify_segment(struct view segment);

/* All classes: for values of a query. */
enum value_class classify_value(struct view value);

/* "integer", "string" and "uuid", "date", "email", "date-time" or NULL, as OpenAPI says it. */
const char *classify_type(enum value_class c);
const char *classify_format(enum value_class c);

/* Digits with blanks or '-' between them, 13 to 19, right by Luhn's check (ISO/IEC 7812-1). */
bool classify_is_card(struct view v);
/* Blanks between groups of four are allowed. */
bool classify_is_iban(struct view v);
bool classify_is_email(struct view v);

#endif
