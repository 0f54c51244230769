#ifndef SP_CLIENT_AGENT_STATE_H
#define SP_CLIENT_AGENT_STATE_H

/*
 * state: what an agent keeps between starts, in one folder of the user's (0700).
 *
 * Where    $SALLYPORT_STATE_DIR, else $XDG_STATE_HOME/sallyport, else ~/.local/state/sallyport.
 *   device.key   the device key, made here once, never leaves (0600)
 *   agent.json   broker, pin, epoch of its keys, device id, addresses of apps
 *   ca.pem       copy of the private CA given to `login --ca`
 *   lock         held by the one agent that uses the folder
 * In memory only: the tunnel key, fresh at each start (PROTOCOL section 1).
 * Loop thread.
 */

#include "client/agent/address.h"
#include "lib/base/why.h"
#include "lib/crypto/key.h"
#include "lib/trust/enrol.h"

enum { STATE_PATH_MAX = 512, STATE_CA_BYTES_MAX = 256 * 1024 };

struct state {
    char dir[STATE_PATH_MAX];
    int lock;                                /* owned */
    struct key_secret *device, *tunnel;      /* owned */
    uint8_t tunnel_sig[KEY_SIGNATURE_BYTES]; /* device key's word for the tunnel key */

    char broker[ENROL_URL_MAX + 1]; /* "https://access.example.org"; "": none yet */
    char host[256];                 /* its parts */
    uint16_t port;
    char ca[STATE_PATH_MAX];         /* path of ca.pem; "": system store only */
    bool l7;                         /* login --front l7 */
    struct key_fingerprint expected; /* of the identity key, out of band; "": none given */
    struct key_public pin;           /* KEY_NONE: the first valid channel sets it */
    int64_t epoch;                   /* highest seen of the broker's key set */
    struct sp_id device_id;          /* zero: not known to the broker */
    struct address_table addresses;
};

/* The folder's path.   SP_ERR_NOT_FOUND, SP_ERR_LIMIT */
SP_MUST sp_error state_folder(char out[STATE_PATH_MAX]);

/*
 * Opens or makes it; makes both keys.
 *   SP_ERR_BUSY        another agent uses the folder
 *   SP_ERR_PERMISSION  folder or key can be read by others
 *   SP_ERR_CORRUPT     agent.json or the key is damaged; `why` names the file
 *   SP_ERR_IO, SP_ERR_FULL, SP_ERR_NOMEM
 */
SP_MUST sp_error state_open(const char *dir, struct sp_why *why, struct state **out);
void state_free(struct state *s); /* NULL is allowed */

/* Durable. Errors of lib/os/file. */
SP_MUST sp_error state_save(struct state *s, struct sp_why *why);

/*
 * Another broker: pin, epoch and device id of the old one go, when its address differs. `pem` may
 * be empty: with the same address the CA stays. Saved.
 *   SP_ERR_INVALID  the address is no https URL of a host
 */
SP_MUST sp_error state_set_broker(struct state *s, const struct enrol_address *a, struct view pem,
                                  bool l7, struct sp_why *why);

#endif
