#ifndef SP_BROKER_CONFIG_H
#define SP_BROKER_CONFIG_H

/*
 * config: broker.yaml, its fields and their meaning. The table in config.c is the schema; the
 * same check serves `run` and `check`.
 */

#include "lib/config/load.h"
#include "lib/http/proxy.h"

enum front_mode { FRONT_DIRECT = 0, FRONT_L7 };
enum cut_through_mode { CUT_THROUGH_AUTO = 0, CUT_THROUGH_OFF };
enum groups_source { GROUPS_ID_TOKEN = 0, GROUPS_USERINFO };

/* One OpenID provider. The first of the list is the one whose people have plain names. */
struct provider_config {
    char *name;   /* "corp": namespace of its groups, "corp/staff" */
    char *title;  /* on the button; NULL: the name */
    char *issuer; /* byte for byte as the provider says it (C-003) */
    char *client_id;
    char *client_secret_file;           /* 0600 */
    struct config_strings scopes;       /* empty: openid profile email groups */
    struct config_strings groups_claim; /* path of member names; empty: "groups" (C-002) */
    int groups_from;                    /* enum groups_source */
    struct config_strings algs;         /* empty: RS256 PS256 ES256 EdDSA */
    struct config_strings audiences;    /* further ones that are trusted (C-005) */
    char *ca_file;                      /* more CAs for this provider; NULL: the system's */
};

struct broker_config {
    char *organisation;
    char *public_url;               /* "https://access.example.org[:port]" */
    struct config_strings listen;   /* "0.0.0.0:443" */
    char *certificate, *key;        /* PEM files */
    char *ca_file;                  /* that edges must trust besides the system's; NULL: none */
    char *state;                    /* folder, 0700 */
    char *front_socket;             /* unix socket for the relay; NULL: no relay on this machine */
    char *relay_user, *relay_group; /* of that relay; NULL: the broker's own, socket 0600 */
    bool enrol_at_login;            /* a first sign-in may set up TOTP: its page shows the QR */
    int front;                      /* enum front_mode */
    struct config_strings proxies;  /* "198.18.66.0/24": whose word about the peer is taken */
    char *proxy;       /* http://HOST:PORT on the way out; NULL: the environment says */
    char *proxy_login; /* file with USER:PASSWORD, mode 0600; NULL: none */
    char *operations;  /* "127.0.0.1:7480": /livez, /readyz, /metrics */
    int64_t workers;
    char *admin_group;    /* "corp/sallyport-admins" */
    char *viewer_group;   /* may look, not change; NULL: nobody */
    bool second_approval; /* policies come into force by another admin than their author */
    bool approve_devices; /* a person's own device is approved at its first login */
    bool device_code;     /* a login's code may be entered on another device (OA-10) */
    struct {
        int64_t session_ms, idle_ms; /* of a login: AAL-1 */
    } login;
    struct {
        bool enabled;
    } idp; /* the built-in provider */
    struct {
        int cut_through; /* enum cut_through_mode */
    } tunnel;
    struct config_blocks providers; /* struct provider_config */
};

extern const struct config_field broker_config_fields[];

/* `proxies` as ranges.   SP_ERR_INVALID */
struct prefixes;
SP_MUST sp_error broker_config_proxies(const struct broker_config *c, struct prefixes *out,
                                       struct sp_why *why);

/* Reads and checks the file. Free with broker_config_free also after a failure. Errors and `why`
 * as config_load. */
SP_MUST sp_error broker_config_load(const char *path, struct broker_config *out,
                                    struct sp_why *why);
void broker_config_free(struct broker_config *c);

/* The proxy of configuration or environment on the way to providers and feeds, with its login from
 * the file. `out` may hold a password and is written in any case.   as proxy_login */
SP_MUST sp_error broker_proxy(const struct broker_config *c, struct proxy_env *out,
                              struct sp_why *why);

/* What bounds can't say: names that collide, a URL that is no https origin, no provider at all.
 *   SP_ERR_INVALID */
SP_MUST sp_error broker_config_check(const struct broker_config *c, struct sp_why *why);

#endif
