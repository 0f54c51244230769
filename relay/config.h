#ifndef SP_RELAY_CONFIG_H
#define SP_RELAY_CONFIG_H

/*
 * config: relay.yaml. `relay/config.c` holds the table; docs/man/sallyport-relay.8 is made of it.
 */

#include "lib/config/load.h"
#include "lib/http/proxy.h"
#include "lib/os/prefix.h"

#define RELAY_CONFIG_PATH "/etc/sallyport/relay.yaml"

enum relay_cut_through { RELAY_CUT_AUTO = 0, RELAY_CUT_OFF };
/* What stands before `listen`: load balancers that pass TCP through, or HTTP proxies that end TLS.
 */
enum relay_front { RELAY_FRONT_DIRECT = 0, RELAY_FRONT_L7 };

struct relay_config {
    char *state;                     /* folder: key, broker, lock */
    char *listen;                    /* "0.0.0.0:443"; NULL: only through the broker's front */
    int front;                       /* enum relay_front */
    struct config_strings proxies;   /* who stands there: ranges */
    struct prefixes proxied;         /* the same, read */
    char *front_socket;              /* the broker's, on one box; NULL: none */
    char *front_user;                /* whose that socket may be; NULL: this relay's own user */
    struct config_strings addresses; /* host:port where agents and connectors reach us */
    int cut_through;                 /* enum relay_cut_through */
    int64_t drain_max_ms;
    char *name;          /* for the console; NULL: the host's */
    char *health_socket; /* unless given STATE/health.sock */
    char *proxy;         /* HTTP proxy to the broker; NULL: environment */
    char *proxy_login;   /* file with USER:PASSWORD, mode 0600; NULL: none */
};

extern const struct config_field relay_fields[];

/* Reads the file and checks what one field alone can't say.   as config_load */
SP_MUST sp_error relay_config_load(const char *path, struct relay_config *out, struct sp_why *why);
void relay_config_free(struct relay_config *c);

/* The proxy of configuration or environment, with its login from the file. `out` may hold a
 * password and is written in any case.   as proxy_login */
SP_MUST sp_error relay_proxy(const struct relay_config *c, struct proxy_env *out,
                             struct sp_why *why);

#endif
