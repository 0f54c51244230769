#include "lib/tunnel/wire.h"
#include "lib/tunnel/thread_internal.h"

void wire_init(struct wire *w, struct tunnel_thread *thread)
{
    *w = (struct wire){.thread = thread};
}

static void drop_kept(struct wire *w)
{
    thread_block_back(w->thread, w->kept);
    w->kept = NULL;
    w->kept_at = w->kept_end = 0;
}

static void drop_out(struct wire *w)
{
    thread_block_back(w->thread, w->out);
    w->out = NULL;
    w->out_at = w->out_end = 0;
}

void wire_deinit(struct wire *w)
{
    if (w->thread == NULL)
        return;
    drop_kept(w);
    drop_out(w);
    w->fed = (struct view){0};
}

void wire_feed(struct wire *w, struct view received)
{
    w->fed = received;
}

sp_error wire_keep(struct wire *w)
{
    size_t old = w->kept_end - w->kept_at;

    if (w->fed.len == 0)
        return SP_OK;
    if (w->kept == NULL && (w->kept = thread_block(w->thread)) == NULL)
        return SP_ERR_NOMEM;
    if (w->kept_at > 0) {
        memmove(w->kept->at, w->kept->at + w->kept_at, old);
        w->kept_at = 0;
        w->kept_end = old;
    }
    if (w->fed.len > sizeof w->kept->at - w->kept_end)
        return SP_ERR_INTERNAL; /* fed with more than the header allows */
    memcpy(w->kept->at + w->kept_end, w->fed.at, w->fed.len);
    w->kept_end += w->fed.len;
    w->fed = (struct view){0};
    return SP_OK;
}

size_t wire_waiting(const struct wire *w)
{
    return w->kept_end - w->kept_at + w->fed.len;
}

/* The next contiguous piece, at most `n` bytes of it. */
static struct view front(const struct wire *w, size_t n)
{
    if (w->kept != NULL)
        return view_slice((struct view){w->kept->at, w->kept_end}, w->kept_at, n);
    return view_slice(w->fed, 0, n);
}

static void drop_front(struct wire *w, size_t n)
{
    if (w->kept == NULL) {
        w->fed = view_slice(w->fed, n, w->fed.len);
    } else {
        w->kept_at += n;
        if (w->kept_at == w->kept_end)
            drop_kept(w);
    }
}

size_t wire_take(void *wire, uint8_t *to, size_t n)
{
    struct wire *w = wire;
    size_t taken = 0;

    for (;;) {
        struct view piece = front(w, n - taken);
        if (piece.len == 0)
            return taken;
        memcpy(to + taken, piece.at, piece.len);
        taken += piece.len;
        drop_front(w, piece.len);
    }
}

void wire_drop(struct wire *w)
{
    drop_kept(w);
    w->fed = (struct view){0};
}

size_t wire_unsent(const struct wire *w)
{
    return w->out_end - w->out_at;
}

size_t wire_room(const struct wire *w)
{
    return TUNNEL_OUT_BYTES - wire_unsent(w);
}

bool wire_put(void *wire, struct view bytes)
{
    struct wire *w = wire;

    if (bytes.len > wire_room(w))
        return false;
    if (w->out == NULL && (w->out = thread_block(w->thread)) == NULL)
        return false;
    if (bytes.len > sizeof w->out->at - w->out_end) {
        memmove(w->out->at, w->out->at + w->out_at, wire_unsent(w));
        w->out_end -= w->out_at;
        w->out_at = 0;
    }
    if (bytes.len > 0)
        memcpy(w->out->at + w->out_end, bytes.at, bytes.len);
    w->out_end += bytes.len;
    return true;
}

struct view wire_out(const struct wire *w)
{
    if (w->out == NULL)
        return (struct view){0};
    return (struct view){w->out->at + w->out_at, wire_unsent(w)};
}

void wire_sent(struct wire *w, size_t n)
{
    w->out_at += n;
    if (w->out_at == w->out_end)
        drop_out(w);
}

size_t wire_pass(struct wire *from, struct wire *to)
{
    size_t passed = 0;

    for (;;) {
        struct view piece = front(from, wire_room(to));
        if (piece.len == 0 || !wire_put(to, piece))
            return passed;
        passed += piece.len;
        drop_front(from, piece.len);
    }
}
