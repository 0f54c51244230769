#include "lib/base/why.h"

#include "lib/base/encode.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Formats into a scratch text and copies it over with what could steer a terminal made visible. */
SP_PRINTF(3, 0)
static void say(char *out, size_t size, const char *format, va_list args)
{
    char raw[SP_WHY_TEXT_MAX];
    int n = vsnprintf(raw, sizeof raw, format, args);
    struct buf text;

    out[0] = '\0';
    if (n < 0)
        return;
    buf_init(&text, 8 * sizeof raw);
    encode_visible(view_str(raw), &text);
    snprintf(out, size, "%.*s", VIEW_ARG(buf_view(&text)));
    buf_deinit(&text);
}

sp_error sp_why_say(struct sp_why *why, sp_error e, const char *text, ...)
{
    va_list args;

    if (why == NULL)
        return e;
    va_start(args, text);
    say(why->text, sizeof why->text, text, args);
    va_end(args);
    return e;
}

void sp_why_field(struct sp_why *why, const char *text, ...)
{
    va_list args;

    if (why == NULL || why->field[0] != '\0')
        return;
    va_start(args, text);
    say(why->field, sizeof why->field, text, args);
    va_end(args);
}

void sp_why_place(struct sp_why *why, unsigned line, unsigned column)
{
    if (why == NULL || why->line != 0)
        return;
    why->line = line;
    why->column = column;
}
