#include "broker/identity/signin.h"
#include "broker/audit/chain.h"
#include "lib/base/encode.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secret.h"
#include "lib/http/cookie.h"

#include <stdio.h>
#include <stdlib.h>

#define TICKET_COOKIE "__Host-sallyport"

struct signin {
    struct store *store; /* borrowed */
    int64_t session_ms, idle_ms;
};

sp_error signin_new(struct store *store, int64_t session_ms, int64_t idle_ms, struct signin **out)
{
    struct signin *s = calloc(1, sizeof *s);

    if (s == NULL)
        return SP_ERR_NOMEM;
    *s = (struct signin){.store = store, .session_ms = session_ms, .idle_ms = idle_ms};
    *out = s;
    return SP_OK;
}

void signin_free(struct signin *s)
{
    free(s);
}

/* A ticket's text as the cookie carries it, and the hash that is stored. */
struct ticket {
    char text[44];
    struct hash hash;
};

static void hash_ticket(const uint8_t bytes[SIGNIN_TICKET_BYTES], struct hash *out)
{
    *out = hash_sha256((struct view){bytes, SIGNIN_TICKET_BYTES});
}

static sp_error make_ticket(struct ticket *t)
{
    uint8_t bytes[SIGNIN_TICKET_BYTES];
    struct buf text;
    sp_error e;

    random_bytes(bytes, sizeof bytes);
    hash_ticket(bytes, &t->hash);
    buf_init(&text, sizeof t->text);
    encode_base64url((struct view){bytes, sizeof bytes}, &text);
    if ((e = buf_error(&text)) == SP_OK) {
        memcpy(t->text, text.at, 43);
        t->text[43] = '\0';
    }
    secret_wipe(bytes, sizeof bytes);
    buf_wipe(&text);
    return e;
}

static sp_error read_ticket(const struct request *req, struct hash *out)
{
    uint8_t bytes[SIGNIN_TICKET_BYTES];
    struct view text;

    if (cookie_get(req, TICKET_COOKIE, &text) != SP_OK ||
        decode_base64url_exact(text, bytes, sizeof bytes) != SP_OK)
        return SP_ERR_UNAUTHENTICATED;
    hash_ticket(bytes, out);
    secret_wipe(bytes, sizeof bytes);
    return SP_OK;
}

static void give(struct response *res, struct ticket *t)
{
    cookie_set(res, TICKET_COOKIE, view_str(t->text), 0, COOKIE_LAX);
    secret_wipe(t->text, sizeof t->text);
}

struct put {
    const struct store_services *services;
    struct login_row row;
    const uint8_t *replaces; /* a hash to remove with it; NULL: none */
};

static sp_error put(struct store_tx *tx, void *arg)
{
    struct put *p = arg;
    struct login_row row = p->row;
    bool gone;
    sp_error e = SP_OK;

    if (p->replaces != NULL)
        e = p->services->logins->browser_remove(tx, p->replaces, &gone);
    return e != SP_OK ? e : p->services->logins->browser_put(tx, &row);
}

static sp_error put_login(struct signin *s, struct login_row *login, const uint8_t *replaces,
                          struct response *res)
{
    struct put p = {.services = store_services(s->store), .replaces = replaces};
    struct ticket t;
    sp_error e;

    if ((e = make_ticket(&t)) != SP_OK)
        return e;
    memcpy(login->hash, t.hash.bytes, sizeof login->hash);
    memset(login->prev_hash, 0, sizeof login->prev_hash);
    p.row = *login;
    if ((e = store_commit(s->store, put, &p)) == SP_OK)
        give(res, &t);
    secret_wipe(&t, sizeof t);
    return e;
}

/* A login that this browser still has ends with the new one (TM-21). */
static const uint8_t *earlier(struct signin *s, const struct request *req, struct login_row *row)
{
    struct hash shown;

    if (read_ticket(req, &shown) != SP_OK ||
        store_services(s->store)->logins->browser_get(s->store, shown.bytes, row) != SP_OK)
        return NULL;
    return row->hash;
}

sp_error signin_start(struct signin *s, const struct request *req, struct response *res,
                      struct login_row *row)
{
    struct view agent = request_header(req, "user-agent");
    struct login_row before;
    sp_unix_ms now = clock_unix();

    row->device = (struct sp_id){0};
    row->created = row->rolled = now;
    row->expires = now + s->session_ms;
    row->ver = 0;
    snprintf(row->address, sizeof row->address, "%s", req->peer);
    agent = view_slice(agent, 0, ROW_NAME_MAX);
    memcpy(row->agent, agent.at, agent.len);
    row->agent[agent.len] = '\0';
    return put_login(s, row, earlier(s, req, &before), res);
}

struct roll {
    const struct store_services *services;
    const uint8_t *old, *fresh;
    sp_unix_ms now;
    bool won;
};

static sp_error roll(struct store_tx *tx, void *arg)
{
    struct roll *r = arg;

    return r->services->logins->browser_roll(tx, r->old, r->fresh, r->now, &r->won);
}

/* Of several requests at once one rolls; the others keep the old ticket within its grace. */
static sp_error roll_ticket(struct signin *s, struct login_row *login, struct response *res)
{
    struct ticket t;
    sp_error e;

    if ((e = make_ticket(&t)) != SP_OK)
        return e;
    struct roll r = {.services = store_services(s->store),
                     .old = login->hash,
                     .fresh = t.hash.bytes,
                     .now = clock_unix()};
    if ((e = store_commit(s->store, roll, &r)) == SP_OK && r.won) {
        memcpy(login->prev_hash, login->hash, sizeof login->hash);
        memcpy(login->hash, t.hash.bytes, sizeof login->hash);
        login->rolled = r.now;
        give(res, &t);
    }
    secret_wipe(&t, sizeof t);
    return e;
}

struct drop {
    const struct store_services *services;
    const uint8_t *hash;
    struct audit_record record;
    bool won;
};

static sp_error drop(struct store_tx *tx, void *arg)
{
    struct drop *d = arg;
    sp_error e = d->services->logins->browser_remove(tx, d->hash, &d->won);

    return e != SP_OK || !d->won ? e : audit_append(tx, d->services, &d->record);
}

static sp_error drop_login(struct signin *s, const struct login_row *login,
                           const struct audit_record *record)
{
    struct drop d = {.services = store_services(s->store), .hash = login->hash, .record = *record};

    d.record.event = AUDIT_LOGOUT;
    d.record.user = login->user;
    return store_commit(s->store, drop, &d);
}

static bool user_may(struct signin *s, struct sp_id user)
{
    struct user_row row;

    return store_services(s->store)->registry->user_get(s->store, user, &row) == SP_OK &&
           row.state == USER_ACTIVE;
}

/* A ticket from before the last roll, later than a request under way can be: someone kept a copy,
 * so the whole login ends (OA-8). */
static sp_error end_stolen(struct signin *s, const struct request *req,
                           const struct login_row *login)
{
    const struct audit_record record = {
        .result = AUDIT_DENIED,
        .address = req->peer,
        .request = req->ref,
        .text = "An old browser ticket was shown again: the login has ended."};
    sp_error e = drop_login(s, login, &record);

    return e == SP_OK ? SP_ERR_UNAUTHENTICATED : e;
}

/* The login of the shown ticket. `*current`: it is not the one before the last roll. */
static sp_error find(struct signin *s, const struct request *req, struct login_row *login,
                     bool *current)
{
    sp_unix_ms now = clock_unix();
    struct hash shown;
    sp_error e;

    if ((e = read_ticket(req, &shown)) != SP_OK)
        return e;
    e = store_services(s->store)->logins->browser_get(s->store, shown.bytes, login);
    if (e != SP_OK)
        return e == SP_ERR_NOT_FOUND ? SP_ERR_UNAUTHENTICATED : e;
    *current = memcmp(shown.bytes, login->hash, sizeof login->hash) == 0;
    if (!*current && now - login->rolled > SIGNIN_GRACE_MS)
        return end_stolen(s, req, login);
    if (now >= login->expires || now - login->rolled > s->idle_ms + SIGNIN_ROLL_MS ||
        !user_may(s, login->user))
        return SP_ERR_UNAUTHENTICATED;
    return SP_OK;
}

sp_error signin_find(struct signin *s, const struct request *req, struct response *res,
                     struct login_row *out)
{
    struct login_row login;
    bool current;
    sp_error e = find(s, req, &login, &current);

    if (e == SP_OK && res != NULL && current && clock_unix() - login.rolled >= SIGNIN_ROLL_MS)
        e = roll_ticket(s, &login, res);
    if (e == SP_OK)
        *out = login;
    return e;
}

sp_error signin_end(struct signin *s, const struct request *req, struct response *res,
                    const struct audit_record *by)
{
    struct login_row login;
    struct hash shown;
    sp_error e = SP_OK;

    if (read_ticket(req, &shown) == SP_OK &&
        store_services(s->store)->logins->browser_get(s->store, shown.bytes, &login) == SP_OK)
        e = drop_login(s, &login, by);
    cookie_clear(res, TICKET_COOKIE);
    return e;
}

sp_error signin_factor(struct signin *s, const struct request *req, struct response *res,
                       sp_unix_ms at, enum mfa_row_kind kind, struct login_row *out)
{
    struct login_row login;
    uint8_t old[ROW_HASH_BYTES];
    bool current;
    sp_error e = find(s, req, &login, &current);

    if (e != SP_OK)
        return e;
    memcpy(old, login.hash, sizeof old);
    login.mfa_at = at;
    login.mfa_kind = kind;
    login.rolled = clock_unix();
    login.ver = 0;
    if ((e = put_login(s, &login, old, res)) == SP_OK)
        *out = login;
    return e;
}
