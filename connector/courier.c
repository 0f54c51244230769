#include "connector/courier.h"

#include "connector/spool.h"

#include "lib/base/log.h"
#include "lib/channel/call.h"
#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "lib/proto/session.h"

#include <stdlib.h>

#include "lib/base/banned.h"

struct queued {
    uint8_t *text; /* owned */
    size_t len;
};

/* What a worker does with the spool, at one go: nobody else touches it meanwhile. */
struct round {
    struct courier *of; /* NULL: it is gone, and the spool is the round's */
    struct spool *spool;
    struct view texts[COURIER_WAITING_MAX]; /* to write; borrow the queue, or `left` */
    size_t count, done;                     /* done: of them written */
    int64_t number;                         /* of the first */
    sp_unix_ms at;
    struct sp_id told_id;
    int64_t told;
    bool reads, probes;
    struct queued left[COURIER_WAITING_MAX]; /* owned, when the courier is gone */
    size_t left_count;
    /* what came of it */
    sp_error written, read;
    struct spool_batch batch;
    struct spool_facts facts;
};

struct courier {
    struct courier_options o;
    struct channel *channel;                    /* borrowed; NULL: none */
    struct call *call;                          /* owned; NULL: no batch is under way */
    struct timer *again;                        /* owned; NULL: not running */
    sp_boot_ms write_at, send_at;               /* not before, after a failure */
    struct spool *spool;                        /* owned; the round's while one is under way */
    struct round *round;                        /* NULL: none is under way */
    struct round *rest;                         /* owned; the same memory between two of them */
    struct queued waiting[COURIER_WAITING_MAX]; /* not on the disk; in order from `first` */
    size_t first, count, bytes;
    int64_t number;  /* of waiting[first] */
    int64_t dropped; /* records that found no room */
    struct spool_facts facts;
    sp_error disk;
    struct spool_batch batch; /* is sent, or will be; empty: none is known */
    bool from_memory;         /* the batch under way is the front of `waiting` */
    size_t sent;              /* records of the call under way */
    struct sp_id asked;       /* the numbering whose place in the log is known */
    struct sp_id told_id;
    int64_t told;
    bool told_new; /* the spool has not heard of it */
    bool refused;  /* the last batch; it was said in the log */
};

static void drop_first(struct courier *c)
{
    struct queued *q = &c->waiting[c->first];

    c->bytes -= q->len;
    free(q->text);
    *q = (struct queued){0};
    c->first = (c->first + 1) % COURIER_WAITING_MAX;
    c->count--;
    c->number++;
}

static const struct queued *queued_at(const struct courier *c, size_t i)
{
    return &c->waiting[(c->first + i) % COURIER_WAITING_MAX];
}

static struct round *round_new(void)
{
    struct round *r = calloc(1, sizeof *r);

    if (r != NULL)
        spool_batch_init(&r->batch);
    return r;
}

static void round_free(struct round *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->left_count; i++)
        free(r->left[i].text);
    spool_batch_deinit(&r->batch);
    free(r);
}

sp_error courier_new(const struct courier_options *o, struct sp_why *why, struct courier **out)
{
    struct courier *c = calloc(1, sizeof *c);
    sp_error e;

    if (c == NULL)
        return SP_ERR_NOMEM;
    c->o = *o;
    c->number = 1;
    spool_batch_init(&c->batch);
    c->rest = round_new();
    e = c->rest == NULL ? SP_ERR_NOMEM : spool_open(o->folder, o->max, why, &c->spool);
    if (e != SP_OK) {
        courier_free(c);
        return e;
    }
    spool_look(c->spool, &c->facts);
    *out = c;
    return SP_OK;
}

/* ---- the disk ----------------------------------------------------------------------------- */

static void turn(struct courier *c);

/* In pieces: what finds room is written, though all of it may find none. */
static void write_texts(struct round *r)
{
    while (r->written == SP_OK && r->done < r->count) {
        size_t n = 0, bytes = 0;
        while (r->done + n < r->count && bytes < SPOOL_APPEND_BYTES)
            bytes += r->texts[r->done + n++].len;
        r->written =
            spool_append(r->spool, r->number + (int64_t)r->done, r->at, r->texts + r->done, n);
        if (r->written == SP_OK)
            r->done += n;
    }
}

static void do_round(struct round *r)
{
    spool_told(r->spool, r->told_id, r->told);
    r->written = r->probes ? spool_probe(r->spool) : SP_OK;
    r->done = 0;
    write_texts(r);
    r->batch.count = 0;
    r->read = r->reads ? spool_read(r->spool, &r->batch) : SP_OK;
    spool_look(r->spool, &r->facts);
}

static void on_work(void *arg)
{
    do_round(arg);
}

static void on_again(void *arg)
{
    struct courier *c = arg;

    c->again = NULL;
    turn(c);
}

/* What was put off is tried when its time has come. */
static void wake(struct courier *c)
{
    sp_boot_ms now = clock_boot();
    sp_boot_ms at = c->write_at > now ? c->write_at : c->send_at;

    if (c->send_at > now && c->send_at < at)
        at = c->send_at;
    if (at > now && c->again == NULL && timer_start(c->o.loop, at, on_again, c, &c->again) != SP_OK)
        log_event(LOG_ERROR, "audit.send", "out of memory: the next record tries again", NULL);
}

/* After a failure nothing is tried before COURIER_AGAIN_MS. */
static void later(struct courier *c, sp_boot_ms *at)
{
    *at = clock_boot() + COURIER_AGAIN_MS;
    wake(c);
}

/* Said once when it begins, and once when it is over. */
static void note_disk(struct courier *c, sp_error e)
{
    if (e != SP_OK && c->disk == SP_OK)
        log_event(LOG_ERROR, "spool.write", sp_error_text(e), "folder", c->o.folder, "until",
                  "it is mended no new session begins", NULL);
    if (e == SP_OK && c->disk != SP_OK)
        log_event(LOG_INFO, "spool.write", "the audit spool can be written again", NULL);
    c->disk = e;
}

/* The last round of a courier that is gone: what it left behind is written. */
static void end_spool(struct round *r)
{
    size_t done = r->written == SP_ERR_CANCELLED ? 0 : r->done;

    r->written = SP_OK;
    r->done = done;
    r->count = r->left_count;
    for (size_t i = 0; i < r->count; i++)
        r->texts[i] = (struct view){r->left[i].text, r->left[i].len};
    write_texts(r);
    if (r->done < r->count)
        log_event(LOG_ERROR, "audit.lost", "records that the disk does not take are lost", "count",
                  LOG_INT((int64_t)(r->count - r->done)), NULL);
    spool_free(r->spool);
    round_free(r);
}

static void on_round(void *arg)
{
    struct round *r = arg;
    struct courier *c = r->of;

    if (c == NULL) {
        end_spool(r);
        return;
    }
    c->round = NULL;
    c->rest = r;
    if (r->written == SP_ERR_CANCELLED) { /* the program ends: courier_free writes the rest */
        later(c, &c->write_at);
        return;
    }
    c->facts = r->facts;
    if (r->count > 0 || r->probes)
        note_disk(c, r->written);
    for (size_t i = 0; i < r->done; i++)
        drop_first(c);
    if (r->batch.count > 0) {
        struct spool_batch had = c->batch;
        c->batch = r->batch;
        r->batch = had;
    }
    if (r->written != SP_OK)
        later(c, &c->write_at);
    if (r->read != SP_OK) {
        log_event(LOG_ERROR, "spool.read", sp_error_text(r->read), "folder", c->o.folder, NULL);
        later(c, &c->send_at);
    }
    turn(c);
}

/* Something to write, to forget or to read: a worker does all of it in one round. */
static void start_round(struct courier *c)
{
    struct round *r = c->rest;
    sp_boot_ms now = clock_boot();
    bool lends = c->call != NULL && c->from_memory; /* the queue's front is under way */
    bool writes = c->count > 0 && !lends && now >= c->write_at;
    bool probes = c->count == 0 && c->disk != SP_OK && now >= c->write_at;
    bool reads = c->channel != NULL && c->call == NULL && c->batch.count == 0 &&
                 now >= c->send_at && (c->facts.records > 0 || writes);

    if (r == NULL || !(writes || probes || reads || c->told_new))
        return;
    r->of = c;
    r->spool = c->spool;
    r->count = writes ? c->count : 0;
    r->number = c->number;
    r->at = clock_unix();
    for (size_t i = 0; i < r->count; i++)
        r->texts[i] = (struct view){queued_at(c, i)->text, queued_at(c, i)->len};
    r->told_id = c->told_id;
    r->told = c->told;
    r->reads = reads;
    r->probes = probes;
    r->written = SP_ERR_CANCELLED;
    if (pool_submit(c->o.pool, POOL_PLAIN, on_work, on_round, r) != SP_OK) {
        later(c, &c->write_at); /* many jobs wait already, or the program ends */
        return;
    }
    c->told_new = false;
    c->round = r;
    c->rest = NULL;
}

/* ---- the broker --------------------------------------------------------------------------- */

/* The broker has all up to `told`. What it can't have is not believed: it would hide a record. */
static void take_told(struct courier *c, struct sp_id spool, int64_t told)
{
    int64_t most = c->number - 1 + (c->from_memory ? (int64_t)c->sent : 0);

    if (id_equal(spool, spool_id(c->spool)) && told > most)
        told = most;
    while (c->from_memory && c->count > 0 && c->number <= told)
        drop_first(c);
    if (!c->from_memory && told >= c->batch.first + (int64_t)c->batch.count - 1)
        c->batch.count = 0;
    c->asked = spool;
    c->told_id = spool;
    c->told = told;
    c->told_new = true;
}

static void not_now(struct courier *c, const char *why)
{
    if (!c->refused)
        log_event(LOG_WARN, "audit.send", why, "waiting",
                  LOG_INT(c->facts.records + (int64_t)c->count), NULL);
    c->refused = true;
    later(c, &c->send_at);
}

static void on_answer(void *arg, sp_error e, const struct envelope *m)
{
    struct audit_batch_answer answer = {0};
    struct courier *c = arg;
    size_t sent = c->sent;

    c->call = NULL;
    if (e == SP_OK)
        e = fields_read(m->members, audit_batch_answer_fields, NULL, &answer);
    if (e == SP_OK) {
        int64_t last = (c->from_memory ? c->number : c->batch.first) + (int64_t)sent - 1;
        take_told(c, c->from_memory ? spool_id(c->spool) : c->batch.spool, answer.told);
        if (sent > 0 && answer.told < last)
            not_now(c, "the broker says that it has not what it was told");
        else
            c->refused = false;
        turn(c);
    } else if (e == SP_ERR_REFUSED) {
        not_now(c, "the broker does not take records now");
    } else if (e != SP_ERR_CLOSED) { /* the next channel begins anew */
        not_now(c, sp_error_text(e));
    }
}

/* What stands in its number's place where a text is none any more; it never was seen. */
static struct json *no_record(void)
{
    const struct edge_audit a = {.action = view_str("refuse"),
                                 .why = view_str("unreadable"),
                                 .text = view_str("a record of the spool can't be read")};

    return fields_write(edge_audit_fields, &a);
}

static void push_text(struct json *list, struct view text)
{
    struct json *record = NULL;

    json_push(list,
              json_parse(text, SEGMENT_TEXT_MAX, NULL, &record) == SP_OK ? record : no_record());
}

static struct json *from_queue(struct courier *c, struct audit_batch *head)
{
    struct json *list = json_array();
    size_t bytes = 0;

    head->spool = spool_id(c->spool);
    head->first = c->number;
    c->sent = 0;
    while (c->sent < c->count && c->sent < SPOOL_BATCH_MAX) {
        const struct queued *q = queued_at(c, c->sent);
        if (c->sent > 0 && bytes + q->len > SPOOL_BATCH_BYTES)
            break;
        bytes += q->len;
        push_text(list, (struct view){q->text, q->len});
        c->sent++;
    }
    return list;
}

/* Of an earlier start it is not known how far the broker has it: an empty batch asks. */
static struct json *from_batch(struct courier *c, struct audit_batch *head)
{
    bool asks =
        !id_equal(c->batch.spool, spool_id(c->spool)) && !id_equal(c->batch.spool, c->asked);
    struct json *list = json_array();

    head->spool = c->batch.spool;
    head->first = c->batch.first;
    head->oldest = c->batch.oldest;
    c->sent = asks ? 0 : c->batch.count;
    for (size_t i = 0; i < c->sent; i++)
        push_text(list, c->batch.texts[i]);
    return list;
}

static void send_batch(struct courier *c)
{
    struct audit_batch head = {.waiting = c->facts.records + (int64_t)c->count,
                               .dropped = c->dropped};
    bool memory = c->disk != SP_OK && c->round == NULL && c->facts.records == 0 && c->count > 0;

    if (c->channel == NULL || c->call != NULL || clock_boot() < c->send_at ||
        (c->batch.count == 0 && !memory))
        return;
    c->from_memory = c->batch.count == 0;
    struct json *list = c->from_memory ? from_queue(c, &head) : from_batch(c, &head);
    struct json *members = fields_write(audit_batch_fields, &head);
    json_set(members, "records", list);
    const struct call_ask ask = {"audit.batch", members, ENVELOPE_CALL_MS};
    sp_error e = channel_call(c->channel, &ask, on_answer, c, &c->call);
    if (e != SP_OK)
        not_now(c, sp_error_text(e));
}

/* Does all that can be done now. */
static void turn(struct courier *c)
{
    start_round(c);
    send_batch(c);
    wake(c);
}

void courier_channel(struct courier *c, struct channel *channel)
{
    if (channel == NULL) {
        call_cancel(c->call);
        c->call = NULL;
    }
    c->channel = channel;
    c->send_at = 0;
    turn(c);
}

/* ---- the connector ------------------------------------------------------------------------ */

sp_error courier_put(struct courier *c, struct view text)
{
    uint8_t *copy;

    if (c->count == COURIER_WAITING_MAX || c->bytes + text.len > COURIER_WAITING_BYTES ||
        text.len > SEGMENT_TEXT_MAX) {
        c->dropped++;
        return SP_ERR_LIMIT;
    }
    if ((copy = malloc(text.len + 1)) == NULL)
        return SP_ERR_NOMEM;
    memcpy(copy, text.at, text.len);
    struct queued *last = &c->waiting[(c->first + c->count++) % COURIER_WAITING_MAX];
    last->text = copy;
    last->len = text.len;
    c->bytes += text.len;
    turn(c);
    return SP_OK;
}

void courier_look(const struct courier *c, struct courier_facts *out)
{
    *out = (struct courier_facts){.waiting = c->facts.records + (int64_t)c->count,
                                  .bytes = c->facts.bytes,
                                  .bytes_max = c->o.max,
                                  .oldest = c->batch.count > 0 ? c->batch.oldest : c->facts.oldest,
                                  .unread = c->facts.unread,
                                  .dropped = c->dropped,
                                  .disk = c->disk};
    out->tight = c->disk != SP_OK || c->facts.bytes * 100 >= c->o.max * COURIER_TIGHT_PERCENT ||
                 c->count * 100 >= (size_t)COURIER_WAITING_MAX * COURIER_TIGHT_PERCENT ||
                 c->bytes * 100 >= (size_t)COURIER_WAITING_BYTES * COURIER_TIGHT_PERCENT;
}

void courier_free(struct courier *c)
{
    struct round *r;

    if (c == NULL)
        return;
    call_cancel(c->call);
    timer_cancel(c->again);
    if ((r = c->round) == NULL && (r = c->rest) != NULL) {
        r->spool = c->spool;
        r->done = 0;
        r->number = c->number;
        r->at = clock_unix();
        if (c->spool != NULL)
            spool_told(c->spool, c->told_id, c->told);
    }
    if (r != NULL) {
        r->of = NULL;
        if (r->count == 0) /* records may have gone from memory meanwhile */
            r->number = c->number;
        while (r->left_count < c->count) { /* the round's views stay good: it owns them now */
            r->left[r->left_count] = *queued_at(c, r->left_count);
            r->left_count++;
        }
        if (c->round == NULL)
            end_spool(r);
    }
    spool_batch_deinit(&c->batch);
    free(c);
}
