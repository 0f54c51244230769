#ifndef SP_HTTP_INTAKE_H
#define SP_HTTP_INTAKE_H

/*
 * intake: from the head that libwebsockets parsed to a struct request, checked. A part of
 * server.c; live.c and lib/channel use intake_peer and intake_header for their upgrades.
 *
 * libwebsockets' parser is lenient where RFC 9112 is not (it takes two Content-Length headers,
 * reads them with atoll, and so on); everything that the header of server.h promises is therefore
 * checked here, on the parsed result. Loop thread.
 */

#include "lib/http/message.h"

struct lws;

enum { INTAKE_QUERY_ROOM = 3 * REQUEST_QUERY_BYTES_MAX };

struct intake {
    struct request request;
    struct http_header headers[REQUEST_HEADERS_MAX];
    struct buf text;        /* owned: names, values, path; reserved once, so views stay good */
    struct buf query;       /* owned: encoded again, since libwebsockets hands it out decoded */
    int64_t content_length; /* 0 when absent */
    bool has_content_length;
    bool expects_continue;
    bool close; /* the connection ends after the answer */
};

/*
 * Fills `in`; 0, or the HTTP status of the refusal (the request then holds what was read so far,
 * and always peer and ref). intake_deinit in every case.
 */
int intake_head(struct lws *wsi, struct intake *in);
void intake_deinit(struct intake *in);

/*
 * The same for a websocket upgrade to exactly `path`, without a query (WS-15), version 13, one
 * key (WS-12). 0, or a status; nothing is answered, the caller ends the connection.
 */
int intake_upgrade(struct lws *wsi, const char *path, struct intake *in);

/* Where the connection comes from; `peer` as in struct request. */
void intake_peer(struct lws *wsi, char peer[REQUEST_PEER_TEXT], uint16_t *port);

/* "R-" and eight Crockford digits from the kernel's generator. */
void intake_ref(char ref[REQUEST_REF_TEXT]);

#endif
