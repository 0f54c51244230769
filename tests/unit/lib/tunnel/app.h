#ifndef SP_TEST_APP_H
#define SP_TEST_APP_H

/*
 * app: one side's application at a stream: sends pattern bytes, then ends; checks what comes.
 */

#include "lib/tunnel/streams.h"

/* Sends `to_send` bytes of the pattern `seed`, then ends; what comes must be the pattern `expect`.
 */
struct app {
    struct stream *stream; /* NULL: none yet */
    uint8_t seed, expect;  /* of the pattern sent, of the pattern to come */
    size_t to_send, sent, got;
    size_t take_at_once; /* write() takes so much a call; 0: all */
    bool stalled;        /* write() takes nothing */
    bool wrong;          /* a byte differed */
    bool finished, ended;
    sp_error why;
    int status;
    size_t room;
};

/* For stream_attach, with a struct app as its argument. */
extern const struct stream_io app_io;

#endif
