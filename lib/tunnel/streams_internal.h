#ifndef SP_TUNNEL_STREAMS_INTERNAL_H
#define SP_TUNNEL_STREAMS_INTERNAL_H

#include <nghttp2/nghttp2.h>

#include "lib/tunnel/pile.h"
#include "lib/tunnel/streams.h"

enum {
    /* With its 9-byte header a full DATA frame is four full TLS records. */
    DATA_PAYLOAD_MAX = TUNNEL_BATCH_BYTES - 9,
    HTTP2_FRAME_MAX = TUNNEL_BATCH_BYTES,
    STREAM_GRAIN_BYTES = 64 * 1024,
    AUTHORITY_MAX = SP_ID_TEXT + 1 + 3
};

/* What happened to a stream inside nghttp2 and is told when nghttp2 has returned, since its
 * callbacks may not call back into it. */
enum stream_news { NEWS_ANSWERED = 1, NEWS_FINISHED = 2, NEWS_ENDED = 4, NEWS_OPENED = 8 };

struct stream {
    struct streams *streams;   /* borrowed; NULL: its session is gone */
    struct stream *next, **at; /* all streams of the session */
    struct stream *next_news;  /* the queue of those with news */
    unsigned news;             /* enum stream_news */
    bool queued;               /* in that queue */
    int32_t id;                /* nghttp2's; 0: not known yet */
    unsigned port;
    int status;                 /* of the answer; 0: none yet */
    const struct stream_io *io; /* borrowed; NULL: not attached */
    void *arg;
    bool begun;      /* nghttp2 knows its id: credit can be given */
    bool sending;    /* our HEADERS are out: DATA may follow (nghttp2 asks for it) */
    bool deferred;   /* nghttp2 waits for stream_readable */
    bool peer_ended; /* END_STREAM came */
    bool finished_told, ended_told;
    bool over;  /* nghttp2 knows it no more */
    bool owned; /* someone will call stream_free */
    bool bad_request;
    bool method_seen, authority_seen;
    sp_error why; /* with over, or of our reset */
    struct pile pile;
    int64_t credit; /* what the peer may still send; below 0: it did not know our settings yet */
    size_t target;  /* what it may have at most when the local side keeps up */
    size_t lent;    /* of the session's: what may pile up beyond STREAM_FIRST_BYTES */
    uint64_t sent, received;
};

struct streams {
    nghttp2_session *h2; /* owned */
    enum streams_role role;
    unsigned max, live;
    char app[SP_ID_TEXT + 1];
    struct streams_hooks hooks;
    void *arg;
    struct stream *all;              /* owned until someone took them over */
    struct stream *news, **news_end; /* queue */
    bool in_library;                 /* nghttp2 is on the stack */
    bool telling;                    /* news are being told */
    bool output_told;
    bool data_allowed; /* the peer's bind was checked */
    bool draining, ponged, broken;
    size_t piled;
    size_t lent; /* sum of the streams' */
    uint64_t sent, received;
};

/* stream.c */
struct stream *stream_make(struct streams *s, int32_t id); /* NULL: out of memory */
void stream_drop(struct stream *st);                       /* out of the list, and free */
void stream_note(struct stream *st, unsigned news);
void stream_note_over(struct stream *st, sp_error why);
/* DATA of the peer: as much as possible to the local side, the rest on the pile. */
SP_MUST sp_error stream_deliver(struct stream *st, struct view bytes);
ssize_t stream_read_source(nghttp2_session *h2, int32_t id, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *user);
void stream_reset(struct stream *st, uint32_t code, sp_error why);
void stream_begun(
    struct stream *st); /* nghttp2 knows it: the peer gets more than its first window */
void stream_settle(struct stream *st); /* its peer has ended: only what is piled up is lent still */

/* streams.c: the session's window, with nghttp2 off the stack. */
void streams_refill(struct streams *s);

/* nghttp2 has something to send. */
void streams_output(struct streams *s);
void streams_tell(struct streams *s);

#endif
