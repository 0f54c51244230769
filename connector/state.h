#ifndef SP_CONNECTOR_STATE_H
#define SP_CONNECTOR_STATE_H

/*
 * state: who this connector is and which broker it belongs to, in its state folder (0700):
 *
 *   key         its Ed25519 key, 0600, made here, never leaves
 *   state.json  broker, pinned identity key and epoch, own id, site; 0600, replaced atomically
 *   ca.pem      the CA of the enrolment string, when it had one
 *
 * A copy of the folder is a copy of the connector: a second channel of one key closes the first.
 * Blocks; loop thread or a command.
 */

#include "lib/base/id.h"
#include "lib/base/why.h"
#include "lib/crypto/key.h"

enum { STATE_TEXT_MAX = 256 };

struct connector_state {
    char dir[1024];
    char host[STATE_TEXT_MAX]; /* of the broker */
    uint16_t port;
    bool front_l7;
    bool has_ca;                /* ca.pem is there */
    struct key_public identity; /* of the broker; KEY_NONE: the first channel sets it */
    int64_t epoch;              /* highest key set seen */
    struct sp_id id, site;
    char site_name[STATE_TEXT_MAX], name[STATE_TEXT_MAX];
    struct key_secret *key; /* owned */
};

/*
 * Reads both files.
 *   SP_ERR_NOT_FOUND   not enrolled: `why` names the command
 *   SP_ERR_PERMISSION  others can read them, or we can't
 *   SP_ERR_CORRUPT     not what state_save wrote
 *   SP_ERR_IO, SP_ERR_NOMEM
 */
SP_MUST sp_error state_load(const char *dir, struct connector_state *out, struct sp_why *why);
SP_MUST sp_error state_save(const struct connector_state *s, struct sp_why *why);

/*
 * Makes the folder and the key; an existing key is used again, so that a repeated `enrol` stays
 * the same connector.   As state_load, but not SP_ERR_NOT_FOUND
 */
SP_MUST sp_error state_prepare(const char *dir, struct connector_state *out, struct sp_why *why);

/* The path of a file of the folder, valid until the next call with the same buf; NULL: too long. */
const char *state_path(const struct connector_state *s, struct buf *out, const char *name);

void state_end(struct connector_state *s); /* a zeroed one may be ended */

#endif
