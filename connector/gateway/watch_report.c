#include "connector/gateway/watch_internal.h"
#include "lib/base/log.h"

#include <stdlib.h>

#include "lib/base/banned.h"

/*
 * What the broker hears of an app: rounds over the whole inventory (at the start, when the broker
 * was away, when something that it knows has gone, and each hour), between them what is new.
 */

enum {
    ROUND_MS = 60 * 60 * 1000,
    ROUND_AGAIN_MS = 60 * 1000,
    COUNTS_MS = 30 * 1000,
    GAUGES_MS = 60 * 1000,     /* where nothing else is to be told */
    ROWS_BYTES_MAX = 40 * 1024 /* of the 64 KiB of a message */
};

struct report {
    struct api_report wire;
    struct endpoint *told[API_ROWS_MAX];
    char paths[API_ROWS_MAX][INVENTORY_TEMPLATE_MAX];
    size_t bytes;
};

static int64_t whole(uint64_t n)
{
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

/* 0: larger than a row may be. */
static size_t size_of(const struct json *detail)
{
    struct buf text;

    buf_init(&text, API_DETAIL_MAX);
    size_t n = json_write(detail, &text) == SP_OK ? text.len : 0;
    buf_deinit(&text);
    return n;
}

/* false: this report takes no more. What can't be told (a path that is too long) is told as done.
 */
static bool add_row(struct report *r, const struct watch *w, struct endpoint *e, sp_unix_ms now)
{
    size_t n = r->wire.row_count;
    size_t len = endpoint_template(w->inventory, e, r->paths[n], sizeof r->paths[n]);
    struct view path = {(const uint8_t *)r->paths[n], len};

    if (!api_is_path(path) || r->wire.row_count == API_ROWS_MAX)
        return r->wire.row_count < API_ROWS_MAX;
    struct json *detail = endpoint_json(w->inventory, e, now);
    size_t bytes = size_of(detail);
    if (bytes == 0) {
        json_free(detail);
        detail = NULL;
    }
    if (r->bytes + bytes > ROWS_BYTES_MAX && n > 0) {
        json_free(detail);
        return false;
    }
    struct endpoint_line l = endpoint_line(w->inventory, e, now);
    r->bytes += bytes;
    r->told[n] = e;
    r->wire.rows[n] = (struct api_row){.method = view_str(gw_method_name(endpoint_method(e))),
                                       .path = path,
                                       .states = (int64_t)l.states,
                                       .first = l.first,
                                       .last = l.last,
                                       .calls = whole(l.calls),
                                       .users = whole(l.users),
                                       .errors = whole(l.errors),
                                       .p95_us = whole(l.p95_us),
                                       .violations = whole(l.violations),
                                       .refused = whole(l.refused),
                                       .detail = detail};
    r->wire.row_count++;
    return true;
}

static void begin_round(struct watch *w, sp_unix_ms now)
{
    uint64_t losses = inventory_losses(w->inventory);
    bool lost = losses != w->round_losses && now - w->round >= ROUND_AGAIN_MS;

    if (w->round != 0 && !(w->round_ended && (lost || now - w->round >= ROUND_MS)))
        return;
    w->round = now;
    w->round_at = 0;
    w->round_losses = losses;
    w->round_ended = false;
}

/* Where the round stands when this report is taken. */
static size_t add_round(struct report *r, const struct watch *w, sp_unix_ms now)
{
    size_t at = w->round_at, before = at;

    for (struct endpoint *e; (e = inventory_next(w->inventory, &at)) != NULL; before = at)
        if (r->wire.row_count == API_ROWS_MAX || !add_row(r, w, e, now))
            return before;
    r->wire.ended = true;
    return at;
}

static void add_news(struct report *r, const struct watch *w, sp_unix_ms now)
{
    size_t at = 0;

    for (struct endpoint *e; (e = inventory_next(w->inventory, &at)) != NULL;)
        if (endpoint_is_news(e, now) &&
            (r->wire.row_count == API_ROWS_MAX || !add_row(r, w, e, now)))
            return;
}

static void settle_rows(struct report *r, bool sent, sp_unix_ms now)
{
    for (size_t i = 0; i < r->wire.row_count; i++) {
        if (sent)
            endpoint_told(r->told[i], now);
        json_free(r->wire.rows[i].detail);
    }
}

static struct api_gauges gauges_now(const struct watch *w)
{
    struct api_gauges g = {
        .inventory = (int64_t)(inventory_figures(w->inventory).bytes + slots_bytes(w->paces)),
        .detectors = (int64_t)detect_bytes(w->detect),
        .owners = (int64_t)(slots_bytes(w->subjects) + slots_bytes(w->objects))};

    if (w->o.gauges != NULL)
        w->o.gauges(w->o.gauges_arg, w->o.app, &g);
    return g;
}

/* With the counts, and alone where they have changed. True: there is something to tell. */
static bool add_gauges(struct report *r, struct watch *w, bool counts, sp_unix_ms now)
{
    bool due = now - w->gauged >= GAUGES_MS;

    if (!counts && !due)
        return false;
    struct api_gauges g = gauges_now(w);
    if (due)
        w->gauged = now;
    if (memcmp(&g, &w->gauges, sizeof g) == 0)
        return false;
    r->wire.gauges[0] = g;
    r->wire.gauge_count = 1;
    return true;
}

void report_news(struct watch *w, sp_unix_ms now)
{
    struct report *r = calloc(1, sizeof *r);
    size_t at = w->round_at;

    if (r == NULL)
        return; /* the next second tries again */
    begin_round(w, now);
    r->wire.app = w->o.app;
    r->wire.round = w->round;
    r->wire.documented = w->documented;
    r->wire.full = inventory_figures(w->inventory).full;
    if (!w->round_ended)
        at = add_round(r, w, now);
    else
        add_news(r, w, now);
    ledger_write(&w->ledger, &r->wire);
    /* Counts alone can wait. */
    bool counts = r->wire.coverage_count > 0 && now - w->reported >= COUNTS_MS;
    bool gauges = add_gauges(r, w, counts, now);
    if (r->wire.row_count > 0 || r->wire.hit_count > 0 || r->wire.ended || counts || gauges) {
        bool sent = w->o.report(w->o.arg, fields_write(api_report_fields, &r->wire));
        settle_rows(r, sent, now);
        if (sent) {
            w->reported = now;
            if (gauges)
                w->gauges = r->wire.gauges[0];
            w->round_at = at;
            w->round_ended = w->round_ended || r->wire.ended;
            ledger_told(&w->ledger, &r->wire);
        }
    }
    free(r);
}

void watch_expect(struct watch *w, const struct api_expect *e, sp_unix_ms now)
{
    if (w->reading != NULL) { /* after it */
        json_free(w->expected);
        w->expected = fields_write(api_expect_fields, e);
        return;
    }
    detect_unexpect(w->detect);
    for (size_t i = 0; i < e->count; i++) {
        const struct api_expected *x = &e->items[i];
        const struct detect_expected d = {.detector = detector_parse(x->detector),
                                          .user_text = x->user,
                                          .group = x->group,
                                          .endpoint = x->endpoint,
                                          .until = x->until};
        sp_error r = detect_expect(w->detect, &d, now);
        if (r != SP_OK && x->until > now)
            log_event(LOG_WARN, "gateway.expect", sp_error_text(r), "app", LOG_ID(w->o.app), NULL);
    }
}
