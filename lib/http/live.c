#include "lib/http/live.h"

#include "lib/base/log.h"
#include "lib/http/intake.h"
#include "lib/http/server.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>

enum { ASK_BYTES_MAX = 64, CLOSE_NOT_ADMITTED = 4401, CLOSE_PROTOCOL = 1002 };

/* One open page. Freed by the loop when the websocket has gone and no admission is under way. */
struct page {
    struct live_feed *feed; /* borrowed */
    struct lws *wsi;        /* borrowed; NULL: gone */
    struct page *next;
    struct intake in; /* the upgrade's head: who asks */
    int64_t after;    /* id of the last event that was sent */
    bool asked;       /* the page has told its `after` */
    bool admitted;
    bool checking; /* an admission is on a worker */
    bool allowed;  /* its result; the worker writes it, the loop reads it afterwards */
    int close;     /* code to end with; 0: none */
    bool reset;    /* to be told first */
};

struct live_feed {
    struct engine *engine; /* borrowed */
    struct pool *pool;     /* borrowed */
    live_admit *admit;
    void *arg;
    char *origin;
    struct lws_protocols protocol;
    char *ring[LIVE_RING_EVENTS]; /* owned texts; event id is at id % LIVE_RING_EVENTS */
    int64_t last;                 /* id of the newest event; ids begin with 1 */
    struct page *pages;
    size_t page_count;
    struct timer *recheck; /* owned */
};

static int on_live(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len);

/* ---- admission ------------------------------------------------------------------------------ */

static void page_free(struct page *p)
{
    struct page **at = &p->feed->pages;

    while (*at != NULL && *at != p)
        at = &(*at)->next;
    if (*at == p) {
        *at = p->next;
        p->feed->page_count--;
    }
    intake_deinit(&p->in);
    free(p);
}

static void end_page(struct page *p, int code)
{
    p->close = code;
    if (p->wsi != NULL)
        lws_callback_on_writable(p->wsi);
}

static void check_work(void *arg)
{
    struct page *p = arg;

    p->allowed = p->feed->admit(p->feed->arg, &p->in.request);
}

static void check_done(void *arg)
{
    struct page *p = arg;

    p->checking = false;
    if (p->wsi == NULL) {
        page_free(p);
        return;
    }
    p->admitted = p->allowed;
    if (!p->admitted)
        end_page(p, CLOSE_NOT_ADMITTED);
    else
        lws_callback_on_writable(p->wsi);
}

static void check(struct page *p)
{
    if (p->checking)
        return;
    p->allowed = false;
    p->checking = true;
    if (pool_submit(p->feed->pool, POOL_PLAIN, check_work, check_done, p) != SP_OK) {
        p->checking = false;
        end_page(p, CLOSE_NOT_ADMITTED);
    }
}

static void on_recheck(void *arg)
{
    struct live_feed *f = arg;

    f->recheck = NULL;
    for (struct page *p = f->pages; p != NULL; p = p->next)
        if (p->admitted && p->wsi != NULL)
            check(p);
    if (timer_start(engine_loop(f->engine), clock_boot() + LIVE_RECHECK_MS, on_recheck, f,
                    &f->recheck) != SP_OK) {
        log_event(LOG_ERROR, "live.recheck", "no timer: all pages are closed", NULL);
        for (struct page *p = f->pages; p != NULL; p = p->next)
            end_page(p, CLOSE_NOT_ADMITTED);
    }
}

/* ---- the websocket -------------------------------------------------------------------------- */

static struct live_feed *feed_of(struct lws *wsi)
{
    const struct lws_protocols *p = lws_get_protocol(wsi);

    return p != NULL ? p->user : NULL;
}

static int on_upgrade(struct lws *wsi, struct page **slot)
{
    struct live_feed *f = feed_of(wsi);
    struct page *p;

    if (f->page_count >= LIVE_PAGES_MAX || (p = calloc(1, sizeof *p)) == NULL)
        return -1;
    p->feed = f;
    p->wsi = wsi;
    p->next = f->pages;
    f->pages = p;
    f->page_count++;
    *slot = p;
    if (intake_upgrade(wsi, "/api/v1/live", &p->in) != 0 ||
        !view_is(request_header(&p->in.request, "origin"), f->origin) ||
        server_peer(wsi, &p->in.request) != SP_OK)
        return -1;
    return 0;
}

/* {"after":17}, and nothing else, once. */
static int on_ask(struct lws *wsi, struct page *p, struct view text)
{
    static const char *const names[] = {"after", NULL};
    struct json *j = NULL;
    int64_t after = 0;
    bool good = !p->asked && lws_is_first_fragment(wsi) && lws_is_final_fragment(wsi) &&
                json_parse(text, ASK_BYTES_MAX, NULL, &j) == SP_OK &&
                json_only(j, names, NULL) == SP_OK &&
                json_get_int(j, "after", 0, INT64_MAX, &after) == SP_OK;

    json_free(j);
    if (!good) {
        end_page(p, CLOSE_PROTOCOL);
        return 0;
    }
    p->asked = true;
    p->after = after;
    /* An id from before our start, or from nowhere: whatever the page shows is stale. */
    p->reset = after > p->feed->last;
    lws_callback_on_writable(wsi);
    return 0;
}

static int send_text(struct lws *wsi, const char *text, size_t n)
{
    uint8_t room[LWS_PRE + LIVE_EVENT_BYTES_MAX];

    memcpy(room + LWS_PRE, text, n);
    return lws_write(wsi, room + LWS_PRE, n, LWS_WRITE_TEXT) < (int)n ? -1 : 0;
}

static int send_next(struct page *p)
{
    struct live_feed *f = p->feed;
    char text[64];
    int state;

    if (p->reset || p->after + LIVE_RING_EVENTS < f->last) {
        int n = snprintf(text, sizeof text, "{\"reset\":true,\"id\":%lld}", (long long)f->last);
        p->reset = false;
        p->after = f->last;
        return send_text(p->wsi, text, (size_t)n);
    }
    if (p->after == f->last)
        return 0;
    p->after++;
    const char *event = f->ring[p->after % LIVE_RING_EVENTS];
    state = send_text(p->wsi, event, strlen(event));
    if (p->after < f->last)
        lws_callback_on_writable(p->wsi);
    return state;
}

static int on_writable(struct lws *wsi, struct page *p)
{
    if (p->close != 0) {
        lws_close_reason(wsi, (enum lws_close_status)p->close, NULL, 0);
        return -1;
    }
    return p->admitted && p->asked ? send_next(p) : 0;
}

static void on_gone(struct page **slot)
{
    struct page *p;

    if (slot == NULL || (p = *slot) == NULL)
        return;
    *slot = NULL;
    p->wsi = NULL;
    if (!p->checking)
        page_free(p);
}

static int on_live(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    struct page **slot = user;

    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
        if (*slot == NULL) /* told that it is closed, and then this: 4.3.5 does so after a close
                              reason of ours */
            return -1;
        break;
    default:
        break;
    }
    switch ((int)reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return on_upgrade(wsi, slot);
    case LWS_CALLBACK_ESTABLISHED:
        check(*slot);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return on_ask(wsi, *slot, (struct view){in, len});
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return on_writable(wsi, *slot);
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        on_gone(slot);
        return 0;
    case LWS_CALLBACK_USER: /* server_free */
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        return 0;
    case LWS_CALLBACK_HTTP: /* a plain request can't get here */
        return -1;
    default:
        return 0;
    }
}

/* ---- events --------------------------------------------------------------------------------- */

struct posted {
    struct live_feed *feed;
    char *tail; /* "t":"…","d":{…}}; owned; NULL: too long or no memory, pages load anew */
};

static void add_event(void *arg)
{
    struct posted *post = arg;
    struct live_feed *f = post->feed;
    char **slot = &f->ring[(f->last + 1) % LIVE_RING_EVENTS];
    struct buf text;

    buf_init(&text, LIVE_EVENT_BYTES_MAX);
    buf_addf(&text, "{\"id\":%lld,%s", (long long)f->last + 1,
             post->tail != NULL ? post->tail : "\"t\":\"reset\",\"d\":{}}");
    char *line = buf_take_str(&text);
    if (line != NULL) {
        free(*slot);
        *slot = line;
        f->last++;
    }
    for (struct page *p = f->pages; p != NULL; p = p->next) {
        p->reset = p->reset || line == NULL;
        if (p->wsi != NULL)
            lws_callback_on_writable(p->wsi);
    }
    buf_deinit(&text);
    free(post->tail);
    free(post);
}

void live_post(struct live_feed *f, const char *type, struct json *data)
{
    struct posted *post = calloc(1, sizeof *post);
    struct json *event = json_object();
    struct buf text;

    buf_init(&text, LIVE_EVENT_BYTES_MAX - 64);
    json_set_cstr(event, "t", type);
    json_set(event, "d", data);
    if (json_write(event, &text) == SP_OK)
        buf_consume(&text, 1); /* its '{': the id goes before */
    json_free(event);
    if (post != NULL) {
        post->feed = f;
        post->tail = buf_take_str(&text);
        if (loop_post(engine_loop(f->engine), add_event, post) == SP_OK)
            post = NULL;
    }
    if (post != NULL) {
        free(post->tail);
        free(post);
        log_event(LOG_ERROR, "live.post", "no memory for an event", NULL);
    }
    buf_deinit(&text);
}

/* ---- life ----------------------------------------------------------------------------------- */

sp_error live_feed_new(struct engine *engine, const struct live_options *o, struct live_feed **out)
{
    struct live_feed *f = calloc(1, sizeof *f);

    if (f == NULL)
        return SP_ERR_NOMEM;
    f->engine = engine;
    f->pool = o->pool;
    f->admit = o->admit;
    f->arg = o->arg;
    f->protocol = (struct lws_protocols){.name = "sallyport-live.1",
                                         .callback = on_live,
                                         .per_session_data_size = sizeof(struct page *),
                                         .rx_buffer_size = 256,
                                         .user = f};
    if ((f->origin = strdup(o->origin)) == NULL ||
        timer_start(engine_loop(engine), clock_boot() + LIVE_RECHECK_MS, on_recheck, f,
                    &f->recheck) != SP_OK) {
        live_feed_free(f);
        return SP_ERR_NOMEM;
    }
    *out = f;
    return SP_OK;
}

void live_feed_free(struct live_feed *f)
{
    if (f == NULL)
        return;
    timer_cancel(f->recheck);
    while (f->pages != NULL)
        page_free(f->pages);
    for (size_t i = 0; i < LIVE_RING_EVENTS; i++)
        free(f->ring[i]);
    free(f->origin);
    free(f);
}

const struct lws_protocols *live_protocol(struct live_feed *f)
{
    return &f->protocol;
}
