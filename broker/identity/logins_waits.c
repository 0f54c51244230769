#include "broker/identity/logins_internal.h"
#include "lib/base/map.h"
#include "lib/base/throttle.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * In memory, like the codes: a broker that ends in between costs the person one more login.
 */
enum wait_state { WAIT_OPEN = 0, WAIT_APPROVED, WAIT_REFUSED, WAIT_TAKEN };

struct wait {
    struct login login; /* as it was started, then as it was approved; wiped when taken */
    struct hash secret; /* of what the device polls with */
    struct sp_id device;
    enum wait_state state;
    unsigned opened;
    int64_t interval_ms;
    sp_boot_ms polled;
    sp_unix_ms until;
};

struct waits {
    pthread_mutex_t lock;
    struct map entries;       /* owned struct wait, by the login's id */
    struct throttle throttle; /* wrong codes, by address */
    uint8_t seed[32];
};

/* RFC 8628, section 6.1: no vowels, so no words; nothing to mistake. 20^8 codes. */
static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";

static const char poll_prefix[] = "d_";
enum { PREFIX = sizeof poll_prefix - 1 };

sp_error waits_new(struct waits **out)
{
    struct waits *w = calloc(1, sizeof *w);

    if (w == NULL)
        return SP_ERR_NOMEM;
    pthread_mutex_init(&w->lock, NULL);
    random_bytes(w->seed, sizeof w->seed);
    *out = w;
    return SP_OK;
}

static void wait_free(struct wait *wait)
{
    secret_wipe(wait, sizeof *wait);
    free(wait);
}

void waits_free(struct waits *w)
{
    struct wait *wait;
    size_t at = 0;

    if (w == NULL)
        return;
    while ((wait = map_next(&w->entries, &at, NULL)) != NULL)
        wait_free(wait);
    map_deinit(&w->entries);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* With the lock held, as all that follows but for the functions of the header. */
static void forget_old(struct waits *w, sp_unix_ms now)
{
    struct wait *wait;
    struct sp_id id;
    size_t at = 0;

    while ((wait = map_next(&w->entries, &at, &id)) != NULL)
        if (now > wait->until) {
            map_remove(&w->entries, id);
            wait_free(wait);
        }
}

static struct wait *find_match(const struct waits *w, struct view match)
{
    struct wait *wait;
    size_t at = 0;

    while ((wait = map_next(&w->entries, &at, NULL)) != NULL)
        if (wait->state == WAIT_OPEN && secret_equal(match, view_str(wait->login.match)))
            return wait;
    return NULL;
}

static void new_match(const struct waits *w, char out[LOGINS_MATCH_TEXT + 1])
{
    do {
        for (size_t i = 0; i < LOGINS_MATCH_TEXT; i++)
            out[i] = i == 4 ? '-' : letters[random_below(sizeof letters - 1)];
        out[LOGINS_MATCH_TEXT] = '\0';
    } while (find_match(w, view_str(out)) != NULL);
}

/* "d_", the login's id, 32 random letters of 4.3 bits. */
static void new_poll(struct sp_id id, char out[LOGINS_POLL_TEXT + 1])
{
    int n = snprintf(out, LOGINS_POLL_TEXT + 1, "%s%s", poll_prefix, id_text(id).s);

    for (size_t i = (size_t)n; i < LOGINS_POLL_TEXT; i++)
        out[i] = letters[random_below(sizeof letters - 1)];
    out[LOGINS_POLL_TEXT] = '\0';
}

bool waits_poll_text(struct view text)
{
    return text.len == LOGINS_POLL_TEXT && memcmp(text.at, poll_prefix, PREFIX) == 0;
}

sp_error waits_put(struct waits *w, struct login *login, char poll[LOGINS_POLL_TEXT + 1])
{
    struct wait *wait = calloc(1, sizeof *wait);
    sp_error e = SP_ERR_BUSY;

    if (wait == NULL)
        return SP_ERR_NOMEM;
    new_poll(login->id, poll);
    wait->secret = hash_sha256(view_str(poll));
    wait->interval_ms = LOGINS_POLL_MS;
    wait->polled = clock_boot();
    wait->until = login->started + LOGINS_LIFE_MS;
    pthread_mutex_lock(&w->lock);
    if (map_len(&w->entries) >= LOGINS_CODES_MAX)
        forget_old(w, login->started);
    if (map_len(&w->entries) < LOGINS_CODES_MAX) {
        new_match(w, login->match);
        wait->login = *login;
        e = map_put(&w->entries, login->id, wait);
    }
    pthread_mutex_unlock(&w->lock);
    if (e != SP_OK)
        wait_free(wait);
    return e;
}

/* As it is written in the terminal: capitals, one dash. False: it can be none. */
static bool tidy(struct view typed, char out[LOGINS_MATCH_TEXT + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < typed.len; i++) {
        uint8_t c = typed.at[i];
        if (c == '-' || c == ' ')
            continue;
        if (n == LOGINS_MATCH_TEXT)
            return false;
        if (n == 4)
            out[n++] = '-';
        out[n++] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    out[n] = '\0';
    return n == LOGINS_MATCH_TEXT;
}

static uint64_t slot_name(const struct waits *w, const char *address)
{
    struct hash h = hash_keyed((struct view){w->seed, sizeof w->seed}, view_str(address));
    uint64_t n;

    memcpy(&n, h.bytes, sizeof n);
    return n | 1; /* zero is an empty slot */
}

sp_error waits_open(struct waits *w, struct view typed, const char *address, sp_unix_ms now,
                    struct login *out)
{
    uint64_t slot = slot_name(w, address);
    char match[LOGINS_MATCH_TEXT + 1];
    sp_error e = SP_ERR_NOT_FOUND;
    struct wait *wait = NULL;

    pthread_mutex_lock(&w->lock);
    forget_old(w, now);
    if (throttle_locked(&w->throttle, slot, clock_boot())) {
        e = SP_ERR_LIMIT;
    } else if (tidy(typed, match) && (wait = find_match(w, view_str(match))) != NULL &&
               wait->opened < LOGINS_OPEN_TRIES) {
        wait->opened++;
        *out = wait->login;
        e = SP_OK;
    } else {
        throttle_failed(&w->throttle, slot, clock_boot());
    }
    pthread_mutex_unlock(&w->lock);
    return e;
}

sp_error waits_decide(struct waits *w, const struct login *login, bool approved)
{
    sp_error e = SP_ERR_EXPIRED;
    struct wait *wait;

    pthread_mutex_lock(&w->lock);
    if ((wait = map_get(&w->entries, login->id)) != NULL && wait->state == WAIT_OPEN) {
        wait->login = *login;
        wait->state = approved ? WAIT_APPROVED : WAIT_REFUSED;
        e = SP_OK;
    }
    pthread_mutex_unlock(&w->lock);
    return e;
}

/* Whoever polls has the secret and is the device that began. */
static struct wait *find_poll(const struct waits *w, struct view poll, const struct key_public *key)
{
    struct hash h = hash_sha256(poll);
    struct wait *wait;
    struct sp_id id;

    if (!waits_poll_text(poll) || id_parse(view_slice(poll, PREFIX, SP_ID_TEXT), &id) != SP_OK ||
        (wait = map_get(&w->entries, id)) == NULL ||
        !secret_equal(hash_view(&h), hash_view(&wait->secret)) || !key_equal(&wait->login.key, key))
        return NULL;
    return wait;
}

const char *waits_poll(struct waits *w, struct view poll, const struct key_public *key,
                       sp_unix_ms now, int64_t *interval_ms)
{
    static const char *const words[] = {[WAIT_OPEN] = "waiting",
                                        [WAIT_APPROVED] = "approved",
                                        [WAIT_REFUSED] = "refused",
                                        [WAIT_TAKEN] = "expired"};
    const char *word = "expired";
    struct wait *wait;

    *interval_ms = LOGINS_POLL_MS;
    pthread_mutex_lock(&w->lock);
    forget_old(w, now);
    if ((wait = find_poll(w, poll, key)) != NULL) {
        sp_boot_ms at = clock_boot();
        /* RFC 8628, section 3.5: slow_down adds five seconds, and they stay. */
        if (at - wait->polled < wait->interval_ms - LOGINS_POLL_SLACK_MS &&
            wait->interval_ms < LOGINS_POLL_MAX_MS)
            wait->interval_ms += LOGINS_POLL_MS;
        wait->polled = at;
        *interval_ms = wait->interval_ms;
        word = words[wait->state];
    }
    pthread_mutex_unlock(&w->lock);
    return word;
}

sp_error waits_take(struct waits *w, struct view poll, const struct key_public *key, sp_unix_ms now,
                    struct login *out, struct sp_id *reused)
{
    sp_error e = SP_ERR_DENIED;
    struct wait *wait;

    *reused = (struct sp_id){0};
    pthread_mutex_lock(&w->lock);
    forget_old(w, now);
    if ((wait = find_poll(w, poll, key)) != NULL && wait->state == WAIT_TAKEN) {
        *reused = wait->device;
    } else if (wait != NULL && wait->state == WAIT_APPROVED) {
        struct key_public mine = wait->login.key;
        *out = wait->login;
        secret_wipe(&wait->login, sizeof wait->login);
        wait->login.key = mine; /* who may ask again */
        wait->state = WAIT_TAKEN;
        e = SP_OK;
    }
    pthread_mutex_unlock(&w->lock);
    return e;
}

void waits_used(struct waits *w, struct sp_id login, struct sp_id device)
{
    struct wait *wait;

    pthread_mutex_lock(&w->lock);
    if ((wait = map_get(&w->entries, login)) != NULL)
        wait->device = device;
    pthread_mutex_unlock(&w->lock);
}
