#ifndef SP_REGISTRY_DEVICES_H
#define SP_REGISTRY_DEVICES_H

/*
 * devices: a device is its key (C-020). The first login binds it to a user; it is pending until
 * an admin approves it, unless the configuration approves devices of a user's own.
 */

#include "broker/registry/registry.h"

struct device_claim {
    struct key_public key;
    const char *name, *os, *serials, *software;
    bool hardware_key;
    struct sp_id user;
    bool approve; /* the configuration approves at first login */
};

/*
 * Finds the device of a key or makes it, at login. A device of another user changes hands only
 * by an admin.
 *   SP_ERR_DENIED  blocked, lost, or bound to another user
 */
SP_MUST sp_error devices_admit(struct registry *r, const struct device_claim *claim,
                               const struct audit_record *by, struct device_row *out);

/* SP_ERR_NOT_FOUND, SP_ERR_CONFLICT; SP_ERR_INVALID for ROW_DEVICE_NONE. */
SP_MUST sp_error devices_set_state(struct registry *r, struct sp_id device,
                                   enum device_row_state state, const struct audit_record *by,
                                   struct device_row *out);
SP_MUST sp_error devices_set_owner(struct registry *r, struct sp_id device,
                                   enum device_row_owner owner, const struct audit_record *by,
                                   struct device_row *out);

/* Ends the login of one device. */
SP_MUST sp_error devices_sign_out(struct registry *r, struct sp_id device,
                                  const struct audit_record *by);

#endif
