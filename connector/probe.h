#ifndef SP_CONNECTOR_PROBE_H
#define SP_CONNECTOR_PROBE_H

/*
 * probe: does an app answer from here? The broker's app.test: record, name, floor, one TCP
 * connection that carries no byte. The same steps as a session's dial, so that a green test means
 * a dial that works. Loop thread.
 */

#include "connector/records.h"
#include "connector/target.h"

struct loop;
struct pool;
struct probe;

enum { PROBE_CONNECT_MS = 5 * 1000 };

struct probe_result {
    bool resolved;
    struct address address; /* with the port; when resolved */
    struct floor_verdict verdict;
    const char *error; /* NULL: connected; else record not_found floor, or a dial_word; static */
    int64_t ms;        /* of the connection; 0: none was tried */
};

/* Where a probe works; all borrowed until its end. */
struct probe_room {
    struct loop *loop;
    struct pool *pool; /* names are resolved there */
    struct records *records;
    const struct floor *const *floor; /* the one in force when the name is resolved */
};

/* Once, from the loop, never inside probe_start. The probe is gone afterwards. */
typedef void probe_done(void *arg, const struct probe_result *r);

/* `now`, broker time, is noted in the record with the result.
 *   SP_ERR_BUSY  the pool is full; SP_ERR_NOMEM */
SP_MUST sp_error probe_start(const struct probe_room *room, struct sp_id app, sp_unix_ms now,
                             probe_done *done, void *arg, struct probe **out);
void probe_cancel(struct probe *p); /* `done` will not run; NULL is allowed */

#endif
