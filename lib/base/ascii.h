#ifndef SP_BASE_ASCII_H
#define SP_BASE_ASCII_H

/*
 * ascii: letter case and blanks in the texts of protocols (HTTP, URLs, host names), by byte and
 * never by locale. Bytes of 0x80 and more are only ever equal to themselves. Pure.
 */

#include "lib/base/view.h"

static inline bool ascii_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The value of a hex digit; -1: it is none. */
static inline int ascii_hex(uint8_t c)
{
    return ascii_digit(c)         ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* A byte of a token: of a field's name, a method, a scheme (tchar, RFC 9110 section 5.6.2). */
static inline bool ascii_token(uint8_t c)
{
    return ascii_letter(c) || ascii_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static inline uint8_t ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* The same, letter case apart. Not constant time. */
static inline bool ascii_equal(struct view a, struct view b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
            return false;
    return true;
}

static inline bool ascii_is(struct view v, const char *s)
{
    return ascii_equal(v, view_str(s));
}

static inline bool ascii_begins(struct view v, const char *with)
{
    return ascii_is(view_slice(v, 0, strlen(with)), with);
}

static inline bool ascii_ends(struct view v, const char *with)
{
    size_t n = strlen(with);

    return v.len >= n && ascii_is(view_slice(v, v.len - n, n), with);
}

/* Where `what` first stands in `v`; SIZE_MAX: nowhere. An empty text stands nowhere. */
static inline size_t ascii_find(struct view v, const char *what)
{
    struct view w = view_str(what);

    for (size_t i = 0; w.len > 0 && i + w.len <= v.len; i++)
        if (ascii_equal(view_slice(v, i, w.len), w))
            return i;
    return SIZE_MAX;
}

/* Without the blanks around it: OWS, spaces and tabs (RFC 9110 section 5.6.3). */
static inline struct view ascii_trim(struct view v)
{
    while (v.len > 0 && (v.at[0] == ' ' || v.at[0] == '\t'))
        v = view_slice(v, 1, v.len);
    while (v.len > 0 && (v.at[v.len - 1] == ' ' || v.at[v.len - 1] == '\t'))
        v.len--;
    return v;
}

/* Takes the next element off a comma-separated list, trimmed and perhaps empty (RFC 9110 section
 * 5.6.1); false: the list is at its end. Quotes mean nothing here. */
static inline bool ascii_next(struct view *list, struct view *element)
{
    size_t n = 0;

    if (list->len == 0)
        return false;
    while (n < list->len && list->at[n] != ',')
        n++;
    *element = ascii_trim(view_slice(*list, 0, n));
    *list = view_slice(*list, n + 1, list->len);
    return true;
}

/* Takes the next of the words between spaces, which is never empty; false: there is none left. */
static inline bool ascii_word(struct view *text, struct view *word)
{
    size_t n = 0;

    while (text->len > 0 && text->at[0] == ' ')
        *text = view_slice(*text, 1, text->len);
    while (n < text->len && text->at[n] != ' ')
        n++;
    *word = view_slice(*text, 0, n);
    *text = view_slice(*text, n, text->len);
    return n > 0;
}

/* Takes the next line, which ends in CR LF, off a head; false: there is none. */
static inline bool ascii_line(struct view *head, struct view *line)
{
    for (size_t i = 0; i + 1 < head->len; i++)
        if (head->at[i] == '\r' && head->at[i + 1] == '\n') {
            *line = view_slice(*head, 0, i);
            *head = view_slice(*head, i + 2, head->len);
            return true;
        }
    return false;
}

/* "NAME: VALUE": is it that field? Gives its value, trimmed. */
static inline bool ascii_field(struct view line, const char *name, struct view *value)
{
    size_t n = strlen(name);

    if (line.len <= n || line.at[n] != ':' || !ascii_begins(line, name))
        return false;
    *value = ascii_trim(view_slice(line, n + 1, line.len));
    return true;
}

#endif
