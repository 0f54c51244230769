#include "connector/tell.h"

#include "connector/refusals.h"
#include "lib/base/log.h"
#include "lib/os/loop.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { RECORD_MAX = 16 * 1024, SECOND_MS = 1000 };

struct tell {
    struct channel *channel; /* borrowed; NULL: none */
    struct courier *courier; /* owned */
    int64_t lost;            /* since the last record that was kept */
    struct loop *loop;       /* borrowed */
    struct refusals refusals;
    struct timer *second; /* owned; NULL: nothing is kept of them */
};

sp_error tell_new(const struct courier_options *o, struct sp_why *why, struct tell **out)
{
    struct tell *t = calloc(1, sizeof *t);
    sp_error e = SP_ERR_NOMEM;

    if (t == NULL || (e = courier_new(o, why, &t->courier)) != SP_OK) {
        tell_free(t);
        return e;
    }
    t->loop = o->loop;
    *out = t;
    return SP_OK;
}

static void on_kept(void *arg, const struct edge_audit *a)
{
    tell_audit(arg, a);
}

void tell_free(struct tell *t)
{
    if (t == NULL)
        return;
    timer_cancel(t->second);
    if (t->courier != NULL)
        (void)refusals_tell(&t->refusals, clock_boot(), on_kept, t);
    refusals_deinit(&t->refusals);
    courier_free(t->courier);
    free(t);
}

void tell_channel(struct tell *t, struct channel *c)
{
    t->channel = c;
    courier_channel(t->courier, c);
}

/* What the broker's table would refuse is refused here. */
SP_MUST static sp_error put(struct tell *t, const struct edge_audit *a, int64_t lost)
{
    struct edge_audit whole = *a;
    struct buf text;

    whole.lost = lost;
    whole.at = clock_unix();
    struct json *j = fields_write(edge_audit_fields, &whole);
    if (j == NULL)
        return SP_ERR_INVALID;
    buf_init(&text, RECORD_MAX);
    sp_error e = json_write(j, &text);
    json_free(j);
    if (e == SP_OK)
        e = courier_put(t->courier, buf_view(&text));
    buf_deinit(&text);
    return e;
}

void tell_audit(struct tell *t, const struct edge_audit *a)
{
    if (t == NULL)
        return;
    sp_error e = put(t, a, t->lost);
    if (e != SP_OK && t->lost++ == 0)
        log_event(LOG_ERROR, "audit.lost", sp_error_text(e), NULL);
    if (e == SP_OK)
        t->lost = 0;
}

static void on_second(void *arg);

/* What has no record of its own gets one with others, within a second. */
static void look_again(struct tell *t)
{
    if (t->second == NULL &&
        timer_start(t->loop, clock_boot() + SECOND_MS, on_second, t, &t->second) != SP_OK)
        log_event(LOG_ERROR, "audit.refusals", sp_error_text(SP_ERR_NOMEM), NULL);
}

static void on_second(void *arg)
{
    struct tell *t = arg;

    t->second = NULL;
    if (refusals_tell(&t->refusals, clock_boot(), on_kept, t))
        look_again(t);
}

void tell_bounded(struct tell *t, const struct edge_audit *a)
{
    if (t == NULL)
        return;
    if (refusals_take(&t->refusals, a, clock_boot()))
        tell_audit(t, a);
    look_again(t);
}

bool tell_incident(struct tell *t, const struct edge_audit *a)
{
    return t != NULL && put(t, a, 0) == SP_OK;
}

void tell_look(const struct tell *t, struct courier_facts *out)
{
    courier_look(t->courier, out);
}

bool tell_is_tight(const struct tell *t)
{
    struct courier_facts facts;

    if (t == NULL)
        return false;
    courier_look(t->courier, &facts);
    return facts.tight;
}

bool tell_now(struct tell *t, const char *type, struct json *members)
{
    if (t == NULL || t->channel == NULL || members == NULL) {
        json_free(members);
        return false;
    }
    return channel_send(t->channel, type, members) == SP_OK; /* takes them in every case */
}

void tell_refused(struct tell *t, const struct tell_refusal *r)
{
    struct json *detail = json_object();

    if (r->host != NULL)
        json_set_cstr(detail, "host", r->host);
    if (r->address != NULL)
        json_set_cstr(detail, "address", address_text(r->address).s);
    if (r->line > 0)
        json_set_int(detail, "floor_line", r->line);
    const struct edge_audit a = {.action = view_str("refuse"),
                                 .session = r->session,
                                 .app = r->app,
                                 .why = view_str(r->why),
                                 .text = view_str(r->text),
                                 .detail = detail};
    tell_bounded(t, &a);
    json_free(detail);
}
