#include "lib/edge/redact.h"

#include "lib/base/ascii.h"

#include <ctype.h>
#include <string.h>

static const char gone[] = "[redacted]";

static bool in_word(uint8_t c)
{
    return isalnum(c) || c == '_' || c == '-' || c == '.' || c == '+' || c == '/' || c == '=' ||
           c >= 0x80;
}

/* Names stand between anything that is no letter, digit or underscore. */
static bool in_name(uint8_t c)
{
    return isalnum(c) || c == '_' || c >= 0x80;
}

static size_t word_length(struct view v)
{
    size_t n = 0;

    while (n < v.len && in_word(v.at[n]))
        n++;
    return n;
}

/* ---- secrets ------------------------------------------------------------------------------ */

static bool is_token(struct view v)
{
    static const char *const heads[] = {"v4.public.", "v4.local.", "spe_", "spt_",
                                        "sat_",       "sas_",      "eyJ"};

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (v.len > strlen(heads[i]) && memcmp(v.at, heads[i], strlen(heads[i])) == 0)
            return true;
    return false;
}

/* The word that ends at `end` names a secret. */
static bool names_secret(struct view text, size_t end)
{
    static const char *const words[] = {"password", "passwd",        "secret", "token",
                                        "cookie",   "ticket",        "grant",  "seed",
                                        "verifier", "authorization", "private"};
    size_t begin = end;

    while (begin > 0 &&
           (isalnum(text.at[begin - 1]) || text.at[begin - 1] == '_' || text.at[begin - 1] == '-'))
        begin--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);

        for (size_t at = begin; at + n <= end; at++)
            if (ascii_begins(view_slice(text, at, end - at), words[i]))
                return true;
    }
    return false;
}

/* How a value ends. */
enum form { FORM_WORD = 0, FORM_QUOTED, FORM_LINE };

/* `name=value`, `"name":"value"`, `Name: value to the line's end` and `name = value` likewise:
 * bytes to keep before the value; 0: it is none of them. */
static size_t assigned(struct view text, size_t at, enum form *form)
{
    size_t end = at, n = 0;
    bool apart = at > 0 && text.at[at - 1] == ' ';

    while (apart && end > 0 && text.at[end - 1] == ' ')
        end--;
    bool quoted = end > 0 && text.at[end - 1] == '"';
    end -= quoted;
    if (at >= text.len || (text.at[at] != '=' && text.at[at] != ':') || !names_secret(text, end))
        return 0;
    n = 1;
    while (at + n < text.len && text.at[at + n] == ' ')
        n++;
    if (at + n < text.len && text.at[at + n] == '"')
        *form = FORM_QUOTED;
    else
        *form = !quoted && (apart || text.at[at] == ':') ? FORM_LINE : FORM_WORD;
    return n + (*form == FORM_QUOTED);
}

static size_t value_length(struct view v, enum form form)
{
    size_t n = 0;

    for (; n < v.len && v.at[n] != '\n'; n++) {
        bool word_ends = isspace(v.at[n]) || v.at[n] == ',' || v.at[n] == '}';

        if (form == FORM_QUOTED && v.at[n] == '"' && (n == 0 || v.at[n - 1] != '\\'))
            break;
        if (form == FORM_WORD && word_ends)
            break;
    }
    return n;
}

/* "://user:password@": the length of user:password, to the last '@'; 0: there is none. */
static size_t credentials(struct view v)
{
    size_t sign = 0;

    for (size_t n = 0; n < v.len && v.at[n] != '/' && v.at[n] != '"' && !isspace(v.at[n]); n++)
        if (v.at[n] == '@')
            sign = n;
    return sign;
}

/* A PEM block whose label says PRIVATE, with its last line; one without an end goes on to the end
 * of the text. */
static size_t private_key(struct view v)
{
    const uint8_t *line = memchr(v.at, '\n', v.len);
    size_t first = line == NULL ? v.len : (size_t)(line - v.at);

    if (!ascii_begins(v, "-----BEGIN ") || memmem(v.at, first, "PRIVATE", 7) == NULL)
        return 0;
    const uint8_t *end = memmem(v.at + first, v.len - first, "-----END ", 9);
    if (end == NULL)
        return v.len;
    const uint8_t *last = memchr(end, '\n', v.len - (size_t)(end - v.at));
    return last == NULL ? v.len : (size_t)(last - v.at);
}

/* ---- one place ---------------------------------------------------------------------------- */

/* How many bytes at `at` are replaced, after `*keep` bytes that stay; 0: none. */
static size_t secret_at(struct view text, size_t at, size_t *keep)
{
    struct view rest = view_slice(text, at, text.len);
    bool first = at == 0 || !in_word(text.at[at - 1]);
    enum form form;
    size_t n;

    *keep = 0;
    if (first && is_token(rest))
        return word_length(rest);
    if ((n = private_key(rest)) > 0)
        return n;
    if (first && (ascii_begins(rest, "bearer ") || ascii_begins(rest, "basic "))) {
        *keep = ascii_begins(rest, "basic ") ? 6 : 7;
        n = word_length(view_slice(rest, *keep, rest.len));
        return n >= 8 ? n : 0; /* "basic text" is a phrase */
    }
    if (ascii_begins(rest, "://") && (n = credentials(view_slice(rest, 3, rest.len))) > 0) {
        *keep = 3;
        return n;
    }
    if ((*keep = assigned(text, at, &form)) > 0)
        return value_length(view_slice(rest, *keep, rest.len), form);
    return 0;
}

static size_t name_at(struct view text, size_t at, const struct redact_name names[], size_t count,
                      const char **what)
{
    struct view rest = view_slice(text, at, text.len);

    if (at > 0 && in_name(text.at[at - 1]))
        return 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = names[i].text == NULL ? 0 : strlen(names[i].text);

        if (n > 0 && ascii_begins(rest, names[i].text) && (n == rest.len || !in_name(rest.at[n]))) {
            *what = names[i].name;
            return n;
        }
    }
    return 0;
}

void redact(struct view text, const struct redact_name names[], size_t count, struct buf *out)
{
    for (size_t at = 0; at < text.len;) {
        const char *what = NULL;
        size_t keep, n = secret_at(text, at, &keep);

        if (n > 0) {
            buf_add(out, view_slice(text, at, keep));
            buf_add_str(out, gone);
            at += keep + n;
        } else if ((n = name_at(text, at, names, count, &what)) > 0) {
            buf_addf(out, "<%s>", what);
            at += n;
        } else {
            buf_add(out, view_slice(text, at, 1));
            at++;
        }
    }
}
