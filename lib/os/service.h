#ifndef SP_OS_SERVICE_H
#define SP_OS_SERVICE_H

/*
 * service: how a daemon starts, reloads and ends: signals, and words to the service manager.
 *
 * SIGTERM and SIGINT ask for a drain once; a second one, or `drain_ms` later, ends at once.
 * SIGHUP asks for a reload. SIGPIPE is ignored. Loop thread.
 * Where the manager has a watchdog ($WATCHDOG_USEC), it hears thrice in its time that the loop
 * turns. The notify protocol is sd_notify(3)'s: a datagram to $NOTIFY_SOCKET; without it nothing is
 * sent.
 */

#include "lib/base/error.h"

#include <stdint.h>

struct loop;
struct service;

struct service_spec {
    void (*drain)(void *arg);  /* takes no new work; calls service_done when the old is done */
    void (*reload)(void *arg); /* NULL: SIGHUP does nothing */
    void *arg;                 /* borrowed until service_free */
    int64_t drain_ms;          /* 0: ends at once, drain is still called */
};

/*   SP_ERR_NOMEM, SP_ERR_IO */
SP_MUST sp_error service_start(struct loop *loop, const struct service_spec *spec,
                               struct service **out);
void service_free(struct service *s); /* NULL is allowed */

/* Everything is up. The unit's Type=notify waits for it. `status` is one line for systemctl; it
 * never waits for a manager that does not read, and is then lost. READY and its like wait up to 0.1
 * s. */
void service_ready(struct service *s, const char *status);
void service_status(struct service *s, const char *status);

/* The drain is over (also without one asked for): loop_stop. */
void service_done(struct service *s);

/* For programs without a loop: one datagram, "READY=1" and the like. Any thread. */
void service_notify(const char *state);

#endif
