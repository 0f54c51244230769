#ifndef SP_GATEWAY_REQUEST_H
#define SP_GATEWAY_REQUEST_H

/*
 * request: one HTTP request as the gateway understands it, and the answer to it. Every reader
 * (rules, schema, detectors, the application) sees these parsed values; raw bytes go nowhere.
 *
 * Made by   http1.c (llhttp, then strict.c) or http2.c, then target.c, in this order.
 * Read by   the steps of pipeline.h. All views live in the request's arena until it ends.
 * Field names are lower case, values without outer white space (RFC 9110 section 5.5).
 */

#include "connector/gateway/arena.h"
#include "lib/base/clock.h"
#include "lib/base/id.h"
#include "lib/crypto/key.h"
#include "lib/gateway/match.h"

enum {
    GW_HEADERS_MAX = 256, /* limits.headers is at most this */
    GW_SEGMENTS_MAX = 64,
    GW_QUERY_MAX = 256
};

struct gw_field {
    struct view name, value;
};

/* Fields of our own that a request gets, in the making. Their bytes are in an arena. */
enum { GW_OWN_FIELDS_MAX = 16 };
struct gw_own {
    struct gw_field at[GW_OWN_FIELDS_MAX];
    size_t n;
};

/* One "name=value" of a query or a form, percent-decoded once. */
struct gw_pair {
    struct view name, value;
};

/* RFC 3986 path, split at '/' before one decode; no empty, "." or ".." segment is ever here. */
struct gw_target {
    struct view path;  /* as it goes to the application: normalised, encoded, begins with '/' */
    struct view query; /* as it goes to the application, without '?' */
    size_t segment_count;
    struct view *segments; /* decoded */
    bool slash_at_end;
    size_t query_count;
    struct gw_pair *pairs;
};

enum gw_body_kind { GW_BODY_NONE = 0, GW_BODY_LENGTH, GW_BODY_CHUNKED };

/* Why a body was not read by rules; counted, shown, never hidden. */
enum gw_inspected {
    GW_NOT_INSPECTED = 0, /* not asked for */
    GW_INSPECTED,
    GW_OVERSIZE,
    GW_STREAMING,
    GW_CODING,
    GW_MEDIA_TYPE,
    GW_BROKEN,  /* not what its media type or its coding says */
    GW_INFLATES /* its coding holds more than may be read */
};

struct gw_message_body {
    enum gw_body_kind kind;
    uint64_t length;          /* GW_BODY_LENGTH */
    struct view content_type; /* the media type alone, lower case; empty: none */
    struct view coding;       /* content-encoding, lower case; empty: identity */
    struct view bytes;        /* decoded, whole; only when inspected is GW_INSPECTED */
    enum gw_inspected inspected;
    uint64_t seen; /* bytes that passed so far */
};

struct gw_request {
    struct arena *arena; /* borrowed */
    enum gw_method method;
    struct view method_text, host;
    struct gw_target target;
    size_t field_count;
    struct gw_field *fields; /* hop-by-hop ones are gone */
    struct gw_message_body body;
    bool keep_alive, expect_continue, websocket;
    bool grpc;         /* a call of gRPC: its messages stream both ways */
    int version_minor; /* 0 or 1; 2 for HTTP/2 */
};

struct gw_response {
    int status;
    int meaning; /* of a call of gRPC: what its grpc-status says, as a status of HTTP; 0: status */
    size_t field_count;
    struct gw_field *fields;
    struct gw_message_body body;
    bool keep_alive, switched; /* 101 */
};

/* What the application said of the request, to whoever learns from it. */
static inline int gw_meaning(const struct gw_response *r)
{
    return r->meaning != 0 ? r->meaning : r->status;
}

/* The first value of a field, empty when absent; *count (may be NULL) gets how many there are. */
struct view gw_field_find(const struct gw_field *fields, size_t n, const char *name, size_t *count);

/* Who asks: facts of the session, verified at its start and kept true while it lives. */
struct gw_caller {
    struct sp_id session, app, user; /* user: pairwise for the site, never empty */
    struct key_public device;
    struct view device_text; /* thumbprint, base64url; also the key of limits */
    struct view name, email; /* empty: the record does not list them */
    size_t group_count;
    const struct view *groups; /* "idp/group" */
    size_t attribute_count;
    const struct gw_pair *attributes;
    sp_unix_ms opened, deadline; /* broker time */
    int64_t policy_version;
    bool alive; /* not cut; read for every request (GATEWAY step 2) */
};

#endif
