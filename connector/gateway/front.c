#include "connector/gateway/front.h"

#include <stdlib.h>

struct front {
    struct tls_conn *tls; /* owned */
    struct buf in, out;   /* ciphertext */
    size_t in_at, out_at;
    struct buf plain; /* one record at most */
    size_t plain_at;
    bool ready, ended; /* the handshake is done; our close_notify was said */
};

static size_t wire_take(void *arg, uint8_t *to, size_t n)
{
    struct front *f = arg;
    size_t have = f->in.len - f->in_at;

    n = n < have ? n : have;
    if (n > 0)
        memcpy(to, f->in.at + f->in_at, n);
    f->in_at += n;
    if (f->in_at == f->in.len) {
        buf_reset(&f->in);
        f->in_at = 0;
    }
    return n;
}

static bool wire_give(void *arg, struct view record)
{
    return buf_append(&((struct front *)arg)->out, record) == SP_OK;
}

sp_error front_new(struct tls_context *context, struct front **out)
{
    struct front *f = calloc(1, sizeof *f);
    sp_error e;

    if (f == NULL)
        return SP_ERR_NOMEM;
    const struct tls_wire wire = {wire_take, wire_give, f};
    buf_init(&f->in, FRONT_IN_MAX);
    buf_init(&f->out, FRONT_OUT_MAX);
    buf_init(&f->plain, TLS_RECORD_PLAIN);
    if ((e = tls_conn_new(context, NULL, &wire, &f->tls)) != SP_OK) {
        front_free(f);
        return e;
    }
    *out = f;
    return SP_OK;
}

void front_free(struct front *f)
{
    if (f == NULL)
        return;
    tls_conn_free(f->tls);
    buf_deinit(&f->in);
    buf_deinit(&f->out);
    buf_wipe(&f->plain);
    free(f);
}

sp_error front_put(struct front *f, struct view cipher, size_t *took)
{
    if (f->in_at > 0) {
        buf_consume(&f->in, f->in_at);
        f->in_at = 0;
    }
    cipher = view_slice(cipher, 0, FRONT_IN_MAX - f->in.len);
    *took = cipher.len;
    return buf_append(&f->in, cipher);
}

sp_error front_plain(struct front *f, struct view *out)
{
    size_t got = 0;
    sp_error e;

    if (!f->ready && (e = tls_conn_handshake(f->tls)) != SP_OK)
        return e;
    f->ready = true;
    if (f->plain_at == f->plain.len) {
        buf_reset(&f->plain);
        f->plain_at = 0;
        if ((e = buf_reserve(&f->plain, TLS_RECORD_PLAIN)) != SP_OK ||
            (e = tls_conn_read(f->tls, f->plain.at, TLS_RECORD_PLAIN, &got)) != SP_OK) {
            if (e == SP_ERR_AGAIN)
                buf_deinit(&f->plain); /* an idle connection keeps no buffer */
            return e;
        }
        f->plain.len = got;
    }
    *out = view_slice(buf_view(&f->plain), f->plain_at, TLS_RECORD_PLAIN);
    return SP_OK;
}

void front_took(struct front *f, size_t n)
{
    f->plain_at += n;
}

const char *front_alpn(struct front *f)
{
    return tls_conn_alpn(f->tls);
}

sp_error front_say(struct front *f, struct view plain, size_t *took)
{
    sp_error e = SP_OK;

    *took = 0;
    while (f->ready && e == SP_OK && *took < plain.len && f->out.len - f->out_at < TLS_RECORD_MAX) {
        struct view piece = view_slice(plain, *took, TLS_RECORD_PLAIN);
        if ((e = tls_conn_write(f->tls, piece)) == SP_OK)
            *took += piece.len;
    }
    return e;
}

void front_end(struct front *f)
{
    if (f->ended)
        return;
    f->ended = true;
    tls_conn_close_notify(f->tls);
}

size_t front_get(struct front *f, uint8_t *to, size_t room)
{
    size_t have = f->out.len - f->out_at, n = have < room ? have : room;

    if (n > 0)
        memcpy(to, f->out.at + f->out_at, n);
    f->out_at += n;
    if (f->out_at == f->out.len) {
        buf_deinit(&f->out);
        f->out_at = 0;
    }
    return n;
}
