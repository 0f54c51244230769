#ifndef SP_GATEWAY_UPSTREAM_H
#define SP_GATEWAY_UPSTREAM_H

/*
 * upstream: connections to applications, and the pool of those that wait for the next request.
 *
 * A waiting connection is given out again only for the same app, the same user, the same address
 * and the same TLS identity of both ends: two users never share one (SMG-24). One that says
 * anything while it waits is closed. Loop thread; nothing is called from inside a call of this
 * header.
 */

#include "lib/base/id.h"
#include "lib/os/sock.h"
#include "lib/tls/conn.h"

struct loop;
struct upstream_pool;
struct upstream;

/* LINE_MAX: requests of one person that wait for one of its connections to come back. */
enum { UPSTREAM_WAITING_MAX = 512, UPSTREAM_PLAIN_MAX = 16 * 1024, UPSTREAM_LINE_MAX = 64 };

/*   SP_ERR_NOMEM */
SP_MUST sp_error upstream_pool_new(struct loop *loop, struct upstream_pool **out);
void upstream_pool_free(struct upstream_pool *p); /* closes those that wait; NULL is allowed */

/* Closes what waits for a user of an app: the last session is over. */
void upstream_pool_forget(struct upstream_pool *p, struct sp_id app, struct sp_id user);
size_t upstream_pool_waiting(const struct upstream_pool *p);

/* Where to, for whom, and by what the application is known. */
struct upstream_to {
    struct sp_id app, user;
    struct address address;
    struct tls_context *tls; /* NULL: plain; held while a connection lives */
    const char *name;        /* in the certificate; borrowed until upstream_get returns */
    int64_t connect_ms, idle_ms;
    size_t connections; /* of this user and app at most; more stand in line for connect_ms */
};

struct upstream_events {
    void (*connected)(void *arg); /* not for one that had waited */
    void (*readable)(void *arg);  /* or at its end: read says which */
    void (*writable)(void *arg);  /* after a write that took less */
    /* No connection, or no TLS: `refusal` says why it was not trusted. SP_ERR_LIMIT: none came back
     * while it stood in line. Free it in here. */
    void (*failed)(void *arg, sp_error e, enum tls_refusal refusal);
    /* While it stood in line one came back: `u`, which is the owner's, serves instead of what
     * upstream_get gave, which is gone. `connected` follows. */
    void (*given)(void *arg, struct upstream *u);
};

/*
 * One that waits, else a new one, or a place in line for one; *fresh says which. Takes nothing.
 * `events` and `arg` are borrowed until it is freed or given back.
 *   SP_ERR_LIMIT  the line is full
 *   SP_ERR_NOMEM, SP_ERR_IO, SP_ERR_TLS
 */
SP_MUST sp_error upstream_get(struct upstream_pool *p, const struct upstream_to *to,
                              const struct upstream_events *events, void *arg, bool *fresh,
                              struct upstream **out);

/*
 * Up to `room` bytes.
 *   SP_ERR_AGAIN   none now: `readable` will tell
 *   SP_ERR_CLOSED  the end (with TLS: its close_notify)
 *   SP_ERR_RESET, SP_ERR_IO, SP_ERR_TLS
 */
SP_MUST sp_error upstream_read(struct upstream *u, uint8_t *to, size_t room, size_t *got);
/* Takes *took bytes; `writable` will tell when it was less than all. Errors as read. */
SP_MUST sp_error upstream_write(struct upstream *u, struct view bytes, size_t *took);
/* Whether `readable` is wanted; off at first. Who stopped before SP_ERR_AGAIN and goes on says so
 * again: what TLS holds makes no socket readable. */
void upstream_want(struct upstream *u, bool reading);
/* No more bytes from us. */
void upstream_finish(struct upstream *u);
/* The protocol that TLS agreed on; "" for none, and without TLS. */
const char *upstream_alpn(const struct upstream *u);
/* What the kernel would still take, about. */
size_t upstream_room(const struct upstream *u);

/* Into the pool, for the next request of that user. Nothing is unread. */
void upstream_give_back(struct upstream *u);
void upstream_free(struct upstream *u); /* closes with RST; NULL is allowed */

#endif
