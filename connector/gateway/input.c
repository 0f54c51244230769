#include "connector/gateway/input.h"

#include <ctype.h>
#include <libinjection.h>

#include "lib/base/ascii.h"
#include "lib/base/banned.h"

const char *input_finding_name(enum input_finding f)
{
    static const char *const names[] = {
        [INPUT_NOTHING] = "",
        [INPUT_TRAVERSAL] = "path_traversal",
        [INPUT_HEADER] = "header_injection",
        [INPUT_SSRF] = "ssrf",
        [INPUT_SQL] = "sqli",
        [INPUT_SCRIPT] = "xss",
    };
    return names[f];
}

/* The byte at *at with escapes decoded, twice where it takes that; *at moves behind it. Overlong
 * forms of '.' and '/' (%c0%ae, %c0%af) are what they once were for lenient decoders. */
static uint8_t next_byte(struct view v, size_t *at)
{
    size_t i = *at, left = v.len - i;

    for (int round = 0; round < 2; round++) {
        if (left > 4 && v.at[i] == '%' && v.at[i + 1] == '2' && v.at[i + 2] == '5') {
            *at = i + 5; /* %25XX */
            if (ascii_hex(v.at[i + 3]) >= 0 && ascii_hex(v.at[i + 4]) >= 0)
                return (uint8_t)(ascii_hex(v.at[i + 3]) * 16 + ascii_hex(v.at[i + 4]));
        }
        if (left > 5 && v.at[i] == '%' && (v.at[i + 1] | 0x20) == 'c' && v.at[i + 2] == '0' &&
            v.at[i + 3] == '%' && ascii_hex(v.at[i + 4]) >= 0 && ascii_hex(v.at[i + 5]) >= 0) {
            *at = i + 6;
            return (uint8_t)((ascii_hex(v.at[i + 4]) * 16 + ascii_hex(v.at[i + 5])) & 0x3f);
        }
        if (left > 2 && v.at[i] == '%' && ascii_hex(v.at[i + 1]) >= 0 &&
            ascii_hex(v.at[i + 2]) >= 0) {
            *at = i + 3;
            return (uint8_t)(ascii_hex(v.at[i + 1]) * 16 + ascii_hex(v.at[i + 2]));
        }
    }
    *at = i + 1;
    return v.at[i];
}

static bool is_slash(int c)
{
    return c == '/' || c == '\\';
}

bool input_climbs(struct view value)
{
    struct view v = view_slice(value, 0, INPUT_TEXT_MAX);
    int before = '/', dots = 0; /* the beginning is the beginning of a segment */
    bool blank = false, climbed_first = true;

    for (size_t at = 0; at < v.len;) {
        uint8_t c = next_byte(v, &at);
        bool first = climbed_first;
        if (c == 0)
            return true;
        if (c == '.' && (dots > 0 || is_slash(before))) {
            dots++;
        } else if (dots == 2 && is_slash(c)) {
            if (first || !blank)
                return true;
            dots = 0;
        } else {
            dots = 0;
            climbed_first = climbed_first && is_slash(c);
        }
        blank = blank || isspace(c);
        before = c;
    }
    return dots == 2 && !blank && v.len > 2; /* "a/.." */
}

/* Fields that change what an answer or a request is. */
bool input_breaks_header(struct view value)
{
    static const char *const fields[] = {
        "set-cookie",
        "location",
        "content-type",
        "content-length",
        "refresh",
        "transfer-encoding",
        "host",
        "access-control-allow-origin",
        "x-forwarded-for",
        "authorization",
        "cookie",
        "bcc",
        "cc",
        "http/1.1",
        "http/1.0",
    };
    struct view v = view_slice(value, 0, INPUT_TEXT_MAX);

    for (size_t i = 0; i + 1 < v.len; i++) {
        if (v.at[i] != '\r' && v.at[i] != '\n')
            continue;
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
            size_t n = strlen(fields[f]);
            struct view rest = view_slice(v, i + 1, v.len);
            bool line = fields[f][n - 2] == '.' || (n < rest.len && rest.at[n] == ':');
            if (line && ascii_begins(rest, fields[f]))
                return true;
        }
    }
    return false;
}

/* ---- SQL ---------------------------------------------------------------------------------- */

/* What stands at `i`, a letter case apart. */
static bool at_word(struct view v, size_t i, const char *word)
{
    size_t n = strlen(word);

    if (v.len - i < n || (i > 0 && isalnum(v.at[i - 1])))
        return false;
    return ascii_is(view_slice(v, i, n), word);
}

static bool at_one_of(struct view v, size_t i, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (at_word(v, i, *words))
            return true;
    }
    return false;
}

static size_t skip_blanks(struct view v, size_t i)
{
    while (i < v.len && isspace(v.at[i]))
        i++;
    return i;
}

/* A comment that swallows the rest of a statement: nothing of a sentence follows. */
static bool ends_statement(struct view v, size_t i)
{
    for (; i < v.len; i++) {
        if (isalpha(v.at[i]) || v.at[i] >= 0x80)
            return false;
    }
    return true;
}

/*
 * A second opinion: libinjection calls "price < 100 and 42 > 5" and 'label:"and"' SQL, and of our
 * 2,000 honest texts 37; with this one 1, and 95 of the 100 attacks as before. What breaks out of a
 * statement shows one of these besides.
 */
static bool shows_sql(struct view v)
{
    static const char *const calls[] = {"sleep(",
                                        "pg_sleep(",
                                        "benchmark(",
                                        "extractvalue(",
                                        "updatexml(",
                                        "load_file(",
                                        "concat(",
                                        "version(",
                                        "database(",
                                        "substring(",
                                        "substr(",
                                        "ascii(",
                                        "exists(",
                                        "count(",
                                        "xp_cmdshell",
                                        "waitfor delay",
                                        "information_schema",
                                        "order by 1",
                                        NULL};
    static const char *const verbs[] = {"drop",     "insert",   "update",  "delete",
                                        "exec",     "select",   "alter",   "create",
                                        "truncate", "shutdown", "declare", NULL};
    static const char *const logic[] = {"or", "and", "xor", "having", "where", NULL};
    bool after_union = false, after_logic = false;

    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        uint8_t next = i + 1 < v.len ? v.at[i + 1] : 0;
        after_union = after_union || at_word(v, i, "union");
        after_logic =
            after_logic || at_one_of(v, i, logic) || ((c == '|' || c == '&') && next == c);
        if ((c == '/' && next == '*') || at_one_of(v, i, calls) ||
            (after_union && at_word(v, i, "select")) ||
            (after_logic && (c == '=' || at_word(v, i, "like '"))) ||
            (c == '(' && at_word(v, skip_blanks(v, i + 1), "select")) ||
            (c == ';' && at_one_of(v, skip_blanks(v, i + 1), verbs)) ||
            (((c == '-' && next == '-') || c == '#') && i > 0 && ends_statement(v, i)))
            return true;
    }
    return false;
}

bool input_is_sql(struct view value)
{
    struct view v = view_slice(value, 0, INPUT_TEXT_MAX);
    char fingerprint[16];

    return v.len > 0 && libinjection_sqli((const char *)v.at, v.len, fingerprint) == 1 &&
           shows_sql(v);
}

bool input_is_script(struct view value)
{
    struct view v = view_slice(value, 0, INPUT_TEXT_MAX);

    return v.len > 0 && libinjection_xss((const char *)v.at, v.len) == 1;
}

static bool listed(const struct config_strings *names, struct view name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (view_is(name, names->items[i]))
            return true;
    }
    return false;
}

enum input_finding input_judge(const struct gwconf_input *conf, struct view name, struct view value,
                               bool free_text, bool is_body)
{
    bool is_url = listed(&conf->ssrf, name);

    if (conf->path_traversal != GW_OFF && (!is_body || value.len <= 256) && input_climbs(value))
        return INPUT_TRAVERSAL;
    if (conf->header_injection != GW_OFF && input_breaks_header(value))
        return INPUT_HEADER;
    if (conf->mode == GW_OFF)
        return INPUT_NOTHING;
    if ((is_url || conf->ssrf_urls) && input_leads_inside(value, is_url, &conf->deny_hosts))
        return INPUT_SSRF;
    if (free_text && conf->sqli == GW_TEXT_FREE && input_is_sql(value))
        return INPUT_SQL;
    if (free_text && conf->xss == GW_TEXT_FREE && input_is_script(value))
        return INPUT_SCRIPT;
    return INPUT_NOTHING;
}
