#include "relay/report.h"

#include "lib/base/log.h"
#include "relay/pair.h"
#include "relay/stand.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { DELTA_MS = 100, LOAD_MS = 5 * 1000, BYTES_MS = 10 * 1000, WHY_MAX = 32 };

struct report {
    struct relay *relay;
    struct channel *channel;   /* of the broker; NULL: none */
    struct timer *delta_timer; /* owned; NULL: nothing waits */
    struct timer *load_timer;  /* owned */
    struct live_delta delta;   /* waiting; its views point into the two below */
    struct key_text devices[LIVE_DELTA_MAX];
    char whys[LIVE_DELTA_MAX][WHY_MAX];
    bool stands_changed;
    uint64_t last_bytes; /* at the last load */
    sp_boot_ms last_load, last_sums;
};

static void on_delta(void *arg);

/* Takes `members`. What can't be sent now is lost with the channel: a new one starts with all. */
static void say(struct report *r, const char *type, struct json *members)
{
    sp_error e = channel_send(r->channel, type, members);

    if (e != SP_OK)
        log_event(LOG_WARN, "relay.report", sp_error_text(e), "message", type, NULL);
}

static void send_delta(struct report *r)
{
    if (r->delta.opened_count + r->delta.closed_count + r->delta.bytes_count > 0)
        say(r, "live.delta", fields_write(live_delta_fields, &r->delta));
    r->delta.opened_count = r->delta.closed_count = r->delta.bytes_count = 0;
}

static void send_stands(struct report *r)
{
    struct stand_at page;
    size_t from = 0;

    r->stands_changed = false;
    do {
        if (!stands_page(r->relay->stands, &from, &page))
            return;
        say(r, "stand.at", fields_write(stand_at_fields, &page));
    } while (!page.last);
}

static void wake_soon(struct report *r)
{
    if (r->delta_timer == NULL &&
        timer_start(r->relay->loop, clock_boot() + DELTA_MS, on_delta, r, &r->delta_timer) != SP_OK)
        on_delta(r);
}

static void on_delta(void *arg)
{
    struct report *r = arg;

    r->delta_timer = NULL;
    if (r->channel == NULL)
        return;
    send_delta(r);
    if (r->stands_changed)
        send_stands(r);
}

void report_opened(struct report *r, const struct live_entry *e)
{
    if (r->channel == NULL)
        return;
    if (r->delta.opened_count == LIVE_DELTA_MAX)
        send_delta(r);
    size_t i = r->delta.opened_count++;
    memcpy(r->devices[i].s, e->device.at, e->device.len);
    r->devices[i].s[e->device.len] = '\0';
    r->delta.opened[i] = *e;
    r->delta.opened[i].device = view_str(r->devices[i].s);
    wake_soon(r);
}

void report_closed(struct report *r, const struct live_closed *e)
{
    if (r->channel == NULL)
        return;
    if (r->delta.closed_count == LIVE_DELTA_MAX)
        send_delta(r);
    size_t i = r->delta.closed_count++;
    size_t n = e->why.len < WHY_MAX ? e->why.len : WHY_MAX - 1;
    memcpy(r->whys[i], e->why.at, n);
    r->whys[i][n] = '\0';
    r->delta.closed[i] = *e;
    r->delta.closed[i].why = view_str(r->whys[i]);
    wake_soon(r);
}

void report_stands_changed(struct report *r)
{
    if (r == NULL)
        return;
    r->stands_changed = true;
    if (r->channel != NULL)
        wake_soon(r);
}

/* ---- at attach ---------------------------------------------------------------------------- */

struct page {
    struct report *report;
    struct live_list list;
    struct key_text devices[LIVE_PAGE_MAX];
};

static void send_page(struct page *p, bool last)
{
    p->list.last = last;
    say(p->report, "live.list", fields_write(live_list_fields, &p->list));
    p->list.session_count = 0;
}

static void add_to_page(void *arg, const struct live_entry *e)
{
    struct page *p = arg;

    if (p->list.session_count == LIVE_PAGE_MAX)
        send_page(p, false);
    size_t i = p->list.session_count++;
    memcpy(p->devices[i].s, e->device.at, e->device.len);
    p->devices[i].s[e->device.len] = '\0';
    p->list.sessions[i] = *e;
    p->list.sessions[i].device = view_str(p->devices[i].s);
}

static void send_boot(struct report *r)
{
    const struct relay_config *c = r->relay->config;
    struct relay_boot m = {.boot = r->relay->state->boot};

    for (size_t i = 0; i < c->addresses.count && i < 8; i++)
        m.addresses[m.address_count++] = view_str(c->addresses.items[i]);
    say(r, "boot", fields_write(relay_boot_fields, &m));
}

void report_attach(struct report *r, struct channel *c)
{
    struct page *page;

    r->channel = c;
    r->delta.opened_count = r->delta.closed_count = r->delta.bytes_count = 0;
    if (c == NULL)
        return;
    if ((page = calloc(1, sizeof *page)) == NULL) {
        channel_close_with(c, CHANNEL_CLOSE_TOO_MUCH, "memory");
        return;
    }
    page->report = r;
    send_boot(r);
    pairs_each(r->relay->pairs, add_to_page, page);
    send_page(page, true);
    free(page);
    send_stands(r);
}

/* ---- how busy we are ---------------------------------------------------------------------- */

static int64_t descriptors_free(void)
{
    struct rlimit limit;
    int64_t used = 0;
    DIR *d = opendir("/proc/self/fd");

    if (d == NULL || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        if (d != NULL)
            closedir(d);
        return 0;
    }
    while (readdir(d) != NULL)
        used++;
    closedir(d);
    return (int64_t)limit.rlim_cur > used ? (int64_t)limit.rlim_cur - used : 0;
}

static void add_sum(void *arg, const struct live_entry *e)
{
    struct report *r = arg;

    if (r->delta.bytes_count == LIVE_DELTA_MAX)
        send_delta(r);
    r->delta.bytes[r->delta.bytes_count++] =
        (struct live_bytes){.session = e->session, .up = e->up, .down = e->down};
}

static void send_load(struct report *r, sp_boot_ms now)
{
    uint64_t bytes = pairs_bytes(r->relay->pairs);
    int64_t ms = now - r->last_load;
    const struct load_report m = {
        .tunnels = (int64_t)(2 * pairs_count(r->relay->pairs) + stands_spares(r->relay->stands)),
        .sessions = (int64_t)pairs_count(r->relay->pairs),
        .bytes_per_s = ms > 0 ? (int64_t)(bytes - r->last_bytes) * 1000 / ms : 0,
        .descriptors_free = descriptors_free(),
    };

    r->last_bytes = bytes;
    r->last_load = now;
    say(r, "load", fields_write(load_report_fields, &m));
}

static void on_load(void *arg)
{
    struct report *r = arg;
    sp_boot_ms now = clock_boot();

    r->load_timer = NULL;
    if (r->channel != NULL) {
        send_load(r, now);
        if (now - r->last_sums >= BYTES_MS) {
            r->last_sums = now;
            pairs_each(r->relay->pairs, add_sum, r);
            send_delta(r);
        }
    }
    if (timer_start(r->relay->loop, now + LOAD_MS, on_load, r, &r->load_timer) != SP_OK)
        log_event(LOG_ERROR, "relay.report", "no memory for the load timer", NULL);
}

sp_error report_new(struct relay *relay, struct report **out)
{
    struct report *r = calloc(1, sizeof *r);

    if (r == NULL)
        return SP_ERR_NOMEM;
    r->relay = relay;
    r->last_load = r->last_sums = clock_boot();
    if (timer_start(relay->loop, r->last_load + LOAD_MS, on_load, r, &r->load_timer) != SP_OK) {
        free(r);
        return SP_ERR_NOMEM;
    }
    *out = r;
    return SP_OK;
}

void report_free(struct report *r)
{
    if (r == NULL)
        return;
    timer_cancel(r->delta_timer);
    timer_cancel(r->load_timer);
    free(r);
}
