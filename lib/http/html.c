#include "lib/http/html.h"

#include "lib/base/encode.h"

#include <stdarg.h>

static const char *entity(uint8_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Line breaks stay: they are layout in <pre> and blanks elsewhere. All other controls, bidi
 * controls and broken UTF-8 come back from encode_visible as ASCII. */
static void add_visible(struct buf *out, struct view part)
{
    struct buf shown;

    buf_init(&shown, part.len * 8 + 16);
    encode_visible(part, &shown);
    for (size_t i = 0; i < shown.len; i++) {
        const char *e = entity(shown.at[i]);
        if (e != NULL)
            buf_add_str(out, e);
        else
            buf_add_byte(out, shown.at[i]);
    }
    if (buf_error(&shown) != SP_OK && out->err == SP_OK)
        out->err = buf_error(&shown);
    buf_deinit(&shown);
}

void html_text(struct buf *out, struct view text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '\n') {
            add_visible(out, view_slice(text, from, i - from));
            buf_add_byte(out, '\n');
            from = i + 1;
        }
    add_visible(out, view_slice(text, from, text.len));
}

void html_f(struct buf *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    for (const char *f = format; *f != '\0'; f++) {
        if (*f != '%') {
            buf_add_byte(out, (uint8_t)*f);
            continue;
        }
        switch (*++f) {
        case 's':
            html_text(out, view_str(va_arg(args, const char *)));
            break;
        case 'v':
            html_text(out, *va_arg(args, const struct view *));
            break;
        case 'd':
            buf_addf(out, "%d", va_arg(args, int));
            break;
        case '%':
            buf_add_byte(out, '%');
            break;
        default:
            if (out->err == SP_OK)
                out->err = SP_ERR_INVALID;
            va_end(args);
            return;
        }
    }
    va_end(args);
}
