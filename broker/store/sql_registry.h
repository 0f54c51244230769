#ifndef SP_STORE_SQL_REGISTRY_H
#define SP_STORE_SQL_REGISTRY_H

/*
 * sql_registry: the half of store_registry that sql_people.c and, for lists, sql_lists.c hold:
 * users, groups, devices, posture. Their manuals stand in store.h.
 */

#include "broker/store/store_internal.h"

#define USER_COLUMNS                                                                               \
    "id, iss, sub, name, display, email, idp, state, groups_state, groups_detail, created, seen, " \
    "ver"
#define DEVICE_COLUMNS \
    "id, user_id, key, name, os, serials, software, state, owner, hardware, created, seen, ver"
void read_user(const struct columns *c, struct user_row *row);
void read_device(const struct columns *c, struct device_row *row);

SP_MUST sp_error sql_user_put(struct store_tx *tx, struct user_row *r);
SP_MUST sp_error sql_user_get(struct store *st, struct sp_id id, struct user_row *out);
SP_MUST sp_error sql_user_by_principal(struct store *st, const char *iss, const char *sub,
                                       struct user_row *out);
SP_MUST sp_error sql_user_by_name(struct store *st, const char *name, struct user_row *out);
SP_MUST sp_error sql_user_list(struct store *st, const struct user_filter *f,
                               const struct user_row *edge, size_t limit, each_user *each,
                               void *arg);
SP_MUST sp_error sql_user_count(struct store *st, const struct user_filter *f, size_t max,
                                size_t *out);
SP_MUST sp_error sql_user_groups_set(struct store_tx *tx, struct sp_id user,
                                     enum groups_state state, const char *detail,
                                     const char *const *groups, size_t count);
SP_MUST sp_error sql_user_groups(struct store *st, struct sp_id user, each_text *each, void *arg);
SP_MUST sp_error sql_group_list(struct store *st, const char *after_name, size_t limit,
                                each_group *each, void *arg);
SP_MUST sp_error sql_group_members(struct store *st, const char *group, each_user *each, void *arg);
SP_MUST sp_error sql_device_put(struct store_tx *tx, struct device_row *r);
SP_MUST sp_error sql_device_get(struct store *st, struct sp_id id, struct device_row *out);
SP_MUST sp_error sql_device_by_key(struct store *st, const struct key_public *key,
                                   struct device_row *out);
SP_MUST sp_error sql_device_list(struct store *st, const struct device_filter *f,
                                 const struct device_row *edge, size_t limit, each_device *each,
                                 void *arg);
SP_MUST sp_error sql_device_count(struct store *st, const struct device_filter *f, size_t max,
                                  size_t *out);
SP_MUST sp_error sql_device_order(struct store *st, const struct device_filter *f,
                                  const struct device_row *edge, size_t limit, each_device *each,
                                  void *arg);
SP_MUST sp_error sql_device_tally(struct store *st, struct device_counts *out,
                                  struct device_row *oldest);
SP_MUST sp_error sql_device_ids(struct store *st, enum device_row_state state, each_id *each,
                                void *arg);
SP_MUST sp_error sql_posture_alive(struct store *st, sp_unix_ms now, each_id *each, void *arg);
SP_MUST sp_error sql_device_seen(struct store_tx *tx, struct sp_id id, sp_unix_ms at);
SP_MUST sp_error sql_posture_put(struct store_tx *tx, struct posture_row *r);
SP_MUST sp_error sql_posture_text(struct store *st, struct sp_id device, struct posture_row *out,
                                  each_text *verdicts, void *arg);

#endif
