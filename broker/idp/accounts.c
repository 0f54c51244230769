#include "broker/idp/accounts.h"
#include "lib/base/encode.h"
#include "lib/base/throttle.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/password.h"
#include "lib/crypto/random.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

enum { HASHES_AT_A_TIME = 2, NAME_MAX_BYTES = 64 };

struct accounts {
    struct store *store; /* borrowed */
    sem_t hashing;
    uint8_t seed[32];
    pthread_mutex_t lock; /* guards throttle */
    struct throttle throttle;
};

sp_error accounts_new(struct store *store, struct accounts **out)
{
    struct accounts *a = calloc(1, sizeof *a);

    if (a == NULL)
        return SP_ERR_NOMEM;
    a->store = store;
    random_bytes(a->seed, sizeof a->seed);
    sem_init(&a->hashing, 0, HASHES_AT_A_TIME);
    pthread_mutex_init(&a->lock, NULL);
    *out = a;
    return SP_OK;
}

void accounts_free(struct accounts *a)
{
    if (a == NULL)
        return;
    sem_destroy(&a->hashing);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* Letters and digits of one case, and . _ - inside. */
static bool name_valid(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return false;
    }
    return len >= 1 && len <= NAME_MAX_BYTES;
}

static sp_error copy_text(char *to, size_t room, const char *from, const char *field,
                          struct sp_why *why)
{
    size_t len = strlen(from);

    if (len >= room || !utf8_valid((struct view){(const uint8_t *)from, len})) {
        sp_why_field(why, "%s", field);
        return sp_why_say(why, SP_ERR_INVALID, "%s is longer than %zu bytes or no UTF-8", field,
                          room - 1);
    }
    memcpy(to, from, len + 1);
    return SP_OK;
}

static sp_error set_groups(struct account_row *row, const struct account_change *c,
                           struct sp_why *why)
{
    char joined[sizeof row->groups] = "";
    size_t at = 0;

    if (c->group_count > ACCOUNT_GROUPS_MAX)
        return sp_why_say(why, SP_ERR_INVALID, "an account has at most %d groups",
                          ACCOUNT_GROUPS_MAX);
    for (size_t g = 0; g < c->group_count; g++) {
        if (!name_valid(c->groups[g])) {
            sp_why_field(why, "groups[%zu]", g);
            return sp_why_say(why, SP_ERR_INVALID,
                              "a group is 1 to %d of a-z 0-9 . _ -, beginning with a letter or "
                              "digit",
                              NAME_MAX_BYTES);
        }
        int n = snprintf(joined + at, sizeof joined - at, "%s%s", g == 0 ? "" : " ", c->groups[g]);
        if (n < 0 || (size_t)n >= sizeof joined - at)
            return sp_why_say(why, SP_ERR_INVALID, "the groups are too long together");
        at += (size_t)n;
    }
    memcpy(row->groups, joined, sizeof joined);
    return SP_OK;
}

static sp_error set_password(struct accounts *a, struct account_row *row, struct view password,
                             struct sp_why *why)
{
    struct password_hash h;

    if (password.len < ACCOUNT_PASSWORD_MIN || password.len > PASSWORD_BYTES_MAX) {
        sp_why_field(why, "password");
        return sp_why_say(why, SP_ERR_INVALID, "a password has %d to %d bytes",
                          ACCOUNT_PASSWORD_MIN, PASSWORD_BYTES_MAX);
    }
    sem_wait(&a->hashing);
    sp_error e = password_hash(password, &h);
    sem_post(&a->hashing);
    if (e == SP_OK)
        e = copy_text(row->password, sizeof row->password, h.s, "password", why);
    return e;
}

static sp_error apply(struct accounts *a, struct account_row *row, const struct account_change *c,
                      struct sp_why *why)
{
    sp_error e = SP_OK;

    if (c->display != NULL)
        e = copy_text(row->display, sizeof row->display, c->display, "display", why);
    if (e == SP_OK && c->email != NULL)
        e = copy_text(row->email, sizeof row->email, c->email, "email", why);
    if (e == SP_OK && c->set_groups)
        e = set_groups(row, c, why);
    if (e == SP_OK && c->password.len > 0)
        e = set_password(a, row, c->password, why);
    if (e == SP_OK && c->disabled != NULL)
        row->disabled = *c->disabled;
    return e;
}

struct put {
    const struct store_services *services;
    struct account_row row;
};

static sp_error put(struct store_tx *tx, void *arg)
{
    struct put *p = arg;
    struct account_row row = p->row; /* the lane may run this again */

    return p->services->logins->account_put(tx, &row);
}

sp_error accounts_add(struct accounts *a, const char *name, const struct account_change *c,
                      struct sp_why *why, struct sp_id *out)
{
    struct put p = {.services = store_services(a->store)};
    sp_error e;

    if (!name_valid(name)) {
        sp_why_field(why, "name");
        return sp_why_say(why, SP_ERR_INVALID,
                          "a name is 1 to %d of a-z 0-9 . _ -, beginning with a letter or digit",
                          NAME_MAX_BYTES);
    }
    if (c->password.len == 0)
        return sp_why_say(why, SP_ERR_INVALID, "an account needs a password");
    p.row.id = random_id();
    p.row.created = clock_unix();
    if ((e = copy_text(p.row.name, sizeof p.row.name, name, "name", why)) != SP_OK ||
        (e = copy_text(p.row.display, sizeof p.row.display, name, "display", why)) != SP_OK ||
        (e = apply(a, &p.row, c, why)) != SP_OK)
        return e;
    if ((e = store_commit(a->store, put, &p)) == SP_OK)
        *out = p.row.id;
    return e;
}

sp_error accounts_change(struct accounts *a, const char *name, const struct account_change *c,
                         struct sp_why *why)
{
    struct put p = {.services = store_services(a->store)};
    sp_error e;

    if ((e = p.services->logins->account_by_name(a->store, name, &p.row)) != SP_OK ||
        (e = apply(a, &p.row, c, why)) != SP_OK)
        return e;
    return store_commit(a->store, put, &p);
}

static bool count_one(void *arg, const struct account_row *row)
{
    size_t *n = arg;

    (void)row;
    *n += 1;
    return true;
}

sp_error accounts_count(struct accounts *a, size_t *out)
{
    size_t n = 0;
    sp_error e = store_services(a->store)->logins->account_list(a->store, count_one, &n);

    if (e == SP_OK)
        *out = n;
    return e;
}

static uint64_t slot_name(const struct accounts *a, const char *kind, const char *name)
{
    char text[ROW_NAME_MAX + 64];
    uint64_t n;

    snprintf(text, sizeof text, "%s %s", kind, name);
    struct hash h = hash_keyed((struct view){a->seed, sizeof a->seed}, view_str(text));
    memcpy(&n, h.bytes, sizeof n);
    return n | 1; /* zero is an empty slot */
}

/* Locked by name or by address? */
static bool locked(struct accounts *a, uint64_t by_name, uint64_t by_address)
{
    sp_boot_ms now = clock_boot();

    pthread_mutex_lock(&a->lock);
    bool l = throttle_locked(&a->throttle, by_name, now) ||
             throttle_locked(&a->throttle, by_address, now);
    pthread_mutex_unlock(&a->lock);
    return l;
}

static void note(struct accounts *a, uint64_t by_name, uint64_t by_address, bool passed)
{
    sp_boot_ms now = clock_boot();

    pthread_mutex_lock(&a->lock);
    if (passed) {
        throttle_passed(&a->throttle, by_name);
    } else {
        throttle_failed(&a->throttle, by_name, now);
        throttle_failed(&a->throttle, by_address, now);
    }
    pthread_mutex_unlock(&a->lock);
}

sp_error accounts_check(struct accounts *a, const char *name, struct view password,
                        const char *address, struct account_row *out)
{
    struct account_row row = {0};
    uint64_t by_name = slot_name(a, "name", name), by_address = slot_name(a, "from", address);
    bool shut = locked(a, by_name, by_address);
    sp_error e;

    e = store_services(a->store)->logins->account_by_name(a->store, name, &row);
    if (e != SP_OK && e != SP_ERR_NOT_FOUND)
        return e;
    bool open = e == SP_OK && !row.disabled && !shut;

    sem_wait(&a->hashing);
    e = password_verify(open ? row.password : "", password);
    sem_post(&a->hashing);
    if (e != SP_OK && e != SP_ERR_DENIED)
        return e;
    if (!shut)
        note(a, by_name, by_address, e == SP_OK && open);
    if (e == SP_OK && open)
        *out = row;
    return e == SP_OK && open ? SP_OK : SP_ERR_DENIED;
}

sp_error accounts_get(struct accounts *a, struct sp_id id, struct account_row *out)
{
    struct account_row row;
    sp_error e = store_services(a->store)->logins->account_get(a->store, id, &row);

    if (e == SP_OK && row.disabled)
        e = SP_ERR_NOT_FOUND;
    if (e == SP_OK)
        *out = row;
    return e;
}
