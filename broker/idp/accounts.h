#ifndef SP_IDP_ACCOUNTS_H
#define SP_IDP_ACCOUNTS_H

/*
 * accounts: the people whom the built-in provider knows, for evaluation and break-glass.
 *
 * Passwords are Argon2id (lib/crypto/password.h); at most two are computed at a time, so that a
 * flood of guesses costs other requests at most 128 MiB. Failures are counted an account and an
 * address in memory: 5 are free, then 30 s doubling to 1 h. A right password during a lock gets
 * the answer of a wrong one (AAL-4).
 * Worker threads. Errors besides those listed: the store's.
 */

#include "broker/store/store.h"

struct accounts;

enum { ACCOUNT_PASSWORD_MIN = 12, ACCOUNT_GROUPS_MAX = 16 };

/* Borrows `store` until accounts_free.   SP_ERR_NOMEM */
SP_MUST sp_error accounts_new(struct store *store, struct accounts **out);
void accounts_free(struct accounts *a); /* NULL is fine */

/* What may be set; NULL and 0 leave a field as it is. All are borrowed for the call. */
struct account_change {
    const char *display, *email;
    struct view password;      /* empty: unchanged */
    const char *const *groups; /* names without blanks */
    size_t group_count;
    bool set_groups; /* group_count 0 then means none */
    const bool *disabled;
};

/*
 * `name`: 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit (INC-8: one spelling).
 *   SP_ERR_INVALID  name, group or password break their form; `why` says how
 *   SP_ERR_EXISTS
 */
SP_MUST sp_error accounts_add(struct accounts *a, const char *name, const struct account_change *c,
                              struct sp_why *why, struct sp_id *out);
/*   SP_ERR_NOT_FOUND, SP_ERR_INVALID, SP_ERR_CONFLICT */
SP_MUST sp_error accounts_change(struct accounts *a, const char *name,
                                 const struct account_change *c, struct sp_why *why);
SP_MUST sp_error accounts_count(struct accounts *a, size_t *out);

/*
 * Blocks for the time of one password hash, also for a name that does not exist.
 *   SP_ERR_DENIED  unknown name, wrong password, disabled account or locked: one answer
 */
SP_MUST sp_error accounts_check(struct accounts *a, const char *name, struct view password,
                                const char *address, struct account_row *out);

/*   SP_ERR_NOT_FOUND  no such account, or it is disabled */
SP_MUST sp_error accounts_get(struct accounts *a, struct sp_id id, struct account_row *out);

#endif
