#ifndef SP_GATEWAY_MATCH_H
#define SP_GATEWAY_MATCH_H

/*
 * match: which requests a rule of the gateway speaks of.
 *
 * Written   "GET /v1/accounts/{id}" or "/v1/accounts", { operation: login }, or
 *           { path: "/v1/accounts", method: GET }. Method absent or `*`: all. A rule for GET holds
 *           for HEAD too, which asks for the same.
 * Segments  a literal is compared with the decoded segment, byte for byte; `{name}` and `*` are
 *           any one segment; `**`, only as the last, is any number of them, also none. A slash at
 *           the end is not told apart: nobody passes a rule by by adding one.
 *
 * A zeroed match (nothing was written) holds for every request; gwmatch_is_set tells.
 * Pure, O(segments). Any thread.
 */

#include "lib/base/json.h"

enum { GWMATCH_TEXT_MAX = 256, GWMATCH_SEGMENTS_MAX = 32 };

enum gw_method {
    GW_METHOD_NONE = 0, /* not one of ours: 405 */
    GW_GET,
    GW_HEAD,
    GW_POST,
    GW_PUT,
    GW_PATCH,
    GW_DELETE,
    GW_OPTIONS,
    GW_METHODS
};

/* "GET" and so on, exact case; GW_METHOD_NONE for any other text. */
enum gw_method gw_method_parse(struct view text);
const char *gw_method_name(enum gw_method m); /* "" for GW_METHOD_NONE */

struct gwmatch {
    unsigned methods;                     /* 1u << enum gw_method; 0: every method */
    char path[GWMATCH_TEXT_MAX + 1];      /* as written; "": every path */
    char operation[GWMATCH_TEXT_MAX + 1]; /* operationId of the document; "": not asked */
    size_t segment_count;
    struct gwmatch_segment {
        uint16_t from, len; /* in `path`; len 0: any segment */
    } segments[GWMATCH_SEGMENTS_MAX];
    bool open; /* ends with `**` */
};

/*
 * From "GET /v1/x" or "/v1/x".
 *   SP_ERR_INVALID  unknown method, path without '/' at its beginning, `**` not at the end, empty,
 *                   "." or ".." segment, a brace or star inside a segment, too many segments
 *   SP_ERR_LIMIT    longer than GWMATCH_TEXT_MAX
 */
SP_MUST sp_error gwmatch_parse(struct view text, struct sp_why *why, struct gwmatch *out);
/* Each form above, as `read` of a CONFIG_OWN field; `at` is a struct gwmatch. */
SP_MUST sp_error gwmatch_read(const struct json *j, void *at, struct sp_why *why);

static inline bool gwmatch_is_set(const struct gwmatch *m)
{
    return m->methods != 0 || m->path[0] != '\0' || m->operation[0] != '\0';
}

/* What is asked of a match: the decoded segments of the target, and the operationId when the
 * document has the endpoint. */
struct gwmatch_subject {
    enum gw_method method;
    size_t segment_count;
    const struct view *segments;
    struct view operation; /* empty: none */
};
bool gwmatch_holds(const struct gwmatch *m, const struct gwmatch_subject *s);

/* The name between the braces of segment `i` of a path or template; empty: it has none. */
struct view gwmatch_name(struct view path, size_t i);

#endif
