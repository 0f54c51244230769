#ifndef SP_CONNECTOR_ENROL_H
#define SP_CONNECTOR_ENROL_H

/*
 * enrol: makes this machine a connector: a key of its own, and the broker's word for it.
 *
 * The enrolment string (lib/trust/enrol.h) comes from a file or standard input, never from argv.
 * The key is made here; the token is spent by one call over a channel that both ends proved.
 */

#include "connector/state.h"

#include "lib/http/proxy.h"

struct enrol_spec {
    struct view line; /* the enrolment string */
    const char *dir;  /* state folder */
    const char *name; /* as the console shows it */
    const struct proxy_env *proxy;
    const char *const *ca; /* more PEM files, NULL-ended; NULL: none */
};

/*
 * Blocks up to 30 s. `out` is the saved state, to be ended by the caller in every case.
 *   SP_ERR_MALFORMED    no enrolment string, or one without a token
 *   SP_ERR_DENIED       the broker refused the token; or its reason in `why`
 *   SP_ERR_AUDIENCE, SP_ERR_SIGNATURE  not the broker that the string names
 *   SP_ERR_UNREACHABLE, SP_ERR_TLS, SP_ERR_TIMEOUT
 *   and what state_prepare and state_save say
 */
SP_MUST sp_error enrol_run(const struct enrol_spec *spec, struct connector_state *out,
                           struct sp_why *why);

#endif
