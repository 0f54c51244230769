#ifndef SP_CONNECTOR_CONTROL_H
#define SP_CONNECTOR_CONTROL_H

/*
 * control: the channel to the broker: key sets, app records, where to stand, cuts; and what the
 * broker hears of live sessions (PROTOCOL sections 5 and 8). Loop thread.
 */

#include "connector/session.h"
#include "connector/stand.h"
#include "connector/state.h"

#include "lib/channel/dialer.h"
#include "lib/proto/gateway.h"

struct control;

struct documents;
struct control_options {
    struct loop *loop; /* borrowed until control_free, as all pointers here */
    struct engine *engine;
    struct pool *pool;
    const struct tls_named *tls;
    const struct proxy_env *proxy;
    struct connector_state *state; /* pin and epoch move with the key sets */
    struct keyset *keys;
    struct records *records;
    struct tell *tell;           /* speaks through this channel */
    struct documents *documents; /* are fetched through it, those of records at once; NULL: none */
    const struct floor *const *floor;
    /* Incidents of an app that somebody expects; borrowed for the call. */
    void (*expect)(void *arg, const struct api_expect *e);
    /* Parts of limits that the site's connectors keep together; the same. */
    void (*share)(void *arg, const struct api_rules *shares);
    /* What another connector of the site told; the same. */
    void (*told)(void *arg, enum api_sealed_kind kind, const struct api_sealed *told);
    void (*opened)(void *arg); /* the channel is up, the first time and after each loss */
    void *arg;
};

/*   SP_ERR_NOMEM, SP_ERR_TLS (`why`) */
SP_MUST sp_error control_new(const struct control_options *o, struct sp_why *why,
                             struct control **out);
/* The two need each other: what control tells them, and whose events it takes. */
void control_join(struct control *c, struct sessions *sessions, struct stands *stands);
void control_free(struct control *c); /* NULL is allowed */

extern const struct sessions_events control_sessions_events; /* arg: the control */
void control_stands_changed(void *control);
sp_unix_ms control_broker_time(void *control); /* 0 before the first hello */
bool control_is_open(const struct control *c);
struct tests *control_tests(struct control *c);

#endif
