#include "broker/ops_feeds.h"

#include <stdio.h>

/* ---- in words ----------------------------------------------------------------------------- */

struct words {
    char *out;
    size_t size, len, count;
};

static void say_failing(void *arg, const struct feed_view *v)
{
    struct words *w = arg;

    w->count++;
    if (v->state != FEED_FAILS || w->len >= w->size)
        return;
    int n = snprintf(w->out + w->len, w->size - w->len, "%s%s fails since %s",
                     w->len > 0 ? ", " : "", v->row.name, clock_text(v->row.failing_since).s);
    w->len += n > 0 ? (size_t)n : 0;
}

void ops_feeds_text(struct feeds *f, char *out, size_t size)
{
    struct words w = {.out = out, .size = size};

    feeds_each(f, say_failing, &w);
    if (w.len == 0)
        snprintf(out, size, "%s", w.count == 0 ? "none" : "ok");
}

/* ---- metrics ------------------------------------------------------------------------------ */

struct lines {
    struct buf *out;
    const char *family;
    int64_t (*value)(const struct feed_view *v);
};

static void add_line(void *arg, const struct feed_view *v)
{
    struct lines *l = arg;

    buf_addf(l->out, "%s{feed=\"%s\"} %lld\n", l->family, v->row.name, (long long)l->value(v));
}

static int64_t up(const struct feed_view *v)
{
    return v->state == FEED_WORKS;
}

static int64_t joined(const struct feed_view *v)
{
    return v->row.joined;
}

static int64_t not_joined(const struct feed_view *v)
{
    return v->row.records - v->row.joined;
}

static int64_t age(const struct feed_view *v)
{
    return v->row.ok_at == 0 ? -1 : (clock_unix() - v->row.ok_at) / 1000;
}

void ops_feeds(struct buf *out, struct feeds *f)
{
    static const struct {
        const char *family, *help;
        int64_t (*value)(const struct feed_view *v);
    } families[] = {{"sallyport_feed_up", "Whether the vendor's last answer was good.", up},
                    {"sallyport_feed_joined", "Devices of its last good answer.", joined},
                    {"sallyport_feed_not_joined", "Its records that are no device's.", not_joined},
                    {"sallyport_feed_age_seconds", "Since its last good answer; -1: none.", age}};

    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct lines l = {out, families[i].family, families[i].value};
        buf_addf(out, "# HELP %s %s\n# TYPE %s gauge\n", l.family, families[i].help, l.family);
        feeds_each(f, add_line, &l);
    }
}
