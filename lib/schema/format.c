#include "lib/schema/format.h"

#include "lib/base/ascii.h"
#include "lib/schema/pattern.h"
#include "lib/schema/uri.h"

#include "lib/base/banned.h"

enum {
    HOST_MAX = 253,
    LABEL_MAX = 63,
    MAILBOX_LOCAL_MAX = 64,
    MAILBOX_MAX = 254,
    DATE_LEN = 10, /* YYYY-MM-DD */
    TIME_LEN = 8,  /* HH:MM:SS */
    UUID_DIGITS = 32,
    MINUTES_A_DAY = 1440
};

static bool is_alnum(uint8_t c)
{
    return ascii_digit(c) || ascii_letter(c);
}

enum { NO_NUMBER = 10000 }; /* above all that the digits below can say */

/* The number that two digits are, or NO_NUMBER. */
static unsigned two_digits(const uint8_t *at)
{
    return ascii_digit(at[0]) && ascii_digit(at[1]) ? (at[0] - '0') * 10u + (at[1] - '0')
                                                    : NO_NUMBER;
}

/* YYYY-MM-DD: DATE_LEN bytes. */
static bool full_date(const uint8_t *at)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned century = two_digits(at), year = two_digits(at + 2);
    unsigned month = two_digits(at + 5), day = two_digits(at + 8);
    bool leap = year % 4 == 0 && (year != 0 || century % 4 == 0);

    return century < NO_NUMBER && year < NO_NUMBER && at[4] == '-' && at[7] == '-' && month >= 1 &&
           month <= 12 && day >= 1 && day <= days[month - 1] + (unsigned)(month == 2 && leap);
}

/* Z or +HH:MM: in minutes; false when it is neither. */
static bool offset(struct view v, int *minutes)
{
    if (v.len == 1 && (v.at[0] | 0x20) == 'z') {
        *minutes = 0;
        return true;
    }
    if (v.len != 6 || (v.at[0] != '+' && v.at[0] != '-') || v.at[3] != ':')
        return false;
    unsigned hour = two_digits(v.at + 1), minute = two_digits(v.at + 4);
    *minutes = (v.at[0] == '-' ? -1 : 1) * (int)(hour * 60 + minute);
    return hour <= 23 && minute <= 59;
}

/* HH:MM:SS, a fraction perhaps, and an offset. */
static bool time_of_day(struct view v)
{
    size_t at = TIME_LEN;
    int from_utc;

    if (v.len <= TIME_LEN || v.at[2] != ':' || v.at[5] != ':')
        return false;
    unsigned hour = two_digits(v.at), minute = two_digits(v.at + 3), second = two_digits(v.at + 6);
    if (v.at[at] == '.') {
        while (++at < v.len && ascii_digit(v.at[at]))
            ;
        if (at == TIME_LEN + 1)
            return false; /* no digit */
    }
    if (hour > 23 || minute > 59 || second > 60 || !offset(view_slice(v, at, v.len), &from_utc))
        return false;
    /* A leap second is the last of a day in UTC. */
    int utc = ((int)(hour * 60 + minute) - from_utc + MINUTES_A_DAY) % MINUTES_A_DAY;
    return second < 60 || utc == MINUTES_A_DAY - 1;
}

static bool date(struct view v)
{
    return v.len == DATE_LEN && full_date(v.at);
}

static bool date_time(struct view v)
{
    return v.len > DATE_LEN && full_date(v.at) && (v.at[DATE_LEN] | 0x20) == 't' &&
           time_of_day(view_slice(v, DATE_LEN + 1, v.len));
}

static bool hostname(struct view v)
{
    size_t label = 0;

    if (v.len == 0 || v.len > HOST_MAX)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        if (c == '.') {
            if (label == 0 || v.at[i - 1] == '-')
                return false;
            label = 0;
        } else if (is_alnum(c) || (c == '-' && label > 0)) {
            if (++label > LABEL_MAX)
                return false;
        } else {
            return false;
        }
    }
    return label > 0 && v.at[v.len - 1] != '-';
}

bool format_ipv4(struct view v)
{
    unsigned parts = 0, n = 0;
    size_t len = 0;

    for (size_t i = 0; i <= v.len; i++) {
        if (i == v.len || v.at[i] == '.') {
            if (len == 0 || n > 255 || ++parts > 4)
                return false;
            n = 0;
            len = 0;
        } else if (ascii_digit(v.at[i]) && len < 3 && !(len == 1 && n == 0)) {
            n = n * 10 + (unsigned)(v.at[i] - '0');
            len++;
        } else {
            return false;
        }
    }
    return parts == 4;
}

bool format_ipv6(struct view v)
{
    unsigned groups = 0;
    bool gap = false;
    size_t i = 0;

    if (v.len >= 2 && v.at[0] == ':' && v.at[1] == ':') {
        gap = true;
        i = 2;
    }
    while (i < v.len) {
        size_t len = 0;
        while (i + len < v.len && ascii_hex(v.at[i + len]) >= 0)
            len++;
        if (i + len < v.len && v.at[i + len] == '.')
            return format_ipv4(view_slice(v, i, v.len)) && (gap ? groups < 6 : groups == 6);
        if (len == 0 || len > 4)
            return false;
        groups++;
        i += len;
        if (i == v.len)
            break;
        if (v.at[i++] != ':' || i == v.len)
            return false;
        if (v.at[i] == ':') {
            if (gap)
                return false;
            gap = true;
            i++;
        }
    }
    return gap ? groups < 8 : groups == 8;
}

static bool mailbox_domain(struct view v)
{
    if (v.len > 2 && v.at[0] == '[' && v.at[v.len - 1] == ']') {
        struct view inner = view_slice(v, 1, v.len - 2);
        if (inner.len > 5 && memcmp(inner.at, "IPv6:", 5) == 0)
            return format_ipv6(view_slice(inner, 5, inner.len));
        return format_ipv4(inner);
    }
    return hostname(v);
}

/* RFC 5321 Quoted-string, the quotes included. */
static bool quoted_local(struct view v)
{
    if (v.len < 2 || v.at[v.len - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < v.len; i++) {
        if (v.at[i] == '\\')
            i++;
        else if (v.at[i] == '"')
            return false;
        if (i + 1 >= v.len || v.at[i] < 0x20 || v.at[i] > 0x7E)
            return false;
    }
    return true;
}

static bool dotted_local(struct view v)
{
    bool dot = true; /* none may come first, last or beside another */

    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        if (c == '.') {
            if (dot)
                return false;
            dot = true;
        } else if (c != 0 && (is_alnum(c) || strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL)) {
            dot = false;
        } else {
            return false;
        }
    }
    return !dot;
}

static bool email(struct view v)
{
    const uint8_t *at = v.len == 0 ? NULL : memrchr(v.at, '@', v.len);

    if (at == NULL || v.len > MAILBOX_MAX)
        return false;
    struct view local = view_slice(v, 0, (size_t)(at - v.at));
    if (local.len == 0 || local.len > MAILBOX_LOCAL_MAX)
        return false;
    return (local.at[0] == '"' ? quoted_local(local) : dotted_local(local)) &&
           mailbox_domain(view_slice(v, local.len + 1, v.len));
}

/* 8-4-4-4-12 digits, brought together so that the compiler can look at sixteen at once: the loop
 * has no way out and asks nothing that is not arithmetic. */
static bool uuid(struct view v)
{
    uint8_t digits[UUID_DIGITS], other = 0;

    if (v.len != 36 || v.at[8] != '-' || v.at[13] != '-' || v.at[18] != '-' || v.at[23] != '-')
        return false;
    memcpy(digits, v.at, 8);
    memcpy(digits + 8, v.at + 9, 4);
    memcpy(digits + 12, v.at + 14, 4);
    memcpy(digits + 16, v.at + 19, 4);
    memcpy(digits + 20, v.at + 24, 12);
    for (size_t i = 0; i < UUID_DIGITS; i++) {
        uint8_t decimal = (uint8_t)(digits[i] - '0'), letter = (uint8_t)((digits[i] | 0x20) - 'a');
        other |= (decimal > 9) & (letter > 5);
    }
    return other == 0;
}

/* RFC 4648 section 4. */
static bool byte(struct view v)
{
    size_t len = v.len;

    if (len % 4 != 0)
        return false;
    for (size_t pad = 0; pad < 2 && len > 0 && v.at[len - 1] == '='; pad++)
        len--;
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(v.at[i]) && v.at[i] != '+' && v.at[i] != '/')
            return false;
    }
    return true;
}

static bool uri(struct view v)
{
    return uri_valid(v, false);
}

static bool uri_reference(struct view v)
{
    return uri_valid(v, true);
}

static const struct {
    const char *name;
    bool (*holds)(struct view);
} formats[FORMATS] = {
    [FORMAT_DATE_TIME] = {"date-time", date_time},
    [FORMAT_DATE] = {"date", date},
    [FORMAT_TIME] = {"time", time_of_day},
    [FORMAT_EMAIL] = {"email", email},
    [FORMAT_HOSTNAME] = {"hostname", hostname},
    [FORMAT_IPV4] = {"ipv4", format_ipv4},
    [FORMAT_IPV6] = {"ipv6", format_ipv6},
    [FORMAT_URI] = {"uri", uri},
    [FORMAT_URI_REFERENCE] = {"uri-reference", uri_reference},
    [FORMAT_UUID] = {"uuid", uuid},
    [FORMAT_BYTE] = {"byte", byte},
    [FORMAT_REGEX] = {"regex", pattern_is_valid},
    [FORMAT_INT32] = {"int32", NULL},
    [FORMAT_INT64] = {"int64", NULL},
    [FORMAT_FLOAT] = {"float", NULL},
    [FORMAT_DOUBLE] = {"double", NULL},
};

enum format format_by_name(struct view name)
{
    for (enum format f = FORMAT_NONE + 1; f < FORMATS; f++) {
        if (view_is(name, formats[f].name))
            return f;
    }
    return FORMAT_NONE;
}

bool format_holds(enum format f, struct view text)
{
    return formats[f].holds == NULL || formats[f].holds(text);
}
