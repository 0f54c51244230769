#ifndef SP_HTTP_MESSAGE_H
#define SP_HTTP_MESSAGE_H

/*
 * message: one HTTP request as a handler reads it, and the response that it fills.
 *
 * Made by   server.c, on the loop, from what libwebsockets parsed; tests build one by hand.
 * Read by   handlers, on a worker. A request is read-only and lives until the handler returns;
 *           all its views point into it.
 * Not here  routing and roles (broker/api/router, broker/pages), cookies (cookie.h), forms
 *           (form.h), RFC 9457 bodies (problem.h).
 * A zeroed request has no method, no peer and no header: it matches no route.
 */

#include "lib/base/buf.h"
#include "lib/base/id.h"
#include "lib/base/json.h"

enum http_method {
    METHOD_NONE = 0, /* unknown: server.c has answered 501 already */
    METHOD_GET,
    METHOD_HEAD, /* handled as GET; server.c leaves the body out */
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS /* known, and served nowhere: 405 says what is */
};

enum {
    REQUEST_HEAD_BYTES_MAX = 16 * 1024,   /* request line and headers together; 431 above */
    REQUEST_PATH_BYTES_MAX = 2 * 1024,    /* 414 above */
    REQUEST_QUERY_BYTES_MAX = 8 * 1024,   /* 414 above */
    REQUEST_BODY_BYTES_MAX = 1024 * 1024, /* 413 above; a server may set less */
    REQUEST_HEADERS_MAX = 64,             /* 431 above */
    REQUEST_PARAMS_MAX = 8,               /* path parameters of one route */
    REQUEST_PEER_TEXT = 64,
    REQUEST_REF_TEXT = 16,
    RESPONSE_HEAD_BYTES_MAX = 16 * 1024,
    RESPONSE_BODY_BYTES_MAX = 16 * 1024 * 1024
};

struct http_header {
    struct view name;  /* lower case */
    struct view value; /* without blanks around it */
};

struct http_param {
    struct view name, value; /* value: percent-decoded, UTF-8, without NUL and '/' */
};

struct request {
    enum http_method method;
    struct view path;  /* percent-decoded once, UTF-8, begins with '/', no NUL, no dot segments */
    struct view query; /* raw, without '?'; request_query() reads one value */
    const struct http_header *headers;
    size_t header_count;
    struct view body;             /* whole, or empty */
    char peer[REQUEST_PEER_TEXT]; /* address of the peer (from PROXY v2 if that was used), as
                                     inet_ntop writes it, without port; IPv4 never mapped */
    uint16_t peer_port;
    char ref[REQUEST_REF_TEXT]; /* "R-7Q2M4K9C": names this request in logs, audit and answers */
    bool tls;                   /* it came over TLS */
    struct http_param params[REQUEST_PARAMS_MAX]; /* filled by request_match() */
    size_t param_count;
};

/* Text of a method, "GET"; "" for METHOD_NONE. And back: METHOD_NONE for what we don't serve. */
const char *http_method_name(enum http_method m);
enum http_method http_method_parse(struct view name);

/* The value of a header, `name` in lower case; empty when absent. Of several the first: server.c
 * refused duplicates of those where a second value could mean something else (host,
 * content-length, content-type, authorization, origin, if-match, cookie). */
struct view request_header(const struct request *req, const char *name);

/*
 * Does the path match `pattern`, such as "/api/v1/sessions/{id}"? A parameter takes exactly one
 * non-empty segment. On true the parameters are in req->params (borrowing pattern and path); on
 * false they are as they were.
 */
bool request_match(struct request *req, const char *pattern);

/* A path parameter; empty when the route has none of this name. */
struct view request_param(const struct request *req, const char *name);

/*
 * A path parameter as an id.
 *   SP_ERR_NOT_FOUND  no such parameter, or no well-formed id: to the caller there is no such thing
 */
SP_MUST sp_error request_id(const struct request *req, const char *name, struct sp_id *out);

/*
 * Appends the decoded value of a query parameter to `out`.
 *   SP_ERR_NOT_FOUND  not there
 *   SP_ERR_MALFORMED  there twice, or the query breaks its format (form.h)
 *   SP_ERR_LIMIT      longer than out takes
 */
SP_MUST sp_error request_query(const struct request *req, const char *name, struct buf *out);

/*
 * The body as JSON: content type application/json (charset utf-8 or none), at most `max` bytes.
 * `*out` is owned by the caller. `why` says what is wrong.
 *   SP_ERR_UNSUPPORTED  another content type
 *   SP_ERR_LIMIT, SP_ERR_MALFORMED, SP_ERR_NOMEM  from json_parse
 */
SP_MUST sp_error request_json(const struct request *req, size_t max, struct sp_why *why,
                              struct json **out);

/* The media type of the body is `type`, whatever its parameters. `type` in lower case. */
bool request_is_type(const struct request *req, const char *type);

/* ---- response ---------------------------------------------------------------------------- */

/* What a browser may do with the page; server.c writes the headers (web_headers in server.c). */
enum response_policy {
    RESPONSE_STRICT = 0, /* default-src 'none': JSON, redirects, errors */
    RESPONSE_PAGE,       /* self only, forms to self, no script: the broker's own pages */
    RESPONSE_CONSOLE     /* self only, with script and websocket: the console */
};

struct response {
    int status; /* 0 until one of the builders ran: server.c answers 500 then */
    enum response_policy policy;
    bool cacheable;          /* false: Cache-Control: no-store; true: the handler set its own */
    const char *form_action; /* RESPONSE_PAGE: one more origin that a form may lead to, borrowed;
                                NULL: none (a login page that redirects to a loopback address) */
    struct buf head;         /* "name: value\r\n" lines, checked */
    struct buf body;         /* owned */
    struct view fixed;       /* instead of body: borrowed for ever (the compiled-in console) */
};

void response_init(struct response *res);
void response_deinit(struct response *res);
/* Empties it: a handler that fails half-way starts anew. */
void response_reset(struct response *res);

/*
 * Adds a header. Failures stick in res->head: server.c answers 500 when response_error() is set.
 * A name that is no token, a value with a control character, or more than the limit is such a
 * failure: nothing that a peer sent can end a line. content-length, connection, date and the
 * security headers are server.c's.
 */
void response_header(struct response *res, const char *name, struct view value);
SP_MUST sp_error response_error(const struct response *res);

void response_empty(struct response *res, int status);
/* Takes `body`; NULL (no memory) makes the response an error. Content-Type application/json. */
void response_json(struct response *res, int status, struct json *body);
/* Body text/html, moved out of `body`, which is empty afterwards; its error moves along. */
void response_html(struct response *res, int status, struct buf *body);
/* Copies `body`. `type` is a whole Content-Type value. */
void response_text(struct response *res, int status, const char *type, struct view body);
/* Borrows `body` for ever: for what is compiled in. `etag` quoted; NULL: none. `encoding` "gzip"
 * or NULL. */
void response_fixed(struct response *res, int status, const char *type, struct view body,
                    const char *etag, const char *encoding);
/* 303 See Other (OA-5): also after a POST. `location` is percent-encoded already. */
void response_redirect(struct response *res, struct view location);

#endif
