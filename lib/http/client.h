#ifndef SP_HTTP_CLIENT_H
#define SP_HTTP_CLIENT_H

/*
 * client: one outbound HTTP exchange: a blocking call with a deadline. libcurl ends here.
 *
 * For identity providers, feeds, sallyport-admin. TLS 1.2 or 1.3; certificates verified by name,
 * chain and date against the system store plus configured CAs, always; there is no switch.
 * Redirects are not followed unless asked for, and then only on the same origin. HTTP(S) only.
 * Proxies: proxy.h chooses by the environment (C-027). A worker only: it blocks.
 */

#include "lib/http/message.h"
#include "lib/http/proxy.h"

enum {
    CLIENT_BODY_BYTES_MAX = 8 * 1024 * 1024,
    CLIENT_DEADLINE_MS = 10 * 1000,
    CLIENT_HEADERS_MAX = 32
};

/* What a program sets up once; used by many calls at once, from any worker. */
struct client;

struct client_options {
    const char *ca_file;           /* more CAs, PEM; NULL: the system store only; copied */
    bool only_ca_file;             /* ignore the system store: pinned private CA */
    const char *user_agent;        /* NULL: "sallyport/VERSION"; copied */
    const struct proxy_env *proxy; /* NULL: no proxy; borrowed */
    size_t at_once; /* calls under way at the same time, others wait within their deadline: half
                       of the workers (PROTOCOL §11). 0: no limit. After a call that ended at its
                       deadline one at a time and nobody waits, until one is in time: a server
                       that has stopped to answer holds one worker, not all of them */
};

/*   SP_ERR_NOT_FOUND, SP_ERR_MALFORMED  the CA file; SP_ERR_NOMEM */
SP_MUST sp_error client_new(const struct client_options *o, struct sp_why *why,
                            struct client **out);
void client_free(struct client *c);

struct client_request {
    enum http_method method;
    const char *url; /* http or https, as url.h reads it */
    struct {
        const char *name;
        struct view value;
    } headers[CLIENT_HEADERS_MAX]; /* ended by a NULL name */
    struct view body;
    int64_t deadline_ms;     /* for the whole exchange; 0: CLIENT_DEADLINE_MS */
    size_t body_max;         /* of the answer; 0: CLIENT_BODY_BYTES_MAX */
    bool follow_same_origin; /* at most 3 redirects, GET only */
    bool allow_http;         /* plain http, which is refused else but to loopback addresses */
    const char *want;        /* one more header of the answer, kept in `wanted`; NULL: none */
};

struct client_response {
    int status;
    struct buf body;             /* owned */
    struct buf type;             /* Content-Type, or empty; owned */
    struct buf location;         /* owned */
    int64_t max_age_s;           /* Cache-Control max-age; -1: none */
    int64_t retry_after_s;       /* -1: none */
    struct buf etag;             /* owned */
    struct buf www_authenticate; /* owned */
    struct buf set_cookie;       /* all Set-Cookie lines, '\n' between; owned */
    struct buf wanted;           /* the header that the request asked to keep; owned */
    const char *want;            /* its name, during the call */
};
void client_response_init(struct client_response *r);
void client_response_deinit(struct client_response *r); /* wipes: token answers are secrets */

/*
 * Any status is SP_OK: the caller judges it. `out` was initialised by the caller and is filled on
 * SP_OK. `why` says what failed, with host and port, for people; never a header or body.
 *   SP_ERR_INVALID      the URL
 *   SP_ERR_UNREACHABLE  name not found, connection or proxy refused
 *   SP_ERR_TLS          certificate or handshake: `why` tells the kind (name, issuer, date)
 *   SP_ERR_TIMEOUT      the deadline
 *   SP_ERR_LIMIT        the answer is longer than body_max
 *   SP_ERR_PROTOCOL     not HTTP, or a redirect to elsewhere
 *   SP_ERR_BUSY         no slot of at_once within the deadline, or its server is late already
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error client_call(struct client *c, const struct client_request *q, struct sp_why *why,
                             struct client_response *out);

#endif
