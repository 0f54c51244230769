#include "broker/identity/mfa.h"
#include "broker/audit/chain.h"
#include "lib/base/encode.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEALED_MAX = 512, RECOVERY_CHARS = 24 };

struct mfa {
    struct store *store;   /* borrowed */
    struct aead_key *seal; /* owned: seeds in the store */
    struct aead_key *form; /* owned: enrolments that a form carries */
};

sp_error mfa_new(struct store *store, const struct secret *master, struct mfa **out)
{
    struct mfa *m = calloc(1, sizeof *m);
    sp_error e;

    if (m == NULL)
        return SP_ERR_NOMEM;
    m->store = store;
    if ((e = aead_key_derive(master, "totp", &m->seal)) != SP_OK ||
        (e = aead_key_derive(master, "totp.enrolment", &m->form)) != SP_OK) {
        mfa_free(m);
        return e;
    }
    *out = m;
    return SP_OK;
}

void mfa_free(struct mfa *m)
{
    if (m == NULL)
        return;
    aead_key_free(m->seal);
    aead_key_free(m->form);
    free(m);
}

/* How long the n-th failure in a row locks; 0 within the free ones. */
static int64_t lock_ms(int64_t fails)
{
    int64_t lock = MFA_LOCK_MS;

    if (fails <= MFA_FREE_TRIES)
        return 0;
    for (int64_t n = MFA_FREE_TRIES + 1; n < fails && lock < MFA_LOCK_MS_MAX; n++)
        lock *= 2;
    return lock < MFA_LOCK_MS_MAX ? lock : MFA_LOCK_MS_MAX;
}

/* A row of `totp` with its sealed seed copied out of the store. */
struct factor {
    struct totp_row row;
    struct buf sealed;
    sp_error e;
};

static bool take_seed(void *arg, struct view text)
{
    struct factor *f = arg;

    f->e = buf_append(&f->sealed, text);
    return false;
}

/* SP_ERR_NOT_FOUND: none. On SP_OK f->sealed is the caller's to wipe. */
static sp_error load(struct mfa *m, struct sp_id user, struct factor *f)
{
    *f = (struct factor){0};
    buf_init(&f->sealed, SEALED_MAX);
    sp_error e = store_services(m->store)->once->totp_get(m->store, user, &f->row, take_seed, f);
    if (e == SP_OK)
        e = f->e;
    if (e != SP_OK)
        buf_wipe(&f->sealed);
    return e;
}

/* OTP-8: a seed opens in its own user's row only. */
static void write_aad(struct sp_id user, struct buf *out)
{
    const struct view parts[] = {id_view(&user), view_str("totp"), view_str("1")};

    aead_aad(out, parts, sizeof parts / sizeof *parts);
}

static sp_error open_seed(struct mfa *m, struct sp_id user, const struct factor *f,
                          struct buf *seed)
{
    struct buf aad;
    sp_error e;

    buf_init(&aad, SEALED_MAX);
    write_aad(user, &aad);
    if ((e = buf_error(&aad)) == SP_OK)
        e = aead_open(m->seal, buf_view(&aad), buf_view(&f->sealed), seed);
    if (e == SP_OK && seed->len != TOTP_SECRET_BYTES)
        e = SP_ERR_CORRUPT;
    buf_deinit(&aad);
    return e;
}

sp_error mfa_state(struct mfa *m, struct sp_id user, struct mfa_state *out)
{
    struct mfa_state s = {0};
    struct factor f;
    sp_error e = load(m, user, &f);

    if (e == SP_OK) {
        s.enrolled = f.row.confirmed;
        s.enrolled_at = f.row.enrolled;
        s.locked_until = f.row.locked_until;
        s.fails = f.row.fails;
        buf_wipe(&f.sealed);
    } else if (e != SP_ERR_NOT_FOUND) {
        return e;
    }
    if ((e = store_services(m->store)->once->recovery_left(m->store, user, &s.recovery_left)) !=
        SP_OK)
        return e;
    *out = s;
    return SP_OK;
}

/* ---- verification ---- */

/* What one try does to the store, with its audit record, in one transaction. */
struct attempt {
    const struct store_services *services;
    const struct factor *factor;
    struct sp_id user;
    bool right;
    int64_t step;  /* right: the code's */
    bool recovery; /* a recovery code: `hash` */
    struct hash hash;
    sp_unix_ms now;
    struct audit_record record;
    bool won;
};

static sp_error spend(struct store_tx *tx, struct attempt *a)
{
    if (a->recovery)
        return a->services->once->recovery_consume(tx, a->user, a->hash.bytes, &a->won);
    return a->services->once->totp_advance(tx, a->user, a->step, a->now, &a->won);
}

static sp_error attempt(struct store_tx *tx, void *arg)
{
    struct attempt *a = arg;
    struct audit_record r = a->record;
    bool counted;
    sp_error e = SP_OK;

    a->won = false;
    if (a->right && (e = spend(tx, a)) != SP_OK)
        return e;
    if (!a->won) {
        int64_t fails = a->factor->row.fails + 1;
        int64_t lock = lock_ms(fails);
        e = a->services->once->totp_fail(tx, a->user, a->factor->row.fails,
                                         lock == 0 ? 0 : a->now + lock, &counted);
    }
    r.event = a->won ? (a->recovery ? AUDIT_RECOVERY_USE : AUDIT_MFA_OK) : AUDIT_MFA_FAIL;
    r.result = a->won ? AUDIT_OK : AUDIT_DENIED;
    return e != SP_OK ? e : audit_append(tx, a->services, &r);
}

/* A recovery code as people type it: blanks and hyphens anywhere, either case. */
static bool read_recovery(struct view typed, struct hash *out)
{
    char plain[RECOVERY_CHARS];
    size_t n = 0;

    for (size_t i = 0; i < typed.len; i++) {
        uint8_t c = typed.at[i];
        if (c == ' ' || c == '-')
            continue;
        if (n >= sizeof plain)
            return false;
        plain[n++] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    if (n != sizeof plain)
        return false;
    *out = hash_sha256((struct view){(const uint8_t *)plain, n});
    secret_wipe(plain, sizeof plain);
    return true;
}

static sp_error check_code(struct mfa *m, struct attempt *a, struct view typed,
                           struct totp_result *result)
{
    struct buf seed;
    sp_error e;

    buf_init(&seed, SEALED_MAX);
    if ((e = open_seed(m, a->user, a->factor, &seed)) == SP_OK)
        *result = totp_check(buf_view(&seed), typed, a->now, a->factor->row.last_step);
    buf_wipe(&seed);
    return e;
}

static int64_t tries_left(int64_t fails)
{
    return fails >= MFA_FREE_TRIES ? 0 : MFA_FREE_TRIES - fails;
}

/* What the page may say of a try that did not win. */
static void explain(const struct attempt *a, bool locked, const struct totp_result *result,
                    struct mfa_answer *out)
{
    int64_t fails = a->factor->row.fails + (locked ? 0 : 1);
    int64_t lock = lock_ms(fails);

    out->verdict = result->verdict;
    out->minutes_behind = result->minutes_behind;
    if (locked || a->recovery)
        out->verdict = TOTP_WRONG;
    else if (result->verdict == TOTP_RIGHT)
        out->verdict = TOTP_USED; /* another post of the same code was faster */
    out->locked_until = locked ? a->factor->row.locked_until : lock == 0 ? 0 : a->now + lock;
    out->tries_left = tries_left(fails);
}

static sp_error verify(struct mfa *m, struct attempt *a, struct view typed, struct mfa_answer *out)
{
    bool locked = a->factor->row.locked_until > a->now;
    struct totp_result result = {0};
    sp_error e;

    a->recovery = read_recovery(typed, &a->hash);
    if (!a->recovery && (e = check_code(m, a, typed, &result)) != SP_OK)
        return e;
    a->right = !locked && (a->recovery || result.verdict == TOTP_RIGHT);
    a->step = result.step;
    if (!locked && (e = store_commit(m->store, attempt, a)) != SP_OK)
        return e;
    *out = (struct mfa_answer){0};
    if (!a->won) {
        explain(a, locked, &result, out);
        return SP_ERR_DENIED;
    }
    out->verdict = TOTP_RIGHT;
    out->tries_left = MFA_FREE_TRIES;
    out->at = a->now;
    out->recovery = a->recovery;
    return SP_OK;
}

sp_error mfa_verify(struct mfa *m, struct sp_id user, struct view typed,
                    const struct audit_record *by, struct mfa_answer *out)
{
    struct attempt a = {
        .services = store_services(m->store), .user = user, .now = clock_unix(), .record = *by};
    struct factor f;
    sp_error e = load(m, user, &f);

    if (e != SP_OK)
        return e;
    a.factor = &f;
    a.record.user = user;
    e = f.row.confirmed ? verify(m, &a, typed, out) : SP_ERR_NOT_FOUND;
    buf_wipe(&f.sealed);
    return e;
}

/* ---- enrolment ---- */

void mfa_enrolment_new(struct sp_id user, struct mfa_enrolment *out)
{
    *out = (struct mfa_enrolment){.user = user, .until = clock_unix() + MFA_ENROL_MS};
    random_bytes(out->secret, sizeof out->secret);
}

void mfa_enrolment_wipe(struct mfa_enrolment *e)
{
    secret_wipe(e, sizeof *e);
}

/* Plaintext of a sealed enrolment: secret, user, end. */
enum { ENROLMENT_BYTES = TOTP_SECRET_BYTES + SP_ID_BYTES + 8 };

sp_error mfa_enrolment_seal(struct mfa *m, const struct mfa_enrolment *e, struct buf *out)
{
    struct buf plain, sealed;
    sp_error err;

    buf_init(&plain, ENROLMENT_BYTES);
    buf_init(&sealed, SEALED_MAX);
    buf_add(&plain, (struct view){e->secret, sizeof e->secret});
    buf_add(&plain, id_view(&e->user));
    buf_add_uint(&plain, (uint64_t)e->until, 8);
    if ((err = buf_error(&plain)) == SP_OK &&
        (err = aead_seal(m->form, view_str("enrolment"), buf_view(&plain), &sealed)) == SP_OK) {
        encode_base64url(buf_view(&sealed), out);
        err = buf_error(out);
    }
    buf_wipe(&plain);
    buf_deinit(&sealed);
    return err;
}

static sp_error read_enrolment(struct view plain, struct mfa_enrolment *out)
{
    struct cursor c = cur_over(plain, SP_ERR_MALFORMED);
    struct view secret = cur_take(&c, TOTP_SECRET_BYTES), user = cur_take(&c, SP_ID_BYTES);
    struct mfa_enrolment e = {.until = (sp_unix_ms)cur_uint(&c, 8)};

    if (c.err != SP_OK || c.rest.len != 0)
        return SP_ERR_MALFORMED;
    if (clock_unix() >= e.until)
        return SP_ERR_EXPIRED;
    memcpy(e.secret, secret.at, sizeof e.secret);
    memcpy(e.user.bytes, user.at, sizeof e.user.bytes);
    *out = e;
    secret_wipe(&e, sizeof e);
    return SP_OK;
}

sp_error mfa_enrolment_open(struct mfa *m, struct view text, struct mfa_enrolment *out)
{
    struct buf sealed, plain;
    sp_error e;

    buf_init(&sealed, SEALED_MAX);
    buf_init(&plain, ENROLMENT_BYTES);
    if ((e = decode_base64url(text, &sealed)) == SP_OK &&
        (e = aead_open(m->form, view_str("enrolment"), buf_view(&sealed), &plain)) == SP_OK)
        e = read_enrolment(buf_view(&plain), out);
    buf_deinit(&sealed);
    buf_wipe(&plain);
    return e;
}

/* Recovery codes as they are stored. */
struct recovery_hashes {
    uint8_t at[MFA_RECOVERY_CODES][ROW_HASH_BYTES];
};

/* 120 random bits as 24 base32 characters in six groups of four. */
static sp_error make_recovery(char text[MFA_RECOVERY_TEXT + 1], uint8_t hash[ROW_HASH_BYTES])
{
    uint8_t bytes[15];
    struct buf plain;
    sp_error e;

    random_bytes(bytes, sizeof bytes);
    buf_init(&plain, RECOVERY_CHARS);
    encode_base32((struct view){bytes, sizeof bytes}, &plain);
    if ((e = buf_error(&plain)) == SP_OK) {
        struct hash h = hash_sha256(buf_view(&plain));
        const char *p = (const char *)plain.at;
        memcpy(hash, h.bytes, ROW_HASH_BYTES);
        snprintf(text, MFA_RECOVERY_TEXT + 1, "%.4s-%.4s-%.4s-%.4s-%.4s-%.4s", p, p + 4, p + 8,
                 p + 12, p + 16, p + 20);
    }
    secret_wipe(bytes, sizeof bytes);
    buf_wipe(&plain);
    return e;
}

static sp_error make_recoveries(struct mfa_recovery *codes, struct recovery_hashes *hashes)
{
    sp_error e = SP_OK;

    for (size_t c = 0; e == SP_OK && c < MFA_RECOVERY_CODES; c++)
        e = make_recovery(codes->codes[c], hashes->at[c]);
    return e;
}

/* A confirmed factor with its codes and its record, in one transaction. */
struct confirm {
    const struct store_services *services;
    struct totp_row row;
    int64_t step;
    struct recovery_hashes hashes;
    struct audit_record record;
};

static sp_error confirm(struct store_tx *tx, void *arg)
{
    struct confirm *c = arg;
    bool won;
    sp_error e;

    if ((e = c->services->once->totp_put(tx, &c->row)) != SP_OK ||
        (e = c->services->once->totp_advance(tx, c->row.user, c->step, tx_now(tx), &won)) != SP_OK)
        return e;
    if (!won)
        return SP_ERR_INTERNAL; /* the row is new: nothing can stand in the way of its first step */
    if ((e = c->services->once->recovery_put(tx, c->row.user,
                                             (const uint8_t(*)[ROW_HASH_BYTES])c->hashes.at,
                                             MFA_RECOVERY_CODES)) != SP_OK)
        return e;
    return audit_append(tx, c->services, &c->record);
}

static sp_error store_factor(struct mfa *m, const struct mfa_enrolment *en, struct confirm *c)
{
    struct buf aad, sealed;
    sp_error e;

    buf_init(&aad, SEALED_MAX);
    buf_init(&sealed, SEALED_MAX);
    write_aad(en->user, &aad);
    if ((e = buf_error(&aad)) == SP_OK &&
        (e = aead_seal(m->seal, buf_view(&aad), (struct view){en->secret, sizeof en->secret},
                       &sealed)) == SP_OK) {
        c->row = (struct totp_row){
            .user = en->user, .seed = buf_view(&sealed), .last_step = -1, .enrolled = clock_unix()};
        e = store_commit(m->store, confirm, c);
    }
    buf_deinit(&aad);
    buf_deinit(&sealed);
    return e;
}

sp_error mfa_enrol(struct mfa *m, const struct mfa_enrolment *en, struct view typed, bool replace,
                   const struct audit_record *by, struct mfa_answer *out,
                   struct mfa_recovery *codes)
{
    struct confirm c = {.services = store_services(m->store), .record = *by};
    struct mfa_state now;
    sp_error e;

    if ((e = mfa_state(m, en->user, &now)) != SP_OK)
        return e;
    if (now.enrolled && !replace)
        return SP_ERR_EXISTS;
    if (clock_unix() >= en->until)
        return SP_ERR_EXPIRED;
    struct view secret = {en->secret, sizeof en->secret};
    struct totp_result result = totp_check(secret, typed, clock_unix(), -1);
    *out = (struct mfa_answer){.verdict = result.verdict,
                               .minutes_behind = result.minutes_behind,
                               .tries_left = MFA_FREE_TRIES,
                               .at = clock_unix()};
    if (result.verdict != TOTP_RIGHT)
        return SP_ERR_DENIED;
    c.step = result.step;
    c.record.event = AUDIT_MFA_ENROL;
    c.record.user = en->user;
    if ((e = make_recoveries(codes, &c.hashes)) == SP_OK)
        e = store_factor(m, en, &c);
    if (e != SP_OK)
        secret_wipe(codes, sizeof *codes);
    return e;
}

/* ---- recovery and reset ---- */

struct recovery {
    const struct store_services *services;
    struct sp_id user;
    struct recovery_hashes hashes;
    struct audit_record record;
};

static sp_error put_recovery(struct store_tx *tx, void *arg)
{
    struct recovery *r = arg;
    sp_error e = r->services->once->recovery_put(
        tx, r->user, (const uint8_t(*)[ROW_HASH_BYTES])r->hashes.at, MFA_RECOVERY_CODES);

    return e != SP_OK ? e : audit_append(tx, r->services, &r->record);
}

sp_error mfa_recovery_new(struct mfa *m, struct sp_id user, const struct audit_record *by,
                          struct mfa_recovery *codes)
{
    struct recovery r = {.services = store_services(m->store), .user = user, .record = *by};
    struct mfa_state now;
    sp_error e;

    if ((e = mfa_state(m, user, &now)) != SP_OK)
        return e;
    if (!now.enrolled)
        return SP_ERR_NOT_FOUND;
    r.record.event = AUDIT_MFA_ENROL;
    r.record.user = user;
    if ((e = make_recoveries(codes, &r.hashes)) == SP_OK)
        e = store_commit(m->store, put_recovery, &r);
    if (e != SP_OK)
        secret_wipe(codes, sizeof *codes);
    return e;
}

struct reset {
    const struct store_services *services;
    struct sp_id user;
    struct audit_record record;
};

static sp_error reset(struct store_tx *tx, void *arg)
{
    struct reset *r = arg;
    sp_error e;

    if ((e = r->services->once->totp_remove(tx, r->user)) != SP_OK ||
        (e = r->services->once->recovery_put(tx, r->user, NULL, 0)) != SP_OK)
        return e;
    return audit_append(tx, r->services, &r->record);
}

sp_error mfa_reset(struct mfa *m, struct sp_id user, const struct audit_record *by)
{
    struct reset r = {.services = store_services(m->store), .user = user, .record = *by};

    r.record.event = AUDIT_MFA_RESET;
    r.record.user = user;
    return store_commit(m->store, reset, &r);
}
