#ifndef SP_TEST_GATEWAY_WARD_H
#define SP_TEST_GATEWAY_WARD_H

/*
 * ward: a guard as an app has it. Requests are made by hand, keys come from a server on loopback
 * (idp.h).
 */

#include "connector/gateway/guard.h"
#include "tests/unit/check.h"
#include "tests/unit/connector/gateway/idp.h"

#define NOW INT64_C(1764038400000)

struct ward {
    struct idp idp;
    struct loop *loop;
    struct pool *pool;
    struct client *client;
    struct gwconf *conf;
    struct guard *guard;
    struct arena_pool arenas;
    struct key_secret *issuer, *device, *holder;
    struct gw_caller caller;
    struct view group, segments[4];
    struct gw_pair attribute, pair;
    struct gw_field fields[3];
    struct gw_exchange x;
    struct buf token, text, proof;
    unsigned resumed;
};

/* Of one test, which has the ward as its state. */
int ward_set_up(void **state);
int ward_tear_down(void **state);
#define WARD_TEST(f) cmocka_unit_test_setup_teardown(f, ward_set_up, ward_tear_down)

void ward_configure(struct ward *w, const char *text);

/* A new request; the one before ends. */
void ward_request(struct ward *w, enum gw_method method, const char *path);
void ward_end(struct ward *w);

/* `says` is part of the challenge. */
void refused(struct gw_verdict v, enum gw_reason reason, int status, const char *says);
void passed(struct gw_verdict v);

#endif
