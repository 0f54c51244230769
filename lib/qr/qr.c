#include "lib/qr/qr.h"

#include <qrencode.h>
#include <stdlib.h>

#include "lib/base/banned.h"

/* Gives the code back without a trace of what it said. */
static void wipe(QRcode *code)
{
    if (code == NULL)
        return;
    explicit_bzero(code->data, (size_t)code->width * (size_t)code->width);
    QRcode_free(code);
}

static sp_error encode(struct view text, QRcode **out)
{
    if (text.len == 0)
        return SP_ERR_INVALID;
    if (text.len > QR_TEXT_MAX)
        return SP_ERR_LIMIT;
    *out = QRcode_encodeData((int)text.len, text.at, 0, QR_ECLEVEL_M);
    return *out != NULL ? SP_OK : SP_ERR_NOMEM;
}

/* Dark or light at a place of the code with its margin; outside of the code is light. */
static bool dark(const QRcode *code, int x, int y)
{
    x -= QR_QUIET;
    y -= QR_QUIET;
    if (x < 0 || y < 0 || x >= code->width || y >= code->width)
        return false;
    return (code->data[y * code->width + x] & 1) != 0;
}

static void add_title(struct buf *out, const char *title)
{
    for (; *title != '\0'; title++) {
        if (strchr("<>&\"'", *title) != NULL)
            buf_addf(out, "&#%d;", *title);
        else
            buf_add_byte(out, (uint8_t)*title);
    }
}

/* One path of horizontal runs: a fifth of the bytes that a rectangle for each module takes. */
static void add_runs(struct buf *out, const QRcode *code)
{
    int side = code->width + 2 * QR_QUIET;

    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            int from = x;
            while (dark(code, x, y))
                x++;
            if (x > from)
                buf_addf(out, "M%d %dh%dv1h-%dz", from, y, x - from, x - from);
        }
    }
}

sp_error qr_svg(struct view text, const char *title, struct buf *out)
{
    size_t before = out->len;
    QRcode *code = NULL;
    sp_error e;

    if ((e = encode(text, &code)) != SP_OK)
        return e;
    int side = code->width + 2 * QR_QUIET;
    buf_addf(out,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
             "viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\"><title>",
             side, side);
    add_title(out, title);
    buf_addf(out,
             "</title><rect width=\"%d\" height=\"%d\" fill=\"#fff\"/><path fill=\"#000\" d=\"",
             side, side);
    add_runs(out, code);
    buf_add_str(out, "\"/></svg>");
    wipe(code);
    if ((e = buf_error(out)) != SP_OK)
        out->len = before;
    return e;
}

/*
 * A character cell is an upper and a lower module. With colour the cell is black on white by SGR;
 * without, the light modules are the ink: terminals are dark more often than not, and readers
 * take both.
 */
static void add_line(struct buf *out, const QRcode *code, int y, bool colour)
{
    static const char *const inked[] = {" ", "▄", "▀", "█"};
    int side = code->width + 2 * QR_QUIET;

    if (colour)
        buf_add_str(out, "\033[30;107m");
    for (int x = 0; x < side; x++) {
        bool upper = dark(code, x, y) == colour, lower = dark(code, x, y + 1) == colour;
        if (!colour && y + 1 >= side)
            lower = false; /* an odd side: nothing stands below the last row */
        buf_add_str(out, inked[(upper ? 2 : 0) + (lower ? 1 : 0)]);
    }
    buf_add_str(out, colour ? "\033[0m\n" : "\n");
}

sp_error qr_terminal(struct view text, unsigned columns, bool colour, struct buf *out)
{
    size_t before = out->len;
    QRcode *code = NULL;
    sp_error e;

    if ((e = encode(text, &code)) != SP_OK)
        return e;
    int side = code->width + 2 * QR_QUIET;
    if ((unsigned)side > columns) {
        wipe(code);
        return SP_ERR_LIMIT;
    }
    for (int y = 0; y < side; y += 2)
        add_line(out, code, y, colour);
    wipe(code);
    if ((e = buf_error(out)) != SP_OK)
        out->len = before;
    return e;
}
