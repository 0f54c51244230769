#ifndef SP_REGISTRY_REGISTRY_H
#define SP_REGISTRY_REGISTRY_H

/*
 * registry: the objects that an installation knows: users, devices, sites, connectors, relays,
 * apps, policies.
 *
 * Small and asked often (sites, connectors, relays, apps, the policy in force): a snapshot in
 * memory, immutable, swapped after each change. Many (users, devices): read from the store.
 * Every change is one transaction with its change row and its audit record; `by` is a record
 * that names actor, address and request, the function fills in event, object and text.
 * Worker threads, unless said otherwise. Errors: those of store.h besides the listed ones.
 */

#include "broker/audit/chain.h"
#include "broker/store/changes.h"
#include "broker/store/store.h"

struct registry;
struct key_secret;

/* One version of the small objects. All pointers live until registry_release(). */
struct snapshot {
    uint64_t number;                        /* rises with each swap */
    const struct site_row *sites;           /* by name */
    const struct connector_row *connectors; /* by id; revoked ones too */
    const struct relay_row *relays;
    const struct app_row *apps; /* by name; views live as long as the snapshot */
    size_t site_count, connector_count, relay_count, app_count;
    struct policy_row policy; /* in force; ver 0: none, which denies everything */
};

/*
 * Loads the first snapshot. Borrows `st` until registry_free.
 */
SP_MUST sp_error registry_new(struct store *st, struct registry **out);
void registry_free(struct registry *r);

/* Follows the change log: swaps the snapshot before later listeners see the rows. */
struct changes_listener registry_listener(struct registry *r);

/* Any thread. Never NULL. Give each one back. */
const struct snapshot *registry_hold(struct registry *r);
void registry_release(struct registry *r, const struct snapshot *s);

struct store *registry_store(struct registry *r);

/* NULL: none. */
const struct app_row *snapshot_app(const struct snapshot *s, struct view name);
const struct app_row *snapshot_app_by_id(const struct snapshot *s, struct sp_id id);
const struct site_row *snapshot_site(const struct snapshot *s, struct view name);
const struct site_row *snapshot_site_by_id(const struct snapshot *s, struct sp_id id);
const struct connector_row *snapshot_connector(const struct snapshot *s, struct sp_id id);
const struct connector_row *snapshot_connector_by_key(const struct snapshot *s,
                                                      const struct key_public *key);
const struct relay_row *snapshot_relay(const struct snapshot *s, struct sp_id id);
const struct relay_row *snapshot_relay_by_key(const struct snapshot *s,
                                              const struct key_public *key);

/* Names of sites, connectors, apps: 1 to 63 of a-z, 0-9, '-', '.', '_', beginning with a letter
 * or digit. SP_ERR_INVALID */
SP_MUST sp_error registry_name(struct view name, struct sp_why *why);

#endif
