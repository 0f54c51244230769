#include "connector/tell.h"

#include "lib/base/log.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { MINUTE_MS = 60 * 1000 };

struct tell {
    struct channel *channel;                /* borrowed; NULL: none */
    struct json *waiting[TELL_WAITING_MAX]; /* owned, in order from `first` */
    size_t first, count;
    int64_t lost;
    sp_boot_ms since;         /* of this minute */
    unsigned said, incidents; /* in it */
};

sp_error tell_new(struct tell **out)
{
    struct tell *t = calloc(1, sizeof *t);

    if (t == NULL)
        return SP_ERR_NOMEM;
    *out = t;
    return SP_OK;
}

static struct json *take_first(struct tell *t)
{
    struct json *j = t->waiting[t->first];

    t->first = (t->first + 1) % TELL_WAITING_MAX;
    t->count--;
    return j;
}

void tell_free(struct tell *t)
{
    if (t == NULL)
        return;
    while (t->count > 0)
        json_free(take_first(t));
    free(t);
}

/* In order; what the channel does not take now waits for the next record or channel. */
static void send_waiting(struct tell *t)
{
    while (t->channel != NULL && t->count > 0) {
        struct json *j = t->waiting[t->first];
        sp_error e = channel_send(t->channel, "audit", json_ref(j)); /* takes its share */
        if (e != SP_OK) {
            log_event(LOG_WARN, "audit.send", sp_error_text(e), "waiting",
                      LOG_INT((int64_t)t->count), NULL);
            return;
        }
        json_free(take_first(t));
    }
}

void tell_channel(struct tell *t, struct channel *c)
{
    t->channel = c;
    send_waiting(t);
}

static void turn_minute(struct tell *t)
{
    sp_boot_ms now = clock_boot();

    if (now - t->since >= MINUTE_MS) {
        t->since = now;
        t->said = t->incidents = 0;
    }
}

static bool too_many(struct tell *t)
{
    turn_minute(t);
    return t->count == TELL_WAITING_MAX || t->said >= TELL_A_MINUTE;
}

void tell_audit(struct tell *t, const struct edge_audit *a)
{
    struct edge_audit whole = *a;
    struct json *j;

    if (t == NULL)
        return;
    whole.lost = t->lost;
    if (too_many(t) || (j = fields_write(edge_audit_fields, &whole)) == NULL) {
        t->lost++;
        return;
    }
    t->lost = 0;
    t->said++;
    t->waiting[(t->first + t->count++) % TELL_WAITING_MAX] = j;
    send_waiting(t);
}

bool tell_incident(struct tell *t, const struct edge_audit *a)
{
    struct json *j;

    if (t == NULL)
        return false;
    turn_minute(t);
    if (t->count == TELL_WAITING_MAX || t->incidents >= TELL_INCIDENTS_A_MINUTE ||
        (j = fields_write(edge_audit_fields, a)) == NULL)
        return false;
    t->incidents++;
    t->waiting[(t->first + t->count++) % TELL_WAITING_MAX] = j;
    send_waiting(t);
    return true;
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
    tell_audit(t, &a);
    json_free(detail);
}
