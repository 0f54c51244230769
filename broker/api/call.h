#ifndef SP_API_CALL_H
#define SP_API_CALL_H

/*
 * call: what handlers read from a request and how they shape an answer. Worker threads.
 *
 * Readers that refuse fill c->why (field and sentence), so a handler passes their error on.
 */

#include "broker/api/api.h"

enum { CALL_TEXT_MAX = 512, PAGE_LIMIT = 50, PAGE_LIMIT_MAX = 200, COUNT_EXACT_MAX = 10000 };

/* A query parameter; "" when absent.
 *   SP_ERR_INVALID  there twice, broken or too long */
SP_MUST sp_error call_text(struct api_call *c, const char *name, char *out, size_t size);
/* As an id; zero when absent. SP_ERR_INVALID */
SP_MUST sp_error call_id(struct api_call *c, const char *name, struct sp_id *out);
/* As one of `words`, NULL-ended, whose place it gives; 0 when absent, which is nobody's word.
 * SP_ERR_INVALID: says which there are */
SP_MUST sp_error call_choice(struct api_call *c, const char *name, const char *const words[],
                             size_t *out);
/* RFC 3339 in UTC or with an offset; 0 when absent. SP_ERR_INVALID */
SP_MUST sp_error call_time(struct api_call *c, const char *name, sp_unix_ms *out);
/* A path parameter as a number from 1. SP_ERR_NOT_FOUND */
SP_MUST sp_error call_number(struct api_call *c, const char *name, uint64_t *out);

/* The JSON body: an object with no member beside `names` (NULL-ended). Owned by the caller.
 *   SP_ERR_UNSUPPORTED, SP_ERR_LIMIT, SP_ERR_MALFORMED */
SP_MUST sp_error call_body(struct api_call *c, const char *const names[], struct json **out);
/* {"reason": text} and nothing else; into `out`. */
SP_MUST sp_error call_reason(struct api_call *c, char out[CALL_TEXT_MAX + 1]);
/* A text member of a body. SP_ERR_INVALID: missing, another kind, or not min..max bytes. */
SP_MUST sp_error member_text(struct api_call *c, const struct json *body, const char *name,
                             size_t min, size_t max, struct view *out);
SP_MUST sp_error member_id(struct api_call *c, const struct json *body, const char *name,
                           struct sp_id *out);

/* If-Match as a version. 428 without it; SP_ERR_CONFLICT for what was never a version of ours. */
SP_MUST sp_error call_if_match(struct api_call *c, uint64_t *version);
/* After a change: waits until the snapshots that answers are made from have it. */
void settle(struct api *api);
/* The answer's ETag. */
void answer_etag(struct api_call *c, uint64_t version);

/* One page of a list. */
struct page {
    char after[CALL_TEXT_MAX + 1], q[256];
    size_t limit;
    struct json *items; /* owned until page_answer */
    size_t total;       /* that match, so far counted */
    bool more;          /* another page follows the last item */
    char next[CALL_TEXT_MAX + 1];
};
SP_MUST sp_error listing_begin(struct api_call *c, struct page *p);
/* The `sort` of a list in the store: name or seen, with '-' before it the other way round.
 * SP_ERR_INVALID */
SP_MUST sp_error call_sort(struct api_call *c, enum list_sort *sort, bool *down);
/* "TIME.REST" of a cursor; `rest` borrows from it. SP_ERR_INVALID: no cursor of ours. */
SP_MUST sp_error call_cursor(struct api_call *c, const char *after, sp_unix_ms *at,
                             const char **rest);
SP_MUST sp_error call_cursor_bad(struct api_call *c); /* says so: SP_ERR_INVALID */
/* Whether `name` has q in it, without regard to ASCII case. */
bool listing_matches(const struct page *p, const char *name);
/* Offers one row in the list's order, `key` its cursor; true: build the item and listing_push it.
 */
bool listing_wants(struct page *p, const char *key);
void listing_push(struct page *p, struct json *item);
/* The object {items, next, total, total_exact}; takes the items. */
struct json *listing_object(struct page *p);
void listing_drop(struct page *p);

/* Members that handlers set again and again. */
void set_ref(struct json *object, const char *member, struct sp_id id, const char *name);
void set_null(struct json *object, const char *member);
void set_time(struct json *object, const char *member, sp_unix_ms at);         /* 0: null */
void set_ms(struct json *object, const char *member, int64_t ms);              /* negative: null */
void set_text_or_null(struct json *object, const char *member, const char *s); /* "": null */

#endif
