#ifndef SP_CONNECTOR_CONFIG_H
#define SP_CONNECTOR_CONFIG_H

/*
 * config: connector.yaml. Everything has a default: after `enrol` a connector runs without one.
 */

#include "lib/base/log.h"
#include "lib/config/load.h"
#include "lib/http/proxy.h"

#define CONNECTOR_CONFIG_PATH "/etc/sallyport/connector.yaml"
#define CONNECTOR_STATE_DIR "/var/lib/sallyport-connector"

enum connector_cut_through { CUT_THROUGH_AUTO, CUT_THROUGH_OFF };

struct connector_config {
    const char *path;         /* that was read, borrowed; NULL: there is none */
    char *state;              /* folder of key and identity */
    char *floor;              /* file of the local limits; connector/floor.h */
    char *health;             /* unix socket; default STATE/health.sock */
    char *gateway;            /* folder of files that apps' gateways name; default STATE/gateway */
    char *proxy;              /* http://HOST:PORT; NULL: the environment says */
    char *proxy_login;        /* file with USER:PASSWORD, mode 0600; NULL: none */
    struct config_strings ca; /* PEM files of more CAs for the broker's certificate */
    int64_t drain_ms;
    int64_t audit_spool; /* bytes of audit records on the disk, at most */
    int log;             /* enum log_level */
    struct {
        int cut_through; /* enum connector_cut_through */
    } tunnel;
};

/*
 * `path` NULL: CONNECTOR_CONFIG_PATH when it is there, else the defaults. Then the environment
 * (SALLYPORT_CONNECTOR_…). `state` (or NULL) is the flag and wins. config_end in every case.
 * Errors as config_load.
 */
SP_MUST sp_error connector_config_load(const char *path, const char *state,
                                       struct connector_config *out, struct sp_why *why);
void connector_config_end(struct connector_config *c);

/*
 * The proxy of configuration or environment, with its login from the file. `out` may hold a
 * password: wipe it.   SP_ERR_INVALID, and what file_read_secret says
 */
SP_MUST sp_error connector_proxy(const struct connector_config *c, struct proxy_env *out,
                                 struct sp_why *why);

#endif
