#ifndef SP_TEST_CONNECTOR_SCENE_H
#define SP_TEST_CONNECTOR_SCENE_H

/*
 * scene: what every part of a connector works with: a loop and its workers, a key set whose grant
 * and record keys the test holds, records of apps, a floor. Broker time is the wall clock.
 */

#include "connector/records.h"

#include "lib/os/loop.h"
#include "lib/os/pool.h"
#include "lib/trust/mint.h"
#include "tests/unit/check.h"

struct scene {
    struct loop *loop;
    struct pool *pool;
    struct key_secret *grants, *record_key, *own, *device; /* own: the connector's */
    struct keyset keys;
    struct records records;
    struct floor *floor;
    struct sp_id site, id; /* id: the connector's */
};

void scene_init(struct scene *s, const char *floor);
void scene_deinit(struct scene *s);
void scene_floor(struct scene *s, const char *text); /* another one is in force */

/* The record of `app` (a zero id: a new app) in its next version. Returns the app's id. */
struct sp_id scene_app(struct scene *s, struct sp_id app, const char *host, uint16_t port);

/* A TCP server on loopback: its port. */
uint16_t scene_listen(int *fd);

sp_unix_ms scene_now(void *arg); /* broker time, for options */

/* Turns the loop until `cond` holds; a test fails after 5 s. */
#define scene_until(s, cond)                        \
    do {                                            \
        sp_boot_ms scene_end = clock_boot() + 5000; \
        while (!(cond) && clock_boot() < scene_end) \
            scene_turn(s);                          \
        check(cond);                                \
    } while (0)
/* Removes a folder with its files, or a file. */
void scene_clear(const char *path);
void scene_turn(struct scene *s);
void scene_for(struct scene *s, int64_t ms);

#endif
