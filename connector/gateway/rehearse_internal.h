#ifndef SP_GATEWAY_REHEARSE_INTERNAL_H
#define SP_GATEWAY_REHEARSE_INTERNAL_H

/* rehearse.c plays the record; rehearse_objects.c judges whose objects are in it. */

#include "connector/gateway/rehearse.h"
#include "connector/gateway/watch.h"
#include "lib/http/url.h"

struct guard;
struct routes;

struct stage {
    const struct rehearsal_options *o;
    struct gwconf conf; /* of `o`, but tokens are not asked for; lists are borrowed */
    struct guard *guard;
    struct arena_pool arenas;
    struct routes *routes;               /* owned; NULL: no document */
    const struct json *entries;          /* borrowed */
    char subject[WATCH_SUBJECT_MAX + 1]; /* what the app calls the person; "" not yet said */
    struct rehearsal *out;
};

/* One entry while it is judged. */
struct act {
    struct stage *s;
    size_t index; /* of the entry */
    struct gw_exchange x;
    sp_unix_ms at;
    struct url url;
    struct scratch scratch;
    bool blocked;
};

/* rehearse.c. Notes a refusal; true: go on. */
bool act_took(struct act *a, struct gw_verdict v);

/* rehearse_objects.c. true: go on. */
bool objects_in_request(struct act *a);
bool objects_in_answer(struct act *a, const struct json *response);

#endif
