#include "connector/gateway/fields.h"

#include "lib/base/ascii.h"

#define NAME(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

/* Tables of names have a row for each first letter, since most fields are done with that. */
enum { LETTERS = 'z' - 'a' + 1, IN_A_ROW = 4 };

#define LETTER(c) [(c) - 'a']

bool field_name_begins(struct view name, const char *prefix)
{
    size_t i = 0;

    for (; prefix[i] != '\0'; i++)
        if (i == name.len ||
            (name.at[i] == '_' ? '-' : ascii_lower(name.at[i])) != (uint8_t)prefix[i])
            return false;
    return true;
}

/* Many names are as long as another and few begin with the same letter: one look at that before
 * a call. */
static bool same_bytes(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || (a.at[0] == b.at[0] && memcmp(a.at, b.at, a.len) == 0));
}

struct view gw_field_find(const struct gw_field *fields, size_t n, const char *name, size_t *count)
{
    struct view found = {0}, wanted = view_str(name);
    size_t hits = 0;

    for (size_t i = 0; i < n; i++)
        if (same_bytes(fields[i].name, wanted) && hits++ == 0)
            found = fields[i].value;
    if (count != NULL)
        *count = hits;
    return found;
}

/* ---- what the engine reads ----------------------------------------------------------------- */

struct named_role {
    struct view name; /* empty: the row ends */
    enum field_role role;
};

static const struct named_role roles_by_letter[LETTERS][IN_A_ROW] = {
    LETTER('a') = {{NAME("authorization"), FIELD_AUTHORIZATION}},
    LETTER('c') = {{NAME("connection"), FIELD_CONNECTION},
                   {NAME("content-encoding"), FIELD_CONTENT_ENCODING},
                   {NAME("content-length"), FIELD_CONTENT_LENGTH},
                   {NAME("content-type"), FIELD_CONTENT_TYPE}},
    LETTER('e') = {{NAME("expect"), FIELD_EXPECT}},
    LETTER('h') = {{NAME("host"), FIELD_HOST}},
    LETTER('t') = {{NAME("transfer-encoding"), FIELD_TRANSFER_ENCODING}},
    LETTER('u') = {{NAME("upgrade"), FIELD_UPGRADE}},
};

struct field_roles field_roles_of(const struct gw_field *fields, size_t n)
{
    struct field_roles found = {0};

    for (size_t i = 0; i < n; i++) {
        struct view name = fields[i].name;
        size_t letter = name.len == 0 ? LETTERS : (size_t)(name.at[0] - 'a');
        for (size_t k = 0; letter < LETTERS && k < IN_A_ROW; k++) {
            const struct named_role *r = &roles_by_letter[letter][k];
            if (r->name.len == 0)
                break;
            if (view_equal(name, r->name) && found.count[r->role]++ == 0)
                found.value[r->role] = fields[i].value;
        }
    }
    return found;
}

bool field_has(const struct gw_field *fields, size_t n, const char *name, const char *token)
{
    struct view list, one, wanted = view_str(name);

    for (size_t i = 0; i < n; i++) {
        if (!view_equal(fields[i].name, wanted))
            continue;
        list = fields[i].value;
        while (ascii_next(&list, &one))
            if (ascii_is(one, token))
                return true;
    }
    return false;
}

/* One list of the options of a connection. */
static void add_options(struct view list, struct field_wishes *w)
{
    struct view one;

    while (ascii_next(&list, &one)) {
        w->close |= ascii_is(one, "close");
        w->keep_alive |= ascii_is(one, "keep-alive");
        w->upgrade |= ascii_is(one, "upgrade");
    }
}

struct field_wishes field_wishes_of(const struct gw_field *fields, size_t n,
                                    const struct field_roles *roles)
{
    struct field_wishes w = {0};

    for (size_t i = 0; i < n && roles->count[FIELD_CONNECTION] > 0; i++)
        if (view_is(fields[i].name, "connection"))
            add_options(fields[i].value, &w);
    w.websocket = w.upgrade && roles->count[FIELD_UPGRADE] == 1 &&
                  ascii_is(roles->value[FIELD_UPGRADE], "websocket");
    w.expects = roles->count[FIELD_EXPECT] > 0;
    w.expect_continue =
        roles->count[FIELD_EXPECT] == 1 && ascii_is(roles->value[FIELD_EXPECT], "100-continue");
    return w;
}

/* ---- what goes no further ------------------------------------------------------------------ */

/* Names that go no further. */
static const struct view dropped[LETTERS][IN_A_ROW] = {
    LETTER('c') = {NAME("connection"), NAME("content-length")},
    LETTER('e') = {NAME("expect")},
    LETTER('h') = {NAME("host"), NAME("http2-settings")},
    LETTER('k') = {NAME("keep-alive")},
    LETTER('p') = {NAME("proxy-connection"), NAME("proxy-authenticate"),
                   NAME("proxy-authorization"), NAME("proxy-authentication-info")},
    LETTER('t') = {NAME("te"), NAME("trailer"), NAME("transfer-encoding")},
    LETTER('u') = {NAME("upgrade")},
};

/* What only a gateway may say: names, and beginnings of names with their '-'. */
static const char *const reserved[LETTERS][IN_A_ROW] = {
    LETTER('f') = {"forwarded"},
    LETTER('s') = {"sallyport-"},
    LETTER('x') = {"x-sallyport-", "x-forwarded-", "x-real-ip"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool is_dropped(struct view name, size_t letter)
{
    for (size_t i = 0; i < IN_A_ROW && dropped[letter][i].len > 0; i++)
        if (view_equal(name, dropped[letter][i]))
            return true;
    return false;
}

static bool is_reserved(struct view name, size_t letter)
{
    for (size_t i = 0; i < IN_A_ROW && reserved[letter][i] != NULL; i++) {
        const char *one = reserved[letter][i];
        size_t len = strlen(one);
        if ((one[len - 1] == '-' || name.len == len) && field_name_begins(name, one))
            return true;
    }
    return false;
}

static bool goes_no_further(struct view name)
{
    size_t letter = name.len == 0 ? LETTERS : (size_t)(ascii_lower(name.at[0]) - 'a');

    return letter < LETTERS && (is_dropped(name, letter) || is_reserved(name, letter));
}

/* Does a Connection field name it? `options` has them copied, since the fields move. */
static bool is_named(struct view name, const struct view *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct view list = options[i], one;
        while (ascii_next(&list, &one))
            if (ascii_equal(one, name))
                return true;
    }
    return false;
}

size_t field_keep_end_to_end(struct gw_field *fields, size_t n)
{
    struct view options[8];
    size_t option_count = 0, kept = 0;

    for (size_t i = 0; i < n; i++)
        if (view_is(fields[i].name, "connection") && option_count < COUNT(options))
            options[option_count++] = fields[i].value;
    for (size_t i = 0; i < n; i++) {
        if (goes_no_further(fields[i].name) || is_named(fields[i].name, options, option_count))
            continue;
        fields[kept++] = fields[i];
    }
    return kept;
}

struct view field_media_type(struct view value, struct arena *a)
{
    const uint8_t *semicolon = value.len == 0 ? NULL : memchr(value.at, ';', value.len);
    struct view type = value;
    uint8_t *copy;

    if (semicolon != NULL)
        type.len = (size_t)(semicolon - value.at);
    type = ascii_trim(type);
    if (type.len == 0 || (copy = arena_take(a, type.len)) == NULL)
        return (struct view){0};
    for (size_t i = 0; i < type.len; i++)
        copy[i] = ascii_lower(type.at[i]);
    return (struct view){copy, type.len};
}

bool field_once_each(const struct field_roles *roles)
{
    return roles->count[FIELD_CONTENT_TYPE] <= 1 && roles->count[FIELD_CONTENT_ENCODING] <= 1 &&
           roles->count[FIELD_AUTHORIZATION] <= 1 && roles->count[FIELD_EXPECT] <= 1;
}

void field_body(const struct field_roles *roles, struct arena *a, struct gw_message_body *out)
{
    out->content_type = field_media_type(roles->value[FIELD_CONTENT_TYPE], a);
    out->coding = field_media_type(roles->value[FIELD_CONTENT_ENCODING], a);
    if (roles->count[FIELD_CONTENT_ENCODING] > 1)
        out->coding = view_str("several"); /* of an answer: one after the other */
    else if (view_is(out->coding, "identity"))
        out->coding = (struct view){0};
}
