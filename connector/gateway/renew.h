#ifndef SP_GATEWAY_RENEW_H
#define SP_GATEWAY_RENEW_H

/*
 * renew: the certificates, keys and CA files of an app: loaded before it is in force, and anew when
 * they are replaced meanwhile, as ACME clients do every few weeks. Who renews one writes several
 * files one after the other: a change counts when two looks in a row, RENEW_LOOK_MS apart, have
 * seen the same. What can't be read leaves those before in force, and the log says so.
 *
 * A worker looks, loads, and reads when those end that the app shows: the loop waits for no file.
 * Versions of an app that name the same files share one. Loop thread.
 */

#include "connector/gateway/certs.h"
#include "lib/base/clock.h"
#include "lib/os/file.h"

enum { RENEW_LOOK_MS = 2000 };

struct pool;
struct renew;

struct renew_source {
    const struct certs_spec *files; /* copied */
    struct pool *pool;              /* borrowed until renew_free */
    unsigned generation;            /* of `files`: rises when they may have changed */
    const char *app;                /* its name for the log; borrowed for the call */
};

/* One share; nothing is read yet.   SP_ERR_NOMEM */
SP_MUST sp_error renew_new(const struct renew_source *from, struct renew **out);
struct renew *renew_hold(struct renew *r); /* one more share; returns `r` */
/* Gives back one share. A worker that is at it ends for nobody. NULL is allowed. */
void renew_free(struct renew *r);

bool renew_is(const struct renew *r, const struct renew_source *from); /* of the same files */

/* On the loop, once, unless the last share was given back before. `why` names the file.
 *   SP_ERR_CLOSED  the pool ends; and what certs_load says */
typedef void renew_ready(void *arg, sp_error e, const struct sp_why *why);

bool renew_is_ready(const struct renew *r);
/* The first load; where it is ready already: not to be called.   SP_ERR_BUSY, SP_ERR_NOMEM */
SP_MUST sp_error renew_load(struct renew *r, renew_ready *ready, void *arg);

/* Once a second, when it is ready: every RENEW_LOOK_MS a worker looks. What it saw counts as loaded
 * from then on, whether that works or not: the next change is looked at anew. True, once:
 * renew_ends() says something new. */
bool renew_tick(struct renew *r, sp_boot_ms now);

/* When the certificates end that are shown to clients and to the application; 0: none is, or it
 * can't be read. */
struct renew_ends {
    sp_unix_ms front, app;
};
struct renew_ends renew_ends(const struct renew *r);

const struct certs *renew_certs(const struct renew *r); /* both NULL before it is ready */

#endif
