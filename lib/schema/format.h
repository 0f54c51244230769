#ifndef SP_SCHEMA_FORMAT_H
#define SP_SCHEMA_FORMAT_H

/*
 * format: the formats of JSON Schema and OpenAPI that are asserted; all others are remarks.
 *
 * date-time, date and time are RFC 3339 (a leap second only where there can be one), email is an
 * RFC 5321 mailbox, hostname RFC 1123, uri RFC 3986, uuid RFC 9562's form, byte is base64 with
 * padding, regex is what pattern.h takes. int32, int64, float and double speak of numbers.
 * Pure; any thread.
 */

#include "lib/base/view.h"

enum format {
    FORMAT_NONE = 0, /* not asserted */
    FORMAT_DATE_TIME,
    FORMAT_DATE,
    FORMAT_TIME,
    FORMAT_EMAIL,
    FORMAT_HOSTNAME,
    FORMAT_IPV4,
    FORMAT_IPV6,
    FORMAT_URI,
    FORMAT_URI_REFERENCE,
    FORMAT_UUID,
    FORMAT_BYTE,
    FORMAT_REGEX,
    FORMAT_NUMBERS, /* from here on: formats of numbers */
    FORMAT_INT32 = FORMAT_NUMBERS,
    FORMAT_INT64,
    FORMAT_FLOAT,
    FORMAT_DOUBLE,
    FORMATS
};

enum format format_by_name(struct view name); /* FORMAT_NONE: unknown, or a remark */

/* Whether a string has the format; true for FORMAT_NONE and formats of numbers. */
bool format_holds(enum format f, struct view text);

bool format_ipv4(struct view text);
bool format_ipv6(struct view text); /* without zone or netmask */

#endif
