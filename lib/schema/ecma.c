#include "lib/schema/ecma.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"

#include "lib/base/banned.h"

/* ECMA-262 WhiteSpace and LineTerminator, as the inside of a class. */
#define SPACES \
    "\\t\\n\\x0B\\f\\r\\x20\\xA0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000\\uFEFF"

struct rewriting {
    struct view in;
    size_t at;
    struct buf *out;
    bool portable, in_class, refused;
};

static uint8_t look(const struct rewriting *r, size_t ahead)
{
    return r->at + ahead < r->in.len ? r->in.at[r->at + ahead] : 0;
}

static void copy(struct rewriting *r, size_t bytes)
{
    buf_add(r->out, view_slice(r->in, r->at, bytes));
    r->at += bytes;
}

/* \p{Letter}: PCRE2 knows general categories by their short names only. */
static const struct {
    const char *name, *is;
} categories[] = {
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
    {"Unassigned", "Cn"},
};

/* At "\p" or "\P". */
static void property(struct rewriting *r)
{
    const uint8_t *end =
        look(r, 2) == '{' ? memchr(r->in.at + r->at, '}', r->in.len - r->at) : NULL;

    if (end == NULL) {
        r->portable = false; /* \pL */
        copy(r, 2);
        return;
    }
    struct view name = view_slice(r->in, r->at + 3, (size_t)(end - r->in.at) - r->at - 3);
    const uint8_t *equals = name.len == 0 ? NULL : memchr(name.at, '=', name.len);
    copy(r, 3);
    r->at += name.len;
    if (equals != NULL) /* General_Category=Lu, gc=Lu, Script=Greek: the value alone says it */
        name = view_slice(name, (size_t)(equals - name.at) + 1, name.len);
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++) {
        if (view_is(name, categories[i].name))
            name = view_str(categories[i].is);
    }
    buf_add(r->out, name);
}

static void space(struct rewriting *r)
{
    bool not = look(r, 1) == 'S';

    r->at += 2;
    if (r->in_class && not ) { /* a negated set cannot stand in a class: its ranges can */
        buf_add_str(r->out, "\\x00-\\x08\\x0E-\\x1F\\x21-\\x9F\\xA1-\\u167F\\u1681-\\u1FFF\\u200B-"
                            "\\u2027\\u202A-\\u202E\\u2030-\\u205E\\u2060-\\u2FFF\\u3001-\\uD7FF"
                            "\\uE000-\\uFEFE\\uFF00-\\u{10FFFF}");
        return;
    }
    if (!r->in_class)
        buf_add_str(r->out, not ? "[^" : "[");
    buf_add_str(r->out, SPACES);
    if (!r->in_class)
        buf_add_str(r->out, "]");
}

static int hex4(const struct rewriting *r, size_t from)
{
    int n = 0;

    for (size_t i = 0; i < 4; i++) {
        int digit = ascii_hex(look(r, from + i));
        if (digit < 0)
            return -1;
        n = n * 16 + digit;
    }
    return n;
}

/* At "\u": a pair of surrogates is one character; "\u" without digits is left to PCRE2. */
static void unicode(struct rewriting *r)
{
    int high = hex4(r, 2), low = look(r, 6) == '\\' && look(r, 7) == 'u' ? hex4(r, 8) : -1;

    if (high >= 0xD800 && high < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
        buf_addf(r->out, "\\u{%X}",
                 0x10000u + ((unsigned)(high - 0xD800) << 10) + (unsigned)(low - 0xDC00));
        r->at += 12;
        return;
    }
    if (high < 0 && look(r, 2) != '{')
        r->portable = false;
    copy(r, 2);
}

static bool is_set(uint8_t c)
{
    return c != 0 && strchr("dDwWsSpP", c) != NULL;
}

/* A '-' beside \d, \s and so on makes no range: a character then, which ECMA-262 takes only without
 * the `u` flag. */
static void hyphen(struct rewriting *r)
{
    if (look(r, 0) == '-' && look(r, 1) != ']' && look(r, 1) != 0) {
        r->portable = false;
        buf_add_str(r->out, "\\-");
        r->at++;
    }
}

static void escape(struct rewriting *r)
{
    uint8_t c = look(r, 1);
    bool set = is_set(c);

    if (r->at + 1 >= r->in.len) {
        r->refused = true;
        r->at++;
    } else if (c == 'p' || c == 'P') {
        property(r);
    } else if (c == 's' || c == 'S') {
        space(r);
    } else if (c == 'u') {
        unicode(r);
    } else {
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (letter && strchr(r->in_class ? "bdDwWfnrtvxc" : "bBdDwWfnrtvxck", c) == NULL)
            r->portable = false; /* \A \Z \h \Q …; `\a` is no escape of ECMA's */
        if (c == 'v') {          /* one character there, a set here */
            buf_add_str(r->out, "\\x0B");
            r->at += 2;
        } else {
            copy(r, 2);
        }
    }
    if (set && r->in_class)
        hyphen(r);
}

/* At "(" : what may follow "(?" in ECMA-262 is : = ! <= <! and <name>. */
static void group(struct rewriting *r)
{
    uint8_t after = look(r, 2);

    if (look(r, 1) == '*' || (look(r, 1) == '?' && after == 'C')) {
        r->refused = true;
    } else if (look(r, 1) == '?') {
        if (after == 0 || strchr(":=!<", after) == NULL)
            r->portable = false;
        copy(r, 1);
        copy(r, 1);
        if (after == '<' || (after != 0 && strchr(":=!", after) != NULL))
            copy(r, 1);
        return;
    }
    copy(r, 1);
}

static void quantifier(struct rewriting *r)
{
    copy(r, 1);
    if (look(r, 0) == '+') /* possessive */
        r->portable = false;
    if (look(r, 0) == '?' || look(r, 0) == '+')
        copy(r, 1);
}

/* Inside [ ]. ECMA knows no [:alpha:], and its '[' is a character there. */
static void in_class(struct rewriting *r)
{
    uint8_t c = look(r, 0);

    if (c == '-' && look(r, 1) == '\\' && is_set(look(r, 2))) {
        hyphen(r);
        return;
    }
    if (c == ']') {
        r->in_class = false;
    } else if (c == '[') {
        uint8_t kind = look(r, 1);
        if (kind == ':' || kind == '.' || kind == '=')
            r->portable = false;
        else
            buf_add_str(r->out, "\\");
    }
    copy(r, 1);
}

enum pattern_error ecma_translate(struct view text, struct buf *out, bool *portable)
{
    struct rewriting r = {.in = text, .out = out, .portable = true};

    if (!utf8_valid(text))
        return PATTERN_INVALID;
    while (r.at < text.len && !r.refused) {
        uint8_t c = look(&r, 0);
        if (c == '\\') {
            escape(&r);
        } else if (r.in_class) {
            in_class(&r);
        } else if (c == '[') {
            r.in_class = true;
            copy(&r, look(&r, 1) == '^' ? 2 : 1);
        } else if (c == '(') {
            group(&r);
        } else if (c == '*' || c == '+' || c == '?' || c == '}') {
            quantifier(&r);
        } else {
            copy(&r, 1);
        }
    }
    *portable = r.portable;
    if (r.refused)
        return PATTERN_INVALID;
    return buf_error(out) == SP_OK ? PATTERN_OK : PATTERN_NOMEM;
}
