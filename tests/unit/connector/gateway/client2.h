#ifndef SP_TEST_GATEWAY_CLIENT2_H
#define SP_TEST_GATEWAY_CLIENT2_H

/* client2: a client of HTTP/2 in front of a rig's gateway. */

#include "connector/gateway/http2.h"
#include "tests/unit/connector/gateway/rig.h"

enum { CLIENT2_CALLS = 128 };

struct client2_call {
    struct client2 *client;
    struct http2_stream *s;          /* NULL: closed */
    struct buf head, body, trailers; /* fields as "name: value\n" */
    bool ended, closed, holds;       /* holds: no credit is given back */
    uint32_t code;
};

struct client2 {
    struct rig *rig;
    size_t user;
    struct http2 *h2;
    struct arena_pool pool;
    size_t in_at; /* of the rig's `in` */
    bool broken;
    size_t count;
    struct client2_call calls[CLIENT2_CALLS];
};

void client2_init(struct client2 *c, struct rig *r, size_t user);
void client2_deinit(struct client2 *c);

/* `extra`: pairs of names and values, NULL-ended. */
struct client2_call *client2_ask(struct client2 *c, const char *method, const char *path,
                                 const char *const *extra, bool end);
void client2_say(struct client2_call *k, const char *text, bool end);
void client2_turn(struct client2 *c);
bool client2_got(struct client2_call *k, const char *text); /* in head, body or trailers */

#define client2_until(c, cond)                        \
    do {                                              \
        int64_t client2_end = clock_boot() + 5000;    \
        while (!(cond) && clock_boot() < client2_end) \
            client2_turn(c);                          \
        check(cond);                                  \
    } while (0)

#endif
