#include "connector/gateway/inventory/classify.h"

#include "lib/base/ascii.h"

static bool is_integer(struct view v)
{
    if (v.len > 1 && v.at[0] == '-')
        v = view_slice(v, 1, v.len);
    if (v.len == 0 || v.len > 40)
        return false;
    for (size_t i = 0; i < v.len; i++)
        if (!ascii_digit(v.at[i]))
            return false;
    return true;
}

static bool is_version(struct view v)
{
    return v.len > 1 && v.at[0] == 'v' && ascii_digit(v.at[1]) &&
           is_integer(view_slice(v, 1, v.len));
}

static bool is_uuid(struct view v)
{
    if (v.len != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? v.at[i] != '-' : ascii_hex(v.at[i]) < 0)
            return false;
    }
    return true;
}

static bool is_ulid(struct view v)
{
    bool digits = false;

    if (v.len != 26 || v.at[0] < '0' || v.at[0] > '7')
        return false;
    for (size_t i = 0; i < 26; i++) {
        if (v.at[i] == '\0' || strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", v.at[i]) == NULL)
            return false;
        digits = digits || ascii_digit(v.at[i]);
    }
    return digits;
}

static bool is_hex(struct view v)
{
    bool digits = false, lower = false, upper = false;

    for (size_t i = 0; i < v.len; i++) {
        if (ascii_hex(v.at[i]) < 0)
            return false;
        digits = digits || ascii_digit(v.at[i]);
        lower = lower || (v.at[i] >= 'a' && v.at[i] <= 'f');
        upper = upper || (v.at[i] >= 'A' && v.at[i] <= 'F');
    }
    return v.len >= 8 && digits && !(lower && upper);
}

static bool is_base64(struct view v)
{
    bool digits = false, lower = false, upper = false;

    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        if (!ascii_digit(c) && !ascii_letter(c) && c != '-' && c != '_')
            return false;
        digits = digits || ascii_digit(c);
        lower = lower || (c >= 'a' && c <= 'z');
        upper = upper || (c >= 'A' && c <= 'Z');
    }
    return v.len >= 16 && digits && lower && upper;
}

static unsigned two(const uint8_t *at)
{
    return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

static bool is_date(struct view v)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (v.len != 10 || v.at[4] != '-' || v.at[7] != '-')
        return false;
    for (size_t i = 0; i < 10; i++)
        if (i != 4 && i != 7 && !ascii_digit(v.at[i]))
            return false;
    unsigned year = two(v.at) * 100 + two(v.at + 2), month = two(v.at + 5), day = two(v.at + 8);
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month != 2 || day < 29 || leap;
}

static bool is_time(struct view v)
{
    if (v.len < 20 || !is_date(view_slice(v, 0, 10)) || (v.at[10] != 'T' && v.at[10] != 't'))
        return false;
    for (size_t i = 11; i < 19; i++)
        if (i == 13 || i == 16 ? v.at[i] != ':' : !ascii_digit(v.at[i]))
            return false;
    return two(v.at + 11) < 24 && two(v.at + 14) < 60 && two(v.at + 17) <= 60;
}

static bool is_decimal(struct view v)
{
    size_t dots = 0, digits = 0;

    if (v.len > 1 && v.at[0] == '-')
        v = view_slice(v, 1, v.len);
    for (size_t i = 0; i < v.len; i++) {
        dots += v.at[i] == '.';
        digits += ascii_digit(v.at[i]);
    }
    return v.len <= 40 && dots == 1 && digits + dots == v.len && ascii_digit(v.at[0]) &&
           ascii_digit(v.at[v.len - 1]);
}

bool classify_is_email(struct view v)
{
    size_t at = 0, dots = 0;

    if (v.len < 6 || v.len > 254)
        return false;
    while (at < v.len && v.at[at] != '@')
        at++;
    if (at == 0 || at > 64 || at + 4 > v.len || v.at[at + 1] == '.' || v.at[v.len - 1] == '.')
        return false;
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        bool plain = ascii_digit(c) || ascii_letter(c) || c == '.' || c == '-';
        if (i < at ? !plain && (c == 0 || strchr("_+%'&=*/!#$?^`{|}~", c) == NULL)
                   : i > at && !plain)
            return false;
        dots += i > at && c == '.';
    }
    return dots > 0 && ascii_letter(v.at[v.len - 1]);
}

bool classify_is_iban(struct view v)
{
    uint8_t plain[34];
    size_t n = 0;
    unsigned rest = 0;

    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] == ' ' && i % 5 == 4)
            continue;
        if (n == sizeof plain || !(ascii_digit(v.at[i]) || (v.at[i] >= 'A' && v.at[i] <= 'Z')))
            return false;
        plain[n++] = v.at[i];
    }
    if (n < 15 || !ascii_letter(plain[0]) || !ascii_letter(plain[1]) || !ascii_digit(plain[2]) ||
        !ascii_digit(plain[3]))
        return false;
    for (size_t i = 0; i < n; i++) { /* the first four count last */
        uint8_t c = plain[(i + 4) % n];
        rest = ascii_digit(c) ? (rest * 10 + (unsigned)(c - '0')) % 97
                              : (rest * 100 + (unsigned)(c - 'A') + 10) % 97;
    }
    return rest == 1;
}

bool classify_is_card(struct view v)
{
    uint8_t digits[19];
    size_t n = 0;
    unsigned sum = 0;

    if (v.len == 0 || !ascii_digit(v.at[0]) || !ascii_digit(v.at[v.len - 1]))
        return false;
    for (size_t i = 0; i < v.len; i++) {
        if ((v.at[i] == ' ' || v.at[i] == '-') && ascii_digit(v.at[i - 1]))
            continue;
        if (!ascii_digit(v.at[i]) || n == sizeof digits)
            return false;
        digits[n++] = (uint8_t)(v.at[i] - '0');
    }
    /* 3 to 6: the first digits of the card networks; a run of zeros is no card. */
    if (n < 13 || digits[0] < 3 || digits[0] > 6)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned d = digits[n - 1 - i];
        d = i % 2 == 1 ? d * 2 : d;
        sum += d > 9 ? d - 9 : d;
    }
    return sum % 10 == 0;
}

static const struct {
    enum value_class is;
    bool (*test)(struct view);
} tests[] = {
    {VALUE_INTEGER, is_integer},
    {VALUE_UUID, is_uuid},
    {VALUE_ULID, is_ulid},
    {VALUE_DATE, is_date},
    {VALUE_IBAN, classify_is_iban},
    {VALUE_HEX, is_hex},
    {VALUE_EMAIL, classify_is_email},
    {VALUE_BASE64, is_base64},
};

enum value_class classify_segment(struct view segment)
{
    if (is_version(segment))
        return VALUE_WORD;
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        if (tests[i].test(segment))
            return tests[i].is;
    return VALUE_WORD;
}

enum value_class classify_value(struct view value)
{
    if (view_is(value, "true") || view_is(value, "false"))
        return VALUE_BOOLEAN;
    if (is_decimal(value))
        return VALUE_DECIMAL;
    if (is_time(value))
        return VALUE_TIME;
    return classify_segment(value);
}

static const struct {
    const char *type, *format;
} said[VALUE_CLASSES] = {
    [VALUE_WORD] = {"string", NULL},     [VALUE_INTEGER] = {"integer", NULL},
    [VALUE_UUID] = {"string", "uuid"},   [VALUE_ULID] = {"string", NULL},
    [VALUE_HEX] = {"string", NULL},      [VALUE_BASE64] = {"string", NULL},
    [VALUE_DATE] = {"string", "date"},   [VALUE_EMAIL] = {"string", "email"},
    [VALUE_IBAN] = {"string", NULL},     [VALUE_DECIMAL] = {"number", NULL},
    [VALUE_BOOLEAN] = {"boolean", NULL}, [VALUE_TIME] = {"string", "date-time"},
};

const char *classify_type(enum value_class c)
{
    return said[c].type;
}

const char *classify_format(enum value_class c)
{
    return said[c].format;
}
