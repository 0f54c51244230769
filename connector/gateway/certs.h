#ifndef SP_GATEWAY_CERTS_H
#define SP_GATEWAY_CERTS_H

/*
 * certs: certificates, keys and CA files that an app's configuration names, and the two TLS
 * contexts that are made of them. Key and chain never leave this machine.
 *
 * certs_name() says which files; what it writes stands for itself, so a worker may load them while
 * the app goes.
 */

#include "lib/gateway/config.h"
#include "lib/tls/context.h"

enum { CERTS_PATH_MAX = 1200 };

enum certs_file {
    CERTS_FRONT_CHAIN,
    CERTS_FRONT_KEY,
    CERTS_APP_CA,
    CERTS_APP_CHAIN,
    CERTS_APP_KEY,
    CERTS_FILES
};

struct certs_spec {
    char paths[CERTS_FILES][CERTS_PATH_MAX]; /* "": not named */
    bool front, front_http2;                 /* `frontend: tls`; what ALPN offers there */
    bool app, app_http2, pinned;             /* upstream: https */
    uint8_t pin[TLS_PIN_BYTES];
};

/* Each is one share; NULL: plain. */
struct certs {
    struct tls_context *front, *app;
};

/*
 * `files` is the folder of the files.
 *   SP_ERR_LIMIT      a path is too long
 *   SP_ERR_MALFORMED  the pin is none
 */
SP_MUST sp_error certs_name(const struct gwconf *conf, const char *files, struct certs_spec *out,
                            struct sp_why *why);

/* Blocks on the files. Any thread.   SP_ERR_NOT_FOUND, SP_ERR_PERMISSION, SP_ERR_TLS, SP_ERR_NOMEM
 */
SP_MUST sp_error certs_load(const struct certs_spec *spec, struct certs *out, struct sp_why *why);
void certs_free(struct certs *c); /* gives the shares back */

#endif
