#include "lib/tunnel/streams_internal.h"

#include <stdlib.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

struct stream *stream_make(struct streams *s, int32_t id)
{
    struct stream *st = calloc(1, sizeof *st);

    if (st == NULL)
        return NULL;
    st->streams = s;
    st->id = id;
    st->credit = STREAM_FIRST_BYTES;
    st->target = STREAM_WINDOW_BYTES;
    st->next = s->all;
    st->at = &s->all;
    if (s->all != NULL)
        s->all->at = &st->next;
    s->all = st;
    s->live++;
    return st;
}

void stream_drop(struct stream *st)
{
    struct streams *s = st->streams;

    if (s != NULL) {
        *st->at = st->next;
        if (st->next != NULL)
            st->next->at = st->at;
        s->live--;
        s->piled -= pile_len(&st->pile);
        s->lent -= st->lent;
        if (st->queued) {
            struct stream **at = &s->news;
            while (*at != st)
                at = &(*at)->next_news;
            *at = st->next_news;
            if (*at == NULL)
                s->news_end = at;
        }
    }
    pile_deinit(&st->pile);
    free(st);
}

void stream_note(struct stream *st, unsigned news)
{
    struct streams *s = st->streams;

    st->news |= news;
    if (st->queued)
        return;
    st->queued = true;
    st->next_news = NULL;
    *s->news_end = st;
    s->news_end = &st->next_news;
}

void stream_note_over(struct stream *st, sp_error why)
{
    if (st->over)
        return;
    st->over = true;
    if (st->why == SP_OK)
        st->why = why;
    stream_note(st, NEWS_ENDED);
}

void stream_reset(struct stream *st, uint32_t code, sp_error why)
{
    if (st->over || st->why != SP_OK)
        return;
    st->why = why;
    if (nghttp2_submit_rst_stream(st->streams->h2, NGHTTP2_FLAG_NONE, st->id, code) != 0)
        st->streams->broken = true;
    streams_output(st->streams);
}

/* ---- to the local side -------------------------------------------------------------------- */

static void set_lent(struct stream *st, int64_t lent)
{
    struct streams *s = st->streams;

    s->lent -= st->lent;
    st->lent = lent > 0 ? (size_t)lent : 0;
    s->lent += st->lent;
}

/* What may pile up here when the local side stops reading: all of it while few hold much. */
static size_t allowance(const struct stream *st)
{
    size_t others = st->streams->lent - st->lent;
    size_t left = others < SESSION_LENT_BYTES ? SESSION_LENT_BYTES - others : 0;

    return STREAM_FIRST_BYTES + smaller(left / 4, STREAM_PILE_BYTES - STREAM_FIRST_BYTES);
}

/*
 * Gives credit, as far as the rule allows: what the peer may still send, plus what is piled up
 * here, is at most the allowance more than the kernel would take now. Given in grains, so that a
 * WINDOW_UPDATE is rare; with an empty pile the peer always keeps more than half of the
 * allowance, so nobody waits for a grain. What was given is not taken back, hence what is lent is
 * counted anew each time: the kernel's room grows as the local side reads.
 */
static void give_credit(struct stream *st)
{
    struct streams *s = st->streams;
    int64_t piled = (int64_t)pile_len(&st->pile);

    if (st->over || st->peer_ended || st->why != SP_OK)
        return;
    /* A local side that keeps up and a peer that used most of its window: it is too small. */
    if (piled == 0 && st->credit < (int64_t)st->target / 4 && st->target < STREAM_WINDOW_MAX)
        st->target *= 2;

    size_t room = st->io == NULL ? 0 : st->io->room(st->arg), allowed = allowance(st);
    int64_t give = (int64_t)smaller(st->target, room + allowed) - st->credit - piled;
    if (give >= (int64_t)smaller(STREAM_GRAIN_BYTES, allowed / 2)) {
        if (nghttp2_submit_window_update(s->h2, NGHTTP2_FLAG_NONE, st->id, (int32_t)give) != 0)
            s->broken = true;
        st->credit += give;
        streams_output(s);
    }
    set_lent(st, st->credit + piled - (int64_t)room - STREAM_FIRST_BYTES);
}

void stream_begun(struct stream *st)
{
    st->begun = true;
    give_credit(st);
}

void stream_settle(struct stream *st)
{
    set_lent(st, (int64_t)pile_len(&st->pile) - STREAM_FIRST_BYTES);
}

/* `took` bytes have left this process: the session's window follows by streams_refill, the
 * stream's by give_credit, which costs system calls and so waits until a quarter is used. */
static void count_delivered(struct stream *st, size_t took)
{
    struct streams *s = st->streams;

    st->received += took;
    s->received += took;
    if (st->credit <= (int64_t)(st->target - st->target / 4))
        give_credit(st);
    streams_output(s);
}

SP_MUST static sp_error write_local(struct stream *st, struct view bytes, size_t *took)
{
    sp_error e;

    *took = 0;
    if (st->io == NULL || st->why != SP_OK)
        return SP_OK;
    if ((e = st->io->write(st->arg, bytes, took)) != SP_OK)
        return e;
    if (*took > 0)
        count_delivered(st, *took);
    return SP_OK;
}

static void tell_when_finished(struct stream *st)
{
    if (st->peer_ended && pile_len(&st->pile) == 0 && !st->finished_told && st->io != NULL &&
        st->why == SP_OK)
        stream_note(st, NEWS_FINISHED); /* streams_tell marks it told */
}

static void drop_pile(struct stream *st)
{
    st->streams->piled -= pile_len(&st->pile);
    pile_deinit(&st->pile);
    set_lent(st, 0);
}

/* The piles are more than was lent: see SESSION_PILED_MAX. */
static void spare_session(struct streams *s)
{
    struct stream *most = s->all;

    for (struct stream *st = s->all; st != NULL; st = st->next)
        if (pile_len(&st->pile) > pile_len(&most->pile))
            most = st;
    drop_pile(most);
    if (most->over) { /* its peer has said all; here it is not at its end */
        most->why = SP_ERR_LIMIT;
        stream_note(most, NEWS_ENDED);
    } else {
        stream_reset(most, NGHTTP2_CANCEL, SP_ERR_LIMIT);
    }
}

sp_error stream_deliver(struct stream *st, struct view bytes)
{
    struct streams *s = st->streams;
    size_t took = 0;
    sp_error e;

    st->credit -= (int64_t)bytes.len; /* nghttp2 has checked that there was enough */
    if (st->why != SP_OK)             /* reset by us: what was under way is dropped, not kept */
        return SP_OK;
    if (pile_len(&st->pile) == 0 && (e = write_local(st, bytes, &took)) != SP_OK) {
        stream_reset(st, NGHTTP2_CANCEL, e);
        return SP_OK;
    }
    struct view rest = view_slice(bytes, took, bytes.len);
    if ((e = pile_add(&st->pile, rest)) != SP_OK)
        return e;
    s->piled += rest.len;
    if (pile_len(&st->pile) > STREAM_FIRST_BYTES + st->lent) /* the kernel took less than it said */
        set_lent(st, (int64_t)pile_len(&st->pile) - STREAM_FIRST_BYTES);
    if (s->piled > SESSION_PILED_MAX)
        spare_session(s);
    return SP_OK;
}

void stream_writable(struct stream *st)
{
    struct streams *s = st->streams;
    size_t took;
    sp_error e = SP_OK;

    if (s == NULL || st->io == NULL)
        return;
    while (pile_len(&st->pile) > 0) {
        struct view front = pile_front(&st->pile);
        if ((e = write_local(st, front, &took)) != SP_OK || took == 0)
            break;
        pile_drop(&st->pile, took);
        s->piled -= took;
        if (pile_len(&st->pile) == 0)
            give_credit(st);
    }
    if (st->peer_ended)
        stream_settle(st);
    streams_refill(s);
    if (e != SP_OK)
        stream_reset(st, NGHTTP2_CANCEL, e);
    tell_when_finished(st);
    if (st->over && pile_len(&st->pile) == 0)
        stream_note(st, NEWS_ENDED); /* it waited for the pile */
    streams_tell(s);
}

/* ---- from the local side ------------------------------------------------------------------ */

ssize_t stream_read_source(nghttp2_session *h2, int32_t id, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct stream *st = source->ptr;
    struct streams *s = user;
    size_t got = 0;
    sp_error e = SP_ERR_AGAIN;

    (void)h2;
    (void)id;
    if (st->io != NULL && s->data_allowed)
        e = st->io->read(st->arg, to, room, &got);
    switch (e) {
    case SP_OK:
        st->sent += got;
        s->sent += got;
        return (ssize_t)got;
    case SP_ERR_AGAIN:
        st->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    case SP_ERR_CLOSED:
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        return 0;
    default:
        st->why = e;
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* RST_STREAM */
    }
}

void stream_readable(struct stream *st)
{
    if (st->streams == NULL || st->over || !st->deferred)
        return;
    st->deferred = false;
    if (nghttp2_session_resume_data(st->streams->h2, st->id) != 0)
        st->streams->broken = true;
    streams_output(st->streams);
}

/* ---- life --------------------------------------------------------------------------------- */

void stream_attach(struct stream *st, const struct stream_io *io, void *arg)
{
    st->io = io;
    st->arg = arg;
    if (st->streams == NULL)
        return;
    if (st->begun)
        give_credit(st);
    stream_readable(st);
    if (st->streams->role == STREAMS_AGENT && st->status != 0)
        stream_note(st, NEWS_ANSWERED); /* it came when there was nobody to tell */
    tell_when_finished(st);
    if (st->over)
        stream_note(st, NEWS_ENDED);
    if (st->queued)
        streams_output(st->streams); /* the loop comes by, and tells */
}

void stream_abort(struct stream *st, sp_error why)
{
    if (st->streams != NULL)
        stream_reset(st, NGHTTP2_CANCEL, why);
}

void stream_accept(struct stream *st)
{
    const nghttp2_nv status = {(uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t) "200", 7, 3,
                               NGHTTP2_NV_FLAG_NONE};
    nghttp2_data_provider source = {.source = {.ptr = st}, .read_callback = stream_read_source};

    if (st->streams == NULL || st->over || st->sending)
        return;
    st->sending = true;
    st->status = 200;
    if (nghttp2_submit_response(st->streams->h2, st->id, &status, 1, &source) != 0)
        st->streams->broken = true;
    streams_output(st->streams);
}

void stream_refuse(struct stream *st, int status)
{
    char text[4] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
                    (char)('0' + status % 10), 0};
    const nghttp2_nv nv = {(uint8_t *)(uintptr_t) ":status", (uint8_t *)text, 7, 3,
                           NGHTTP2_NV_FLAG_NONE};

    if (st->streams == NULL || st->over || st->sending)
        return;
    st->sending = true;
    st->status = status;
    /* RFC 9113 8.1: a complete answer, then RST_STREAM(NO_ERROR), since nothing more is read. */
    if (nghttp2_submit_response(st->streams->h2, st->id, &nv, 1, NULL) != 0)
        st->streams->broken = true;
    streams_output(st->streams);
}

void stream_free(struct stream *st)
{
    struct streams *s = st == NULL ? NULL : st->streams;

    if (st == NULL)
        return;
    st->io = NULL;
    st->owned = false;
    if (s == NULL) {
        stream_drop(st);
        return;
    }
    drop_pile(st);
    streams_refill(s);
    /* nghttp2 may still ask for its data: the struct goes when nghttp2 has forgotten it. */
    if (st->over)
        stream_drop(st);
    else if (st->status >= 300)
        st->why = SP_ERR_REFUSED; /* the answer goes out first; on_frame_sent resets */
    else
        stream_reset(st, NGHTTP2_CANCEL, SP_ERR_CANCELLED);
}

unsigned stream_port(const struct stream *st)
{
    return st->port;
}

uint64_t stream_sent(const struct stream *st)
{
    return st->sent;
}

uint64_t stream_received(const struct stream *st)
{
    return st->received;
}

size_t stream_piled(const struct stream *st)
{
    return pile_len(&st->pile);
}
