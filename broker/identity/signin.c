#include "broker/identity/signin.h"

#include "lib/base/encode.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secret.h"
#include "lib/http/cookie.h"

#include <stdio.h>
#include <stdlib.h>

struct signin {
    struct store *store; /* borrowed */
    const struct store_services *services;
    int64_t session_ms, idle_ms, roll_ms;
};

sp_error signin_new(struct store *store, int64_t session_ms, int64_t idle_ms, struct signin **out)
{
    struct signin *s = calloc(1, sizeof *s);

    if (s == NULL)
        return SP_ERR_NOMEM;
    s->store = store;
    s->services = store_services(store);
    s->session_ms = session_ms;
    s->idle_ms = idle_ms;
    /* A roll is what shows that someone is there: it comes at least twice in the idle time. */
    s->roll_ms = idle_ms > 0 && idle_ms / 2 < SIGNIN_ROLL_MS ? idle_ms / 2 : SIGNIN_ROLL_MS;
    *out = s;
    return SP_OK;
}

void signin_free(struct signin *s)
{
    free(s);
}

/* A ticket: its text for the cookie and its hash for the store. */
struct ticket {
    char text[44];
    struct hash hash;
};

static void ticket_new(struct ticket *t)
{
    uint8_t bytes[SIGNIN_TICKET_BYTES];
    struct buf b;

    memset(t, 0, sizeof *t);
    random_bytes(bytes, sizeof bytes);
    t->hash = hash_sha256((struct view){bytes, sizeof bytes});
    buf_init(&b, sizeof t->text - 1);
    encode_base64url((struct view){bytes, sizeof bytes}, &b);
    if (buf_error(&b) == SP_OK) /* else "": a cookie without a value, which names no login */
        memcpy(t->text, b.at, b.len);
    buf_wipe(&b);
    secret_wipe(bytes, sizeof bytes);
}

static void ticket_give(struct ticket *t, struct response *res)
{
    cookie_set(res, SIGNIN_COOKIE, view_str(t->text), 0, COOKIE_STRICT);
    secret_wipe(t->text, sizeof t->text);
}

/* SP_ERR_UNAUTHENTICATED: no ticket, or no text of one. */
static sp_error ticket_of(const struct request *req, struct hash *out)
{
    uint8_t bytes[SIGNIN_TICKET_BYTES];
    struct view text;

    if (cookie_get(req, SIGNIN_COOKIE, &text) != SP_OK ||
        decode_base64url_exact(text, bytes, sizeof bytes) != SP_OK)
        return SP_ERR_UNAUTHENTICATED;
    *out = hash_sha256((struct view){bytes, sizeof bytes});
    secret_wipe(bytes, sizeof bytes);
    return SP_OK;
}

/* ---- transactions ------------------------------------------------------------------------- */

struct change {
    struct signin *s;
    struct login_row *row;             /* to put */
    const struct hash *old, *fresh;    /* to roll, or `old` to remove */
    const struct audit_record *record; /* NULL: none */
    sp_unix_ms now;
    bool won;
};

static sp_error put_work(struct store_tx *tx, void *arg)
{
    struct change *c = arg;
    const struct store_logins *logins = c->s->services->logins;
    sp_error e;

    if (c->old != NULL && (e = logins->browser_remove(tx, c->old->bytes, &c->won)) != SP_OK)
        return e;
    return logins->browser_put(tx, c->row);
}

static sp_error roll_work(struct store_tx *tx, void *arg)
{
    struct change *c = arg;
    return c->s->services->logins->browser_roll(tx, c->old->bytes, c->fresh->bytes, c->now,
                                                &c->won);
}

static sp_error remove_work(struct store_tx *tx, void *arg)
{
    struct change *c = arg;
    sp_error e = c->s->services->logins->browser_remove(tx, c->old->bytes, &c->won);

    return e == SP_OK && c->won && c->record != NULL ? audit_append(tx, c->s->services, c->record)
                                                     : e;
}

/* ---- starting ----------------------------------------------------------------------------- */

static void copy_agent(const struct request *req, char *out, size_t size)
{
    struct view agent = view_slice(request_header(req, "user-agent"), 0, size / 2);
    struct buf safe;

    buf_init(&safe, size - 1);
    encode_visible(agent, &safe);
    snprintf(out, size, "%s", buf_cstr(&safe) == NULL ? "" : buf_cstr(&safe));
    buf_deinit(&safe);
}

sp_error signin_start(struct signin *s, const struct request *req, struct response *res,
                      struct login_row *row)
{
    struct change c = {.s = s, .row = row, .now = clock_unix()};
    struct hash earlier;
    struct ticket t;
    sp_error e;

    ticket_new(&t);
    memcpy(row->hash, t.hash.bytes, ROW_HASH_BYTES);
    memset(row->prev_hash, 0, sizeof row->prev_hash);
    row->device = (struct sp_id){0};
    row->created = row->rolled = c.now;
    row->expires = c.now + s->session_ms;
    row->ver = 0;
    snprintf(row->address, sizeof row->address, "%s", req->peer);
    copy_agent(req, row->agent, sizeof row->agent);
    if (ticket_of(req, &earlier) == SP_OK)
        c.old = &earlier;
    if ((e = store_commit(s->store, put_work, &c)) == SP_OK)
        ticket_give(&t, res);
    secret_wipe(&t, sizeof t);
    return e;
}

/* ---- finding ------------------------------------------------------------------------------ */

/* A value from before the last roll came long after it: someone copied it (OA-8). */
static sp_error end_stolen(struct signin *s, const struct request *req, const struct login_row *row)
{
    struct hash present;
    struct audit_record r = {.event = AUDIT_LOGIN_FAIL,
                             .result = AUDIT_DENIED,
                             .actor_kind = AUDIT_ACTOR_NOBODY,
                             .user = row->user,
                             .address = req->peer,
                             .request = req->ref,
                             .text = "an old browser ticket was used again: the login has ended"};
    struct change c = {.s = s, .old = &present, .record = &r, .now = clock_unix()};
    sp_error e;

    memcpy(present.bytes, row->hash, ROW_HASH_BYTES);
    e = store_commit(s->store, remove_work, &c);
    return e == SP_OK ? SP_ERR_UNAUTHENTICATED : e;
}

static sp_error roll(struct signin *s, const struct hash *old, sp_unix_ms now, struct response *res,
                     struct login_row *row)
{
    struct change c = {.s = s, .old = old, .now = now};
    struct ticket t;
    sp_error e;

    ticket_new(&t);
    c.fresh = &t.hash;
    if ((e = store_commit(s->store, roll_work, &c)) == SP_OK && c.won) {
        memcpy(row->prev_hash, row->hash, ROW_HASH_BYTES);
        memcpy(row->hash, t.hash.bytes, ROW_HASH_BYTES);
        row->rolled = now;
        ticket_give(&t, res);
    } /* not won: a request beside this one rolled it and gives the browser its cookie */
    secret_wipe(&t, sizeof t);
    return e;
}

sp_error signin_find(struct signin *s, const struct request *req, struct response *res,
                     struct login_row *out)
{
    struct login_row row = {0};
    sp_unix_ms now = clock_unix();
    struct hash hash;
    sp_error e;

    if ((e = ticket_of(req, &hash)) != SP_OK)
        return e;
    if ((e = s->services->logins->browser_get(s->store, hash.bytes, &row)) != SP_OK)
        return e == SP_ERR_NOT_FOUND ? SP_ERR_UNAUTHENTICATED : e;
    if (now >= row.expires || (s->idle_ms > 0 && now - row.rolled >= s->idle_ms))
        return SP_ERR_UNAUTHENTICATED;
    if (memcmp(row.hash, hash.bytes, ROW_HASH_BYTES) != 0) {
        if (now - row.rolled > SIGNIN_GRACE_MS)
            return end_stolen(s, req, &row);
    } else if (res != NULL && now - row.rolled >= s->roll_ms &&
               (e = roll(s, &hash, now, res, &row)) != SP_OK) {
        return e;
    }
    *out = row;
    return SP_OK;
}

sp_error signin_end(struct signin *s, const struct request *req, struct response *res,
                    const struct audit_record *by)
{
    struct audit_record r = *by;
    struct login_row row;
    struct hash present;
    struct change c = {.s = s, .old = &present, .record = &r, .now = clock_unix()};
    sp_error e = signin_find(s, req, NULL, &row);

    cookie_clear(res, SIGNIN_COOKIE);
    if (e != SP_OK)
        return e == SP_ERR_UNAUTHENTICATED ? SP_OK : e;
    r.event = AUDIT_LOGOUT;
    r.result = AUDIT_OK;
    r.user = row.user;
    memcpy(present.bytes, row.hash, ROW_HASH_BYTES);
    return store_commit(s->store, remove_work, &c);
}

sp_error signin_factor(struct signin *s, const struct request *req, struct response *res,
                       sp_unix_ms at, enum mfa_row_kind kind, struct login_row *out)
{
    struct login_row row;
    struct hash old;
    struct change c = {.s = s, .row = &row, .old = &old, .now = clock_unix()};
    struct ticket t;
    sp_error e = signin_find(s, req, NULL, &row);

    if (e != SP_OK)
        return e;
    ticket_new(&t);
    memcpy(old.bytes, row.hash, ROW_HASH_BYTES);
    memcpy(row.hash, t.hash.bytes, ROW_HASH_BYTES);
    memset(row.prev_hash, 0, sizeof row.prev_hash);
    row.rolled = c.now;
    row.mfa_at = at;
    row.mfa_kind = kind;
    row.ver = 0;
    if ((e = store_commit(s->store, put_work, &c)) == SP_OK) {
        ticket_give(&t, res);
        *out = row;
    }
    secret_wipe(&t, sizeof t);
    return e;
}
