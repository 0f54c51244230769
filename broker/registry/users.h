#ifndef SP_REGISTRY_USERS_H
#define SP_REGISTRY_USERS_H

/*
 * users: people, keyed by (iss, sub) and by nothing else (INC-3, C-009).
 *
 * The registry name is given once, at the first login, and never follows the provider: lower
 * case, from the preferred name, made unique by a number. Only the provider that the
 * configuration lists first gives plain names; those of any other end in "@idp", so that a
 * second provider cannot hand out a name that a policy lists (TM-19).
 */

#include "broker/registry/registry.h"

struct principal {
    const char *iss, *sub;
    const char *idp;                         /* its name in the configuration */
    bool plain_names;                        /* the first provider */
    const char *preferred, *display, *email; /* NULL: not delivered; for display */
    enum groups_state groups_state;
    const char *groups_detail;
    const char *const *groups; /* "idp/group" */
    size_t group_count;
};

/*
 * Finds or makes the user of a principal, updates what is shown and the groups.
 *   SP_ERR_DENIED   the user is locked
 *   SP_ERR_INVALID  iss or sub is empty or too long
 */
SP_MUST sp_error users_admit(struct registry *r, const struct principal *p,
                             const struct audit_record *by, struct user_row *out);

/* Locking signs the user out everywhere and cuts their sessions (the change row does).
 * SP_ERR_NOT_FOUND, SP_ERR_CONFLICT */
SP_MUST sp_error users_set_state(struct registry *r, struct sp_id user, enum user_state state,
                                 const struct audit_record *by, struct user_row *out);
SP_MUST sp_error users_sign_out(struct registry *r, struct sp_id user,
                                const struct audit_record *by);

/* A user's groups, sorted by strcmp. Freed by users_groups_free(). */
struct user_groups {
    char **names; /* owned */
    size_t count;
};
SP_MUST sp_error users_groups(struct registry *r, struct sp_id user, struct user_groups *out);
void users_groups_free(struct user_groups *g);

#endif
