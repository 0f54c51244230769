#ifndef SP_TEST_GATEWAY_IDP_H
#define SP_TEST_GATEWAY_IDP_H

/* A server on loopback that gives each request the answer of the moment and counts them. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct idp {
    int fd;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    char answer[8192]; /* whole, with head; "" closes without a word */
    unsigned wait_ms;  /* before it */
    unsigned asked;
    char request[16384]; /* the last one */
    bool stop;
};

void idp_start(struct idp *s);
void idp_stop(struct idp *s);
void idp_say(struct idp *s, const char *head, const char *body, unsigned wait_ms);
unsigned idp_asked(struct idp *s);

#endif
