#include "lib/tunnel/outer_internal.h"

#include "lib/crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

sp_error outer_fail(struct outer *o, sp_error e)
{
    if (o->state == OUTER_CLOSED)
        return o->end.error;
    o->state = outer_next(o->state, OUTER_EV_FAULT);
    o->end.error = e;
    if (o->tls != NULL && e == SP_ERR_TLS)
        o->end.refusal = tls_conn_refusal(o->tls);
    return e;
}

/* Outer TLS may send nothing into a direction that is bare: no alert, no answer to a KeyUpdate. */
static bool guarded_give(void *arg, struct view record)
{
    struct outer *o = arg;

    return switch_next(SWITCH_END_TX, o->tx, SWITCH_EV_FRAME) == SWITCH_FRAMES &&
           wire_put(o->wire, record);
}

static size_t guarded_take(void *arg, uint8_t *to, size_t n)
{
    struct outer *o = arg;

    return o->rx == SWITCH_FRAMES ? wire_take(o->wire, to, n) : 0;
}

SP_MUST static sp_error new_outer(struct wire *wire, struct tls_context *tls,
                                  const struct tls_expect *expect, bool client, struct outer **out)
{
    struct outer *o = calloc(1, sizeof *o);
    sp_error e;

    if (o == NULL)
        return SP_ERR_NOMEM;
    o->wire = wire;
    o->client = client;
    o->state = OUTER_TLS;
    o->rx = o->tx = SWITCH_FRAMES;
    buf_init(&o->head, UPGRADE_HEAD_MAX + TLS_RECORD_PLAIN);
    const struct tls_wire ends = {guarded_take, guarded_give, o};
    if ((e = tls_conn_new(tls, expect, &ends, &o->tls)) != SP_OK) {
        outer_free(o);
        return e;
    }
    *out = o;
    return SP_OK;
}

sp_error outer_client(struct wire *wire, struct tls_context *tls, const struct tls_expect *expect,
                      const struct upgrade_request *ask, struct outer **out)
{
    struct outer *o;
    sp_error e;

    if ((e = new_outer(wire, tls, expect, true, &o)) != SP_OK)
        return e;
    if (ask != NULL && (e = outer_ask(o, ask)) != SP_OK) {
        outer_free(o);
        return e;
    }
    *out = o;
    return SP_OK;
}

SP_MUST static sp_error send_request(struct outer *o)
{
    if (tls_conn_write(o->tls, buf_view(&o->head)) != SP_OK)
        return outer_fail(o, SP_ERR_TLS);
    buf_wipe(&o->head);
    return SP_OK;
}

/* The request is written down now, since its views are borrowed, and sent when TLS is up. */
sp_error outer_ask(struct outer *o, const struct upgrade_request *ask)
{
    struct upgrade_request asked = *ask;
    sp_error e;

    if (!o->client || o->asked || (o->state != OUTER_TLS && o->state != OUTER_UPGRADE))
        return SP_ERR_CLOSED;
    o->asked = true;
    o->request.cut_through = ask->cut_through;
    o->request.has_nonce = ask->has_nonce;
    random_bytes(o->request.key, sizeof o->request.key);
    memcpy(asked.key, o->request.key, sizeof asked.key);
    upgrade_write_request(&asked, &o->head);
    if ((e = buf_error(&o->head)) == SP_OK && o->head.len > UPGRADE_HEAD_MAX)
        e = SP_ERR_INVALID;
    if (e != SP_OK)
        return outer_fail(o, e);
    return o->state == OUTER_UPGRADE ? send_request(o) : SP_OK;
}

sp_error outer_server(struct wire *wire, struct tls_context *tls, struct outer **out)
{
    return new_outer(wire, tls, NULL, false, out);
}

void outer_free(struct outer *o)
{
    if (o == NULL)
        return;
    tls_conn_free(o->tls);
    buf_wipe(&o->head); /* it held a grant */
    free(o->control);
    free(o);
}

enum outer_state outer_state(const struct outer *o)
{
    return o->state;
}

const struct outer_end *outer_end(const struct outer *o)
{
    return &o->end;
}

/* ---- TLS and upgrade ---------------------------------------------------------------------- */

SP_MUST static sp_error tls_done(struct outer *o)
{
    o->state = outer_next(o->state, OUTER_EV_TLS_DONE);
    return o->asked ? send_request(o) : SP_OK;
}

/* A word for `code`: what the peer wrote, if it looks like one. */
static void keep_code(struct outer *o, struct view v)
{
    if (v.len >= sizeof o->end.code)
        return;
    for (size_t i = 0; i < v.len; i++)
        if (!(v.at[i] == '_' || (v.at[i] >= 'a' && v.at[i] <= 'z')))
            return;
    if (v.len > 0)
        memcpy(o->end.code, v.at, v.len);
    o->end.code[v.len] = '\0';
}

SP_MUST static sp_error read_answer(struct outer *o)
{
    struct upgrade_answer a;
    size_t used;
    sp_error e =
        upgrade_parse_answer(buf_view(&o->head), o->request.key, o->request.cut_through, &a, &used);

    if (e == SP_ERR_AGAIN)
        return e;
    if (e != SP_OK)
        return outer_fail(o, SP_ERR_PROTOCOL);
    if (a.status != 101) {
        o->end.status = a.status;
        o->end.retry_after_s = a.retry_after_s;
        keep_code(o, a.code);
        o->state = outer_next(o->state, OUTER_EV_REFUSED);
        o->end.error = SP_ERR_REFUSED;
        return SP_ERR_REFUSED;
    }
    o->cut_through = a.cut_through;
    if (!o->request.has_nonce)
        tls_conn_exports_done(o->tls);
    o->head_used = used;
    o->heard = clock_boot();
    o->state = outer_next(o->state, OUTER_EV_ADMITTED);
    return SP_OK;
}

static unsigned status_for(sp_error e)
{
    return e == SP_ERR_NOT_FOUND ? 404 : e == SP_ERR_VERSION ? 426 : e == SP_ERR_LIMIT ? 431 : 400;
}

SP_MUST static sp_error read_request(struct outer *o)
{
    size_t used;
    sp_error e = upgrade_parse_request(buf_view(&o->head), &o->request, &used);

    if (e == SP_ERR_AGAIN)
        return e;
    if (e == SP_OK && used != o->head.len)
        e = SP_ERR_MALFORMED; /* a body, or frames before the 101 */
    if (e != SP_OK) {
        outer_refuse(o, status_for(e), NULL, 0);
        return SP_ERR_PROTOCOL;
    }
    o->state = outer_next(o->state, OUTER_EV_REQUEST);
    return SP_OK;
}

SP_MUST static sp_error advance_upgrade(struct outer *o)
{
    uint8_t piece[2048];
    size_t got;
    sp_error e;

    for (;;) {
        if ((e = tls_conn_read(o->tls, piece, sizeof piece, &got)) != SP_OK)
            return e == SP_ERR_AGAIN ? e : outer_fail(o, e);
        if (o->client && !o->asked) /* an answer to nothing */
            return outer_fail(o, SP_ERR_PROTOCOL);
        if (buf_append(&o->head, (struct view){piece, got}) != SP_OK)
            return outer_fail(o, SP_ERR_PROTOCOL);
        if ((e = o->client ? read_answer(o) : read_request(o)) != SP_ERR_AGAIN)
            return e;
    }
}

sp_error outer_advance(struct outer *o)
{
    sp_error e;

    if (o->state == OUTER_TLS) {
        if ((e = tls_conn_handshake(o->tls)) != SP_OK)
            return e == SP_ERR_AGAIN ? e : outer_fail(o, e);
        if ((e = tls_done(o)) != SP_OK)
            return e;
    }
    if (o->state == OUTER_UPGRADE)
        return advance_upgrade(o);
    return o->state == OUTER_CLOSED ? o->end.error : SP_OK;
}

const struct upgrade_request *outer_request(const struct outer *o)
{
    return &o->request;
}

sp_error outer_accept(struct outer *o, bool cut_through)
{
    bool binds = o->request.has_nonce;
    struct buf answer;
    sp_error e;

    if (o->state != OUTER_ASKED)
        return SP_ERR_CLOSED;
    buf_init(&answer, 512);
    o->cut_through = cut_through && o->request.cut_through;
    upgrade_write_accept(o->request.key, o->cut_through, &answer);
    if ((e = buf_error(&answer)) == SP_OK)
        e = tls_conn_write(o->tls, buf_view(&answer));
    buf_deinit(&answer);
    buf_wipe(&o->head); /* the grant */
    o->request = (struct upgrade_request){0};
    if (e != SP_OK)
        return outer_fail(o, e);
    if (!binds)
        tls_conn_exports_done(o->tls); /* only a standing channel is bound to its TLS */
    o->heard = clock_boot();
    o->state = outer_next(o->state, OUTER_EV_ADMITTED);
    return SP_OK;
}

void outer_refuse(struct outer *o, unsigned status, const char *code, unsigned retry_after_s)
{
    struct buf answer;

    if (o->client || (o->state != OUTER_ASKED && o->state != OUTER_UPGRADE))
        return;
    buf_init(&answer, 512);
    upgrade_write_refusal(status, code, retry_after_s, &answer);
    if (buf_error(&answer) == SP_OK && tls_conn_write(o->tls, buf_view(&answer)) == SP_OK)
        tls_conn_close_notify(o->tls);
    buf_deinit(&answer);
    o->end.status = status;
    o->end.error = SP_ERR_REFUSED;
    o->state = outer_next(o->state, OUTER_EV_REFUSED);
}

bool outer_cut_through(const struct outer *o)
{
    return o->cut_through;
}

void outer_mode(struct outer *o, bool bare)
{
    o->bare_mode = bare && o->cut_through;
}

void outer_proved(struct outer *o)
{
    o->proved = true;
}

/* ---- plaintext ---------------------------------------------------------------------------- */

sp_error outer_plain(struct outer *o, uint8_t *to, size_t room, size_t *got)
{
    size_t early = o->head.len - o->head_used;

    if (early > 0) { /* frames that came in the same record as the 101 */
        *got = early < room ? early : room;
        memcpy(to, o->head.at + o->head_used, *got);
        o->head_used += *got;
        if (o->head_used == o->head.len) {
            buf_deinit(&o->head);
            o->head_used = 0;
        }
        return SP_OK;
    }
    if (o->head.at != NULL) {
        buf_deinit(&o->head);
        o->head_used = 0;
    }
    return o->tls == NULL ? SP_ERR_TLS : tls_conn_read(o->tls, to, room, got);
}

bool outer_plain_empty(const struct outer *o)
{
    return o->head.len == o->head_used && (o->tls == NULL || tls_conn_pending(o->tls) == 0);
}

/* ---- the switch and the end --------------------------------------------------------------- */

bool outer_rx_bare(const struct outer *o)
{
    return o->rx == SWITCH_BARE;
}

bool outer_tx_bare(const struct outer *o)
{
    return o->tx == SWITCH_BARE;
}

void outer_shed(struct outer *o)
{
    if (o->rx != SWITCH_BARE || o->tx != SWITCH_BARE)
        return;
    tls_conn_free(o->tls); /* sends nothing */
    o->tls = NULL;
}

sp_boot_ms outer_heard(const struct outer *o)
{
    return o->heard;
}

sp_error outer_binding(struct outer *o, uint8_t out[TLS_EXPORT_BYTES])
{
    if (o->tls == NULL)
        return SP_ERR_TLS;
    return tls_conn_export(o->tls, "EXPORTER-Channel-Binding", (struct view){0}, false, out);
}
