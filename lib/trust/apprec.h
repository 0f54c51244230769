#ifndef SP_TRUST_APPREC_H
#define SP_TRUST_APPREC_H

/*
 * apprec: the broker's signed record of one app: where a connector may connect for it.
 *
 * Made by   a broker with its record key; no end, a higher version replaces it.
 *                                                          apprec_mint(), mint.h
 * Read by   connectors, which then apply their own floor.  apprec_verify()
 * The port index of an :authority (PROTOCOL section 7) counts `ports` from 0.
 * Versions  1 has no gateway part; 2 is for http apps that have one. What the part says is
 *           lib/gateway/config.h; here it is a text.
 * Pure. Any thread.
 */

#include "lib/base/buf.h"
#include "lib/base/id.h"
#include "lib/crypto/key.h"

enum {
    APPREC_MAX = 32 * 1024,
    APPREC_HOSTS_MAX = 16,
    APPREC_PORTS_MAX = 16,
    APPREC_HOST_TEXT = 253, /* DEP-4 */
    APPREC_NAME_MAX = 64,
    APPREC_STREAMS_MAX = 256,      /* a session */
    APPREC_GATEWAY_MAX = 20 * 1024 /* bytes */
};

enum apprec_type { APPREC_NONE = 0, APPREC_TCP, APPREC_HTTP, APPREC_SSH };

struct apprec {
    struct sp_id id, site;
    int64_t version; /* from 1 */
    char name[APPREC_NAME_MAX + 1];
    enum apprec_type type;
    size_t host_count, port_count;                      /* each at least 1 */
    char hosts[APPREC_HOSTS_MAX][APPREC_HOST_TEXT + 1]; /* name or address, tried in order */
    uint16_t ports[APPREC_PORTS_MAX];
    int64_t session_ms_max; /* 0: none; the connector cuts there whatever a grant says */
    int64_t streams_max;    /* 1..APPREC_STREAMS_MAX */
    char *gateway;          /* http apps only; NULL: none. Owned after apprec_verify */
};

/*
 *   SP_ERR_LIMIT      longer than APPREC_MAX
 *   SP_ERR_MALFORMED  form or claims; no host, no port, port 0, twice the same port
 *   SP_ERR_SIGNATURE
 *   SP_ERR_AUDIENCE   for another site than `site`
 *   SP_ERR_NOMEM
 * Whether `version` is higher than the one in use is the caller's check. apprec_deinit() `out`.
 */
SP_MUST sp_error apprec_verify(struct view token, const struct key_public *record,
                               struct sp_id site, struct apprec *out);

void apprec_deinit(struct apprec *a);

/* "tcp", "http", "ssh"; "" for APPREC_NONE, and back (APPREC_NONE for any other text). */
const char *apprec_type_name(enum apprec_type t);
enum apprec_type apprec_type_parse(struct view text);

#endif
