#include "broker/identity/mfa.h"

#include "lib/base/encode.h"
#include "lib/base/failpoint.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MFA_STRIPES = 64,
    MFA_SEALED_MAX = TOTP_SECRET_BYTES + AEAD_OVERHEAD,
    MFA_RACES_MAX = 8,
    RECOVERY_BYTES = 15, /* 120 bits: 24 characters of base32 */
    RECOVERY_CHARS = 24
};
#define MFA_FOR_EVER_MS (INT64_C(100) * 365 * 24 * 3600 * 1000)

struct mfa {
    struct store *store; /* borrowed */
    const struct store_services *services;
    struct aead_key *key;                 /* owned */
    pthread_mutex_t stripes[MFA_STRIPES]; /* tries of one user stand in one row */
};

sp_error mfa_new(struct store *store, const struct secret *master, struct mfa **out)
{
    struct mfa *m = calloc(1, sizeof *m);
    sp_error e;

    if (m == NULL)
        return SP_ERR_NOMEM;
    m->store = store;
    m->services = store_services(store);
    for (size_t i = 0; i < MFA_STRIPES; i++)
        pthread_mutex_init(&m->stripes[i], NULL);
    if ((e = aead_key_derive(master, "totp", &m->key)) != SP_OK) {
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
    for (size_t i = 0; i < MFA_STRIPES; i++)
        pthread_mutex_destroy(&m->stripes[i]);
    aead_key_free(m->key);
    free(m);
}

static pthread_mutex_t *stripe(struct mfa *m, struct sp_id user)
{
    return &m->stripes[user.bytes[0] % MFA_STRIPES];
}

/* ---- what the store holds ----------------------------------------------------------------- */

static void seed_aad(struct sp_id user, struct buf *out)
{
    const struct view parts[] = {id_view(&user), view_str("totp")};

    buf_init(out, 128);
    aead_aad(out, parts, 2);
}

struct sealed_copy {
    struct buf bytes;
};

static bool copy_sealed(void *arg, struct view text)
{
    struct sealed_copy *c = arg;

    buf_reset(&c->bytes);
    buf_add(&c->bytes, text);
    return true;
}

/* The user's row and opened seed; the caller wipes `seed`. SP_ERR_NOT_FOUND: none confirmed. */
static sp_error load(struct mfa *m, struct sp_id user, struct totp_row *row, struct buf *seed)
{
    struct sealed_copy sealed;
    struct buf aad;
    sp_error e;

    buf_init(&sealed.bytes, 1024);
    seed_aad(user, &aad);
    e = m->services->once->totp_get(m->store, user, row, copy_sealed, &sealed);
    if (e == SP_OK && !row->confirmed)
        e = SP_ERR_NOT_FOUND;
    if (e == SP_OK && (e = buf_error(&sealed.bytes)) == SP_OK && (e = buf_error(&aad)) == SP_OK)
        e = aead_open(m->key, buf_view(&aad), buf_view(&sealed.bytes), seed);
    buf_deinit(&sealed.bytes);
    buf_deinit(&aad);
    return e;
}

static sp_error state_of(struct mfa *m, struct sp_id user, struct totp_row *row)
{
    struct sealed_copy unused;
    sp_error e;

    buf_init(&unused.bytes, 1024);
    e = m->services->once->totp_get(m->store, user, row, copy_sealed, &unused);
    buf_deinit(&unused.bytes);
    return e;
}

sp_error mfa_state(struct mfa *m, struct sp_id user, struct mfa_state *out)
{
    struct mfa_state s = {0};
    struct totp_row row = {0};
    sp_error e = state_of(m, user, &row);

    if (e != SP_OK && e != SP_ERR_NOT_FOUND)
        return e;
    if (e == SP_OK && row.confirmed) {
        s.enrolled = true;
        s.enrolled_at = row.enrolled;
        s.fails = row.fails;
        s.locked_until = row.locked_until > clock_unix() ? row.locked_until : 0;
        if ((e = m->services->once->recovery_left(m->store, user, &s.recovery_left)) != SP_OK)
            return e;
    }
    *out = s;
    return SP_OK;
}

/* ---- transactions ------------------------------------------------------------------------- */

/* One change of the user's factor together with its audit record. */
struct change {
    struct mfa *m;
    struct sp_id user;
    const struct audit_record *by;
    enum audit_event event;
    enum audit_result result;
    const char *text;
    int64_t step, fails;
    sp_unix_ms now, locked_until;
    struct hash recovery;
    const struct totp_row *row; /* totp_put */
    const uint8_t (*hashes)[ROW_HASH_BYTES];
    bool won;
};

enum { SENTENCE_BYTES = 768 };

/* What happened, and the reason that somebody gave for it. */
static const char *sentence(const struct change *c, char out[SENTENCE_BYTES])
{
    if (c->by->text == NULL || c->by->text[0] == '\0')
        return c->text;
    snprintf(out, SENTENCE_BYTES, "%s: %s", c->text, c->by->text);
    return out;
}

static sp_error audit(struct store_tx *tx, const struct change *c)
{
    struct audit_record r = *c->by;
    char text[SENTENCE_BYTES];

    r.event = c->event;
    r.result = c->result;
    r.user = c->user;
    r.text = sentence(c, text);
    return audit_append(tx, c->m->services, &r);
}

static sp_error advance_work(struct store_tx *tx, void *arg)
{
    struct change *c = arg;
    sp_error e = c->m->services->once->totp_advance(tx, c->user, c->step, c->now, &c->won);

    return e == SP_OK && c->won ? audit(tx, c) : e;
}

static sp_error fail_work(struct store_tx *tx, void *arg)
{
    struct change *c = arg;
    sp_error e = c->m->services->once->totp_fail(tx, c->user, c->fails, c->locked_until, &c->won);

    return e == SP_OK && c->won ? audit(tx, c) : e;
}

static sp_error recovery_work(struct store_tx *tx, void *arg)
{
    struct change *c = arg;
    sp_error e = c->m->services->once->recovery_consume(tx, c->user, c->recovery.bytes, &c->won);

    return e == SP_OK && c->won ? audit(tx, c) : e;
}

static sp_error enrol_work(struct store_tx *tx, void *arg)
{
    struct change *c = arg;
    const struct store_once *once = c->m->services->once;
    sp_error e;

    if ((e = once->totp_put(tx, c->row)) != SP_OK ||
        (e = once->totp_advance(tx, c->user, c->step, c->now, &c->won)) != SP_OK ||
        (e = once->recovery_put(tx, c->user, c->hashes, MFA_RECOVERY_CODES)) != SP_OK)
        return e;
    return c->won ? audit(tx, c) : SP_ERR_INTERNAL;
}

static sp_error recovery_put_work(struct store_tx *tx, void *arg)
{
    struct change *c = arg;
    sp_error e = c->m->services->once->recovery_put(tx, c->user, c->hashes, MFA_RECOVERY_CODES);

    return e == SP_OK ? audit(tx, c) : e;
}

static sp_error reset_work(struct store_tx *tx, void *arg)
{
    struct change *c = arg;
    const struct store_once *once = c->m->services->once;
    sp_error e;

    if ((e = once->totp_remove(tx, c->user)) != SP_OK ||
        (e = once->recovery_put(tx, c->user, NULL, 0)) != SP_OK)
        return e;
    return audit(tx, c);
}

static sp_error audit_only(struct mfa *m, const struct change *c)
{
    struct audit_record r = *c->by;

    r.event = c->event;
    r.result = c->result;
    r.user = c->user;
    r.text = c->text;
    return audit_now(m->store, &r);
}

/* ---- trying a code ------------------------------------------------------------------------ */

/* The lock after `fails` failures in a row; 0: none. */
static int64_t lock_ms(int64_t fails)
{
    int64_t ms = MFA_LOCK_MS;

    if (fails < MFA_FREE_TRIES)
        return 0;
    if (fails >= MFA_FAILS_MAX)
        return MFA_FOR_EVER_MS;
    for (int64_t i = MFA_FREE_TRIES; i < fails && ms < MFA_LOCK_MS_MAX; i++)
        ms *= 2;
    return ms < MFA_LOCK_MS_MAX ? ms : MFA_LOCK_MS_MAX;
}

/* Counts one failure; another broker may count at the same time. */
static sp_error count_failure(struct mfa *m, struct change *c, struct mfa_answer *answer)
{
    struct totp_row row = {0};
    sp_error e;

    for (int i = 0; i < MFA_RACES_MAX; i++) {
        if ((e = state_of(m, c->user, &row)) != SP_OK)
            return e;
        int64_t lock = lock_ms(row.fails + 1);
        c->fails = row.fails;
        c->locked_until = lock == 0 ? 0 : c->now + lock;
        if ((e = store_commit(m->store, fail_work, c)) != SP_OK)
            return e;
        if (!c->won)
            continue;
        answer->locked_until = c->locked_until;
        answer->tries_left = row.fails + 1 < MFA_FREE_TRIES ? MFA_FREE_TRIES - row.fails - 1 : 0;
        return SP_ERR_DENIED;
    }
    return SP_ERR_BUSY;
}

/* Six groups of four, dashes and blanks anywhere between; to 24 lower-case characters. */
static bool read_recovery(struct view typed, char out[RECOVERY_CHARS])
{
    size_t n = 0;

    for (size_t i = 0; i < typed.len; i++) {
        uint8_t c = typed.at[i];
        if (c == '-' || c == ' ' || (c >= '\t' && c <= '\r'))
            continue;
        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c - 'A' + 'a');
        if (n == RECOVERY_CHARS || !((c >= 'a' && c <= 'z') || (c >= '2' && c <= '7')))
            return false;
        out[n++] = (char)c;
    }
    return n == RECOVERY_CHARS;
}

static struct hash recovery_hash(const char code[RECOVERY_CHARS])
{
    return hash_sha256((struct view){(const uint8_t *)code, RECOVERY_CHARS});
}

static sp_error try_recovery(struct mfa *m, struct change *c, const char code[RECOVERY_CHARS],
                             struct mfa_answer *answer)
{
    sp_error e;

    c->recovery = recovery_hash(code);
    c->event = AUDIT_RECOVERY_USE;
    c->text = "a recovery code was used in place of the authenticator";
    FAILPOINT("recovery:checked");
    if ((e = store_commit(m->store, recovery_work, c)) != SP_OK)
        return e;
    FAILPOINT("recovery:spent");
    if (c->won) {
        answer->verdict = TOTP_RIGHT;
        answer->recovery = true;
        answer->at = c->now;
        return SP_OK;
    }
    c->event = AUDIT_MFA_FAIL;
    c->result = AUDIT_DENIED;
    c->text = "wrong recovery code";
    return count_failure(m, c, answer);
}

static const char *failure_text(enum totp_verdict v)
{
    switch (v) {
    case TOTP_USED:
        return "a code that was used before was entered again";
    case TOTP_BEHIND:
        return "the code of a clock that is behind";
    case TOTP_AHEAD:
        return "the code of a clock that is ahead";
    default:
        return "wrong code";
    }
}

static sp_error try_totp(struct mfa *m, struct change *c, struct view typed,
                         const struct totp_row *row, struct view seed, struct mfa_answer *answer)
{
    bool locked = row->locked_until > c->now;
    struct totp_result r = totp_check(seed, typed, c->now, row->last_step);
    sp_error e;

    c->event = AUDIT_MFA_FAIL;
    c->result = AUDIT_DENIED;
    if (locked) { /* right or wrong: one answer, and nothing is counted (AAL-4) */
        answer->verdict = TOTP_WRONG;
        answer->locked_until = row->locked_until;
        c->text = "a code was entered while the factor is locked";
        e = audit_only(m, c);
        return e == SP_OK ? SP_ERR_DENIED : e;
    }
    if (r.verdict == TOTP_RIGHT) {
        c->step = r.step;
        c->event = AUDIT_MFA_OK;
        c->result = AUDIT_OK;
        FAILPOINT("totp:checked");
        if ((e = store_commit(m->store, advance_work, c)) != SP_OK)
            return e;
        FAILPOINT("totp:spent");
        if (c->won) {
            answer->verdict = TOTP_RIGHT;
            answer->at = c->now;
            return SP_OK;
        }
        r.verdict = TOTP_USED; /* another broker was first (OTP-4) */
        c->event = AUDIT_MFA_FAIL;
        c->result = AUDIT_DENIED;
    }
    answer->verdict = r.verdict;
    answer->minutes_behind = r.minutes_behind;
    c->text = failure_text(r.verdict);
    return count_failure(m, c, answer);
}

sp_error mfa_verify(struct mfa *m, struct sp_id user, struct view typed,
                    const struct audit_record *by, struct mfa_answer *out)
{
    struct change c = {.m = m, .user = user, .by = by, .now = clock_unix()};
    struct mfa_answer answer = {.verdict = TOTP_WRONG};
    char recovery[RECOVERY_CHARS];
    struct totp_row row = {0};
    struct buf seed;
    sp_error e;

    buf_init(&seed, 128);
    pthread_mutex_lock(stripe(m, user));
    if ((e = load(m, user, &row, &seed)) == SP_OK) {
        if (read_recovery(typed, recovery))
            e = try_recovery(m, &c, recovery, &answer);
        else
            e = try_totp(m, &c, typed, &row, buf_view(&seed), &answer);
    }
    pthread_mutex_unlock(stripe(m, user));
    secret_wipe(recovery, sizeof recovery);
    buf_wipe(&seed);
    if (e == SP_OK || e == SP_ERR_DENIED)
        *out = answer;
    return e;
}

/* ---- setting up --------------------------------------------------------------------------- */

void mfa_enrolment_new(struct sp_id user, struct mfa_enrolment *out)
{
    random_bytes(out->secret, sizeof out->secret);
    out->user = user;
    out->until = clock_unix() + MFA_ENROL_MS;
}

void mfa_enrolment_wipe(struct mfa_enrolment *e)
{
    secret_wipe(e, sizeof *e);
}

enum { ENROLMENT_BYTES = SP_ID_BYTES + 8 + TOTP_SECRET_BYTES };

sp_error mfa_enrolment_seal(struct mfa *m, const struct mfa_enrolment *e, struct buf *out)
{
    struct buf plain, sealed;
    sp_error error;

    buf_init(&plain, ENROLMENT_BYTES);
    buf_init(&sealed, ENROLMENT_BYTES + AEAD_OVERHEAD);
    buf_add(&plain, id_view(&e->user));
    buf_add_uint(&plain, (uint64_t)e->until, 8);
    buf_add(&plain, (struct view){e->secret, sizeof e->secret});
    if ((error = buf_error(&plain)) == SP_OK &&
        (error = aead_seal(m->key, view_str("enrolment"), buf_view(&plain), &sealed)) == SP_OK) {
        encode_base64url(buf_view(&sealed), out);
        error = buf_error(out);
    }
    buf_wipe(&plain);
    buf_deinit(&sealed);
    return error;
}

sp_error mfa_enrolment_open(struct mfa *m, struct view text, struct mfa_enrolment *out)
{
    struct mfa_enrolment e = {{0}, {{0}}, 0};
    struct buf plain, sealed;
    struct cursor c;
    sp_error error;

    buf_init(&plain, ENROLMENT_BYTES);
    buf_init(&sealed, ENROLMENT_BYTES + AEAD_OVERHEAD);
    error = decode_base64url(text, &sealed);
    if (error == SP_ERR_LIMIT)
        error = SP_ERR_MALFORMED;
    if (error == SP_OK &&
        (error = aead_open(m->key, view_str("enrolment"), buf_view(&sealed), &plain)) == SP_OK) {
        c = cur_over(buf_view(&plain), SP_ERR_MALFORMED);
        sp_ignore(id_from_bytes(cur_take(&c, SP_ID_BYTES), &e.user)); /* c.err says the same */
        e.until = (sp_unix_ms)cur_uint(&c, 8);
        struct view secret = cur_take(&c, sizeof e.secret);
        error = c.err;
        if (error == SP_OK)
            memcpy(e.secret, secret.at, sizeof e.secret);
        if (error == SP_OK && clock_unix() > e.until)
            error = SP_ERR_EXPIRED;
    }
    if (error == SP_OK)
        *out = e;
    secret_wipe(&e, sizeof e);
    buf_wipe(&plain);
    buf_deinit(&sealed);
    return error;
}

static sp_error make_recovery(struct mfa_recovery *codes,
                              uint8_t hashes[MFA_RECOVERY_CODES][ROW_HASH_BYTES])
{
    struct buf text;
    sp_error e = SP_OK;

    buf_init(&text, RECOVERY_CHARS);
    for (size_t i = 0; e == SP_OK && i < MFA_RECOVERY_CODES; i++) {
        uint8_t bytes[RECOVERY_BYTES];
        char *out = codes->codes[i], plain[RECOVERY_CHARS];
        size_t at = 0;

        random_bytes(bytes, sizeof bytes);
        buf_reset(&text);
        encode_base32((struct view){bytes, sizeof bytes}, &text);
        secret_wipe(bytes, sizeof bytes);
        if ((e = buf_error(&text)) != SP_OK || !read_recovery(buf_view(&text), plain)) {
            e = e == SP_OK ? SP_ERR_INTERNAL : e;
            break;
        }
        struct hash h = recovery_hash(plain);
        memcpy(hashes[i], h.bytes, ROW_HASH_BYTES);
        for (size_t c = 0; c < RECOVERY_CHARS; c++) {
            if (c > 0 && c % 4 == 0)
                out[at++] = '-';
            out[at++] = plain[c];
        }
        out[at] = '\0';
        secret_wipe(plain, sizeof plain);
    }
    buf_wipe(&text);
    return e;
}

/* Under the user's stripe: the code was right, so the factor and its codes become durable. */
static sp_error store_factor(struct mfa *m, const struct mfa_enrolment *e, struct change *c,
                             struct mfa_recovery *codes)
{
    struct totp_row row = {.user = e->user, .last_step = -1, .enrolled = c->now};
    uint8_t hashes[MFA_RECOVERY_CODES][ROW_HASH_BYTES];
    struct buf aad, sealed;
    sp_error error;

    seed_aad(e->user, &aad);
    buf_init(&sealed, MFA_SEALED_MAX);
    if ((error = buf_error(&aad)) == SP_OK &&
        (error = aead_seal(m->key, buf_view(&aad), (struct view){e->secret, sizeof e->secret},
                           &sealed)) == SP_OK &&
        (error = make_recovery(codes, hashes)) == SP_OK) {
        row.seed = buf_view(&sealed);
        c->row = &row;
        c->hashes = (const uint8_t(*)[ROW_HASH_BYTES])hashes;
        c->event = AUDIT_MFA_ENROL;
        c->text = "an authenticator was set up";
        error = store_commit(m->store, enrol_work, c);
    }
    buf_deinit(&sealed);
    buf_deinit(&aad);
    return error;
}

sp_error mfa_enrol(struct mfa *m, const struct mfa_confirmation *confirmation,
                   const struct audit_record *by, struct mfa_answer *out,
                   struct mfa_recovery *codes)
{
    const struct mfa_enrolment *e = confirmation->enrolment;
    struct change c = {.m = m, .user = e->user, .by = by, .now = clock_unix()};
    struct totp_result r =
        totp_check((struct view){e->secret, sizeof e->secret}, confirmation->typed, c.now, -1);
    struct totp_row row = {0};
    sp_error error;

    if (c.now > e->until)
        return SP_ERR_EXPIRED;
    *out = (struct mfa_answer){.verdict = r.verdict, .minutes_behind = r.minutes_behind};
    if (r.verdict != TOTP_RIGHT)
        return SP_ERR_DENIED; /* guessing a code of one's own secret gains nothing: not counted */
    c.step = r.step;
    pthread_mutex_lock(stripe(m, e->user));
    error = state_of(m, e->user, &row);
    if (error == SP_OK && row.confirmed && !confirmation->replace)
        error = SP_ERR_EXISTS;
    if (error == SP_OK || error == SP_ERR_NOT_FOUND)
        error = store_factor(m, e, &c, codes);
    pthread_mutex_unlock(stripe(m, e->user));
    if (error == SP_OK)
        out->at = c.now;
    return error;
}

sp_error mfa_recovery_new(struct mfa *m, struct sp_id user, const struct audit_record *by,
                          struct mfa_recovery *codes)
{
    struct change c = {.m = m,
                       .user = user,
                       .by = by,
                       .event = AUDIT_MFA_ENROL,
                       .text = "new recovery codes were made; the old ones are void"};
    uint8_t hashes[MFA_RECOVERY_CODES][ROW_HASH_BYTES];
    struct totp_row row = {0};
    sp_error e = state_of(m, user, &row);

    if (e != SP_OK || !row.confirmed)
        return e == SP_OK ? SP_ERR_NOT_FOUND : e;
    if ((e = make_recovery(codes, hashes)) != SP_OK)
        return e;
    c.hashes = (const uint8_t(*)[ROW_HASH_BYTES])hashes;
    return store_commit(m->store, recovery_put_work, &c);
}

sp_error mfa_reset(struct mfa *m, struct sp_id user, const struct audit_record *by)
{
    struct change c = {.m = m,
                       .user = user,
                       .by = by,
                       .event = AUDIT_MFA_RESET,
                       .text = "the authenticator was taken away; the next login sets one up"};

    return store_commit(m->store, reset_work, &c);
}
