#ifndef SP_HTTP_SERVER_H
#define SP_HTTP_SERVER_H

/*
 * server: HTTP/1.1 requests from accepted sockets to workers, and answers back.
 *
 * The loop parses a request completely, then a worker runs the handler, then the loop writes the
 * answer. It never listens itself: whoever accepts (broker/front, an operations endpoint) passes
 * sockets in. Refused before a handler sees anything:
 *   400  malformed head, no Host, a second value of a header that must have one (intake.c), a
 *        Content-Length that is negative, no number, over 2^63 or twice (DEP-1T), any
 *        Transfer-Encoding, a body with GET, dot segments or NUL in the path
 *   411  POST, PUT or PATCH without Content-Length
 *   413  body over the limit
 *   414  path or query too long
 *   431  head over 16 KiB or 64 headers; over 60 KiB the connection ends without an answer
 *   501  another method
 *   503  the workers' queue is full, with Retry-After
 * Each answer carries the security headers: nosniff, Referrer-Policy no-referrer, CSP by
 * response.policy, X-Frame-Options DENY, HSTS over TLS, Cross-Origin-Opener- and
 * -Resource-Policy same-origin, Cache-Control no-store unless cacheable.
 * Timeouts: TLS, then head, then each part of a body 10 s (ENGINE_HEAD_MS), a whole body 60 s,
 * handler none (it has deadlines of its own), an answer of which nothing is taken 20 s,
 * keep-alive 30 s. A request that comes before the answer to the one before ends the connection
 * unread. Loop thread only, but the handler.
 */

#include "lib/http/engine.h"
#include "lib/http/message.h"
#include "lib/os/prefix.h"

struct pool;
struct server;
struct channel_listener;
struct lws_protocols;

/* Runs on a worker; several at once. Fills `res`; what it leaves empty becomes a 500. */
typedef void http_handler(void *arg, const struct request *req, struct response *res);

/* On the loop: does the handler of this request call another server (OIDC callback)? At most half
 * of the workers may (lib/os/pool.h). Must not block. */
typedef bool http_outbound(void *arg, const struct request *req);

struct server_options {
    struct pool *pool;     /* borrowed until server_free */
    const char *cert_file; /* PEM chain; NULL: no TLS (operations endpoints on loopback) */
    const char *key_file;  /* PEM, 0600 */
    http_handler *handle;
    http_outbound *outbound; /* NULL: none does */
    void *arg;               /* borrowed */
    size_t body_max;         /* 0: REQUEST_BODY_BYTES_MAX */
    /* Proxies that end TLS in front of us: what they say in X-Forwarded-For is the peer of a
     * request (forwarded.h). Borrowed until server_free; NULL: none, and the header is any other.
     */
    const struct prefixes *proxies;
    /* Websocket endpoints beside HTTP: from live_protocol() and listener_protocol(); borrowed. */
    const struct lws_protocols *const *endpoints;
    size_t endpoint_count;
};

/*
 * One server an engine: among several on one port (and "none" is one) libwebsockets chooses by the
 * Host header, so a request could reach another server than its socket was given to.
 *   SP_ERR_EXISTS                        the engine has a server already
 *   SP_ERR_NOT_FOUND, SP_ERR_PERMISSION  certificate or key can't be read; `why` names the file
 *   SP_ERR_TLS                           they are not fitting PEM
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error server_new(struct engine *engine, const struct server_options *o,
                            struct sp_why *why, struct server **out);
/* Stops taking sockets and requests, waits for the running handlers, closes all connections. */
void server_free(struct server *s);

/*
 * Takes the connected socket `fd` (closed also when it fails), with any unread bytes still in it.
 * `peer` is the address as in struct request, `port` its port; NULL: asked from the socket.
 *   SP_ERR_LIMIT  too many connections (the descriptor's number is SERVER_DESCRIPTORS_MAX or above)
 *   SP_ERR_IO
 */
SP_MUST sp_error server_adopt(struct server *s, int fd, const char *peer, uint16_t port);

enum {
    SERVER_DESCRIPTORS_MAX = 16384,
    SERVER_BODY_MS = 60 * 1000,
    SERVER_ANSWER_MS = 20 * 1000 /* without room for the next WRITE_BYTES of it */
};

/*
 * Fills the request's peer: what server_adopt was told of the connection, else the socket's; when
 * that is one of the proxies, whom it speaks for (port 0). For the endpoints, too.
 *   SP_ERR_MALFORMED  one of the proxies wrote what is no address: nobody knows who asks
 */
struct lws;
SP_MUST sp_error server_peer(struct lws *wsi, struct request *req);

struct server_counts {
    uint64_t requests, refused; /* since start; refused: answered without a handler */
    size_t handlers;            /* now */
};
struct server_counts server_counts(const struct server *s);

#endif
