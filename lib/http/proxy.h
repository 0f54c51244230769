#ifndef SP_HTTP_PROXY_H
#define SP_HTTP_PROXY_H

/*
 * proxy: which way an outbound TLS connection goes: direct, or through an HTTP CONNECT proxy.
 *
 * Case C-027: https_proxy before HTTPS_PROXY, then all_proxy, ALL_PROXY; http_proxy never.
 * no_proxy before NO_PROXY: host, .suffix, *.suffix, address, CIDR (v4 and v6), each with an
 * optional :port, or '*'; entries that don't parse are skipped and counted. Loopback, link-local
 * and "localhost" never go through a proxy. Configuration beats the environment.
 * The chooser is pure: tests give it an environment as a table.
 */

#include "lib/base/buf.h"
#include "lib/base/why.h"

enum { PROXY_TEXT_MAX = 512, PROXY_NO_PROXY_MAX = 4096 };

/* What a program has of its own, beside the variables that all programs read. All borrowed. */
struct proxy_own {
    const char *configured; /* the proxy's address; NULL: the environment says */
    const char *variable;   /* that stands for the key in the file: "SALLYPORT_RELAY_PROXY" */
    const char *keep;       /* "proxy_login of relay.yaml keeps it in a file" */
};

/* Where the choice came from: `doctor` prints it. */
struct proxy_env {
    char url[PROXY_TEXT_MAX]; /* as written; may hold a password; empty: none */
    char no_proxy[PROXY_NO_PROXY_MAX];
    const char *origin; /* "https_proxy", "configuration", …; NULL: none */
    const char *keep;   /* of `own` */
    bool exposed;       /* the environment holds the proxy's login */
};

/* Reads the variables through `get` (getenv in the product). What is configured wins. `own` may be
 * NULL. */
void proxy_env_read(const struct proxy_own *own, const char *(*get)(const char *name),
                    struct proxy_env *out);
/* getenv in the right type. */
const char *proxy_getenv(const char *name);

/*
 * Puts the login that `file` holds, USER:PASSWORD, into the address of `env`; without an address
 * nothing happens. `env` then holds a password: explicit_bzero.
 *   SP_ERR_INVALID  the address has a login already or is no http://HOST:PORT; the file has no ':'
 *   as file_read_secret (the file is to be 0600)
 */
SP_MUST sp_error proxy_login(struct proxy_env *env, const char *file, struct sp_why *why);
/*
 * The environment holds the proxy's login, where other programs read it. `text` (or NULL) gets the
 * sentence for whoever can mend it, with the variable's name and where the login is kept instead.
 */
bool proxy_login_exposed(const struct proxy_env *env, struct sp_why *text);
/* The same as a warning in the log of a program that begins; `event` such as "relay.proxy". */
void proxy_login_warn(const struct proxy_env *env, const char *event);

struct proxy_choice {
    bool direct;
    char host[256]; /* without brackets */
    uint16_t port;
    char user[128], password[256]; /* percent-decoded; empty: none. Wiped by proxy_choice_wipe */
    unsigned skipped;              /* entries of no_proxy that did not parse */
};

/*
 * The way to host:port (a name, or an address without brackets).
 *   SP_ERR_UNSUPPORTED  the proxy's scheme is not http; `why` names it
 *   SP_ERR_MALFORMED    its text is no URL; `why`
 */
SP_MUST sp_error proxy_choose(const struct proxy_env *env, const char *host, uint16_t port,
                              struct sp_why *why, struct proxy_choice *out);
void proxy_choice_wipe(struct proxy_choice *c);

#endif
