#include "client/posture/host.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool host_next_line(struct view *rest, struct view *line)
{
    const uint8_t *end;

    if (rest->len == 0)
        return false;
    end = memchr(rest->at, '\n', rest->len);
    line->at = rest->at;
    line->len = end == NULL ? rest->len : (size_t)(end - rest->at);
    *rest = view_slice(*rest, line->len + (end != NULL), rest->len);
    if (line->len > 0 && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

static struct view trimmed(struct view v)
{
    while (v.len > 0 && isspace(v.at[0]))
        v = view_slice(v, 1, v.len);
    while (v.len > 0 && isspace(v.at[v.len - 1]))
        v.len--;
    return v;
}

static struct view without_bom(struct view v)
{
    static const uint8_t bom[] = {0xef, 0xbb, 0xbf};

    return v.len >= 3 && memcmp(v.at, bom, 3) == 0 ? view_slice(v, 3, v.len) : v;
}

static bool starts(struct view v, const char *word)
{
    size_t len = strlen(word);

    return v.len >= len && memcmp(v.at, word, len) == 0;
}

/*
 * One shell word, as far as assignments in such files use them: parts in '…' are literal, in "…" a
 * backslash frees $ ` " \ only, outside any character; an unquoted blank or # ends the word.
 */
static sp_error unquote(struct view v, char *out, size_t size)
{
    size_t n = 0;
    uint8_t quote = 0;

    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];

        if (quote == 0 && isspace(c))
            break;
        if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
            continue;
        }
        if (quote != 0 && c == quote) {
            quote = 0;
            continue;
        }
        if (c == '\\' && quote != '\'' && i + 1 < v.len &&
            (quote == 0 || strchr("$`\"\\", v.at[i + 1]) != NULL))
            c = v.at[++i];
        if (n + 1 >= size)
            return SP_ERR_LIMIT;
        out[n++] = (char)c;
    }
    if (quote != 0)
        return SP_ERR_MALFORMED;
    out[n] = '\0';
    return SP_OK;
}

sp_error host_assigned(struct view file, const char *name, char *out, size_t size)
{
    struct view rest = without_bom(file), line, found = {0};
    size_t len = strlen(name);
    bool any = false;

    while (host_next_line(&rest, &line)) {
        line = trimmed(line);
        if (line.len > len && starts(line, name) && line.at[len] == '=') {
            found = view_slice(line, len + 1, line.len);
            any = true;
        }
    }
    return any ? unquote(found, out, size) : SP_ERR_NOT_FOUND;
}

sp_error host_ini(struct view file, const char *section, const char *name, char *out, size_t size)
{
    struct view rest = without_bom(file), line, found = {0};
    size_t name_len = strlen(name), section_len = strlen(section);
    bool inside = false, any = false;

    while (host_next_line(&rest, &line)) {
        line = trimmed(line);
        if (line.len > 1 && line.at[0] == '[')
            inside = line.len == section_len + 2 && line.at[line.len - 1] == ']' &&
                     memcmp(line.at + 1, section, section_len) == 0;
        else if (inside && line.len > name_len && starts(line, name)) {
            struct view after = trimmed(view_slice(line, name_len, line.len));
            if (after.len > 0 && after.at[0] == '=') {
                found = trimmed(view_slice(after, 1, after.len));
                any = true;
            }
        }
    }
    if (!any)
        return SP_ERR_NOT_FOUND;
    if (found.len >= size)
        return SP_ERR_LIMIT;
    snprintf(out, size, "%.*s", VIEW_ARG(found));
    return SP_OK;
}
