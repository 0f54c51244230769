#include "connector/gateway/detect/detect_internal.h"
#include "connector/gateway/sketch/hll.h"

/*
 * Guessing at logins, by source (the device, else the session); the account itself is never locked,
 * or anyone could lock out anyone.
 */

enum {
    WINDOW_MS = 10 * MINUTE_MS,
    BRUTE_FAILS = 10,
    STUFFING_ACCOUNTS = 10,
    STUFFING_PERCENT = 70,
    SPRAY_ACCOUNTS = 10,
    SLOW_ACCOUNTS = 30,
    SLOW_PERCENT = 90,
    LEARNED_TRIES = 10,  /* an endpoint that takes passwords is a login after so many tries, */
    LEARNED_PERCENT = 20 /* so many of them 401 */
};

struct counted {
    sp_unix_ms began;
    uint32_t tries, fails;
    struct distinct accounts;
};

struct source {
    struct counted fast, slow;
};

/* (source, account): tries of one account; (source, password tag): accounts of one password. */
struct narrow {
    sp_unix_ms began;
    uint32_t fails;
    struct distinct accounts;
};

struct learned {
    uint32_t tries, refused;
};

size_t credential_record(enum table t)
{
    return t == TABLE_SOURCES  ? sizeof(struct source)
           : t == TABLE_LOGINS ? sizeof(struct learned)
                               : sizeof(struct narrow);
}

static bool is_login(struct detect *d, const struct observation *o)
{
    if (o->login)
        return true;
    if (!o->password || o->endpoint == 0)
        return false;
    struct learned *l = slots_take(d->tables[TABLE_LOGINS], o->endpoint, o->at, NULL);
    l->tries += l->tries < UINT32_MAX / 100;
    l->refused += o->status == 401 && l->refused < l->tries;
    return l->tries >= LEARNED_TRIES && 100 * l->refused >= LEARNED_PERCENT * l->tries;
}

static void count(struct counted *c, const struct observation *o, bool failed, int64_t window)
{
    if (c->began == 0 || since(o->at, c->began) >= window)
        *c = (struct counted){.began = o->at};
    c->tries++;
    c->fails += failed;
    if (o->account != 0)
        distinct_add(&c->accounts, o->account);
}

static const struct narrow *narrow(struct detect *d, enum table t, uint64_t key,
                                   const struct observation *o, bool failed)
{
    struct narrow *n = slots_take(d->tables[t], detect_mix(o->source, key), o->at, NULL);

    if (n->began == 0 || since(o->at, n->began) >= WINDOW_MS)
        *n = (struct narrow){.began = o->at};
    n->fails += failed;
    if (failed && o->account != 0)
        distinct_add(&n->accounts, o->account);
    return n;
}

static bool mostly(const struct counted *c, uint64_t accounts, unsigned percent)
{
    return distinct_count(&c->accounts) >= accounts &&
           100 * (uint64_t)c->fails >= percent * (uint64_t)c->tries;
}

static void say_counted(struct finding *f, const struct counted *c, const char *window)
{
    finding_say(f, "%u of %u logins failed, for %llu different accounts, in %s", c->fails, c->tries,
                (unsigned long long)distinct_count(&c->accounts), window);
}

bool credential_see(struct detect *d, const struct observation *o, struct finding *f)
{
    bool failed = o->status == 400 || o->status == 401 || o->status == 403 || o->status == 422;
    uint64_t source = o->source != 0 ? o->source : o->user;

    if (!is_login(d, o))
        return false;
    struct source *s = slots_take(d->tables[TABLE_SOURCES], source, o->at, NULL);
    count(&s->fast, o, failed, WINDOW_MS);
    count(&s->slow, o, failed, DAY_MS);
    const struct narrow *account =
        o->account == 0 ? NULL : narrow(d, TABLE_ACCOUNTS, o->account, o, failed);
    const struct narrow *password =
        !o->password ? NULL : narrow(d, TABLE_PASSWORDS, 1u << 16 | o->password_tag, o, failed);

    *f = (struct finding){.detector = DETECTOR_CREDENTIAL,
                          .whole_source = true,
                          .block_ms = WINDOW_MS - (since(o->at, s->fast.began))};
    if (!failed)
        return false;
    if (account != NULL && account->fails >= BRUTE_FAILS) {
        f->score = account->fails;
        f->threshold = BRUTE_FAILS;
        finding_say(f, "brute force: %u failed logins on one account in 10 min", account->fails);
        return true;
    }
    if (password != NULL && distinct_count(&password->accounts) >= SPRAY_ACCOUNTS) {
        f->score = (double)distinct_count(&password->accounts);
        f->threshold = SPRAY_ACCOUNTS;
        finding_say(f, "spraying: one password failed on %llu different accounts in 10 min",
                    (unsigned long long)distinct_count(&password->accounts));
        return true;
    }
    if (mostly(&s->fast, STUFFING_ACCOUNTS, STUFFING_PERCENT)) {
        f->score = (double)distinct_count(&s->fast.accounts);
        f->threshold = STUFFING_ACCOUNTS;
        finding_say(f, "stuffing: many accounts from one device");
        say_counted(f, &s->fast, "10 min");
        return true;
    }
    if (mostly(&s->slow, SLOW_ACCOUNTS, SLOW_PERCENT)) {
        f->score = (double)distinct_count(&s->slow.accounts);
        f->threshold = SLOW_ACCOUNTS;
        f->block_ms = WINDOW_MS;
        finding_say(f, "slow spraying: many accounts from one device");
        say_counted(f, &s->slow, "24 h");
        return true;
    }
    return false;
}
