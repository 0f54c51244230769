#ifndef SP_RELAY_CONFIG_H
#define SP_RELAY_CONFIG_H

/*
 * config: relay.yaml. `relay/config.c` holds the table; docs/man/sallyport-relay.8 is made of it.
 */

#include "lib/config/load.h"

#define RELAY_CONFIG_PATH "/etc/sallyport/relay.yaml"

enum relay_cut_through { RELAY_CUT_AUTO = 0, RELAY_CUT_OFF };

struct relay_config {
    char *state;                     /* folder: key, broker, lock */
    char *listen;                    /* "0.0.0.0:443"; NULL: only through the broker's front */
    char *front_socket;              /* the broker's, on one box; NULL: none */
    struct config_strings addresses; /* host:port where agents and connectors reach us */
    int cut_through;                 /* enum relay_cut_through */
    int64_t drain_max_ms;
    char *name;          /* for the console; NULL: the host's */
    char *health_socket; /* unless given STATE/health.sock */
    char *proxy;         /* HTTP proxy to the broker; NULL: environment */
};

extern const struct config_field relay_fields[];

/* Reads the file and checks what one field alone can't say.   as config_load */
SP_MUST sp_error relay_config_load(const char *path, struct relay_config *out, struct sp_why *why);
void relay_config_free(struct relay_config *c);

#endif
