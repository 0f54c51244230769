#ifndef SP_GATEWAY_GUARD_INTERNAL_H
#define SP_GATEWAY_GUARD_INTERNAL_H

/* The state behind guard.h; guard.c owns it, the files of its steps read it. */

#include "connector/gateway/dpop.h"
#include "connector/gateway/guard.h"
#include "connector/gateway/input.h"
#include "connector/gateway/introspect.h"
#include "connector/gateway/keyring.h"

struct guard {
    const struct gwconf *conf;
    struct rate *rate;
    struct keyring *keyring;
    struct seen_tokens *seen;      /* NULL: no tokens are asked for */
    struct introspect *introspect; /* NULL: none is configured */
    struct dpop *dpop;             /* NULL: no proofs are asked for */
};

struct guard_note {
    struct guard *guard;
    struct rate_held *held;
    struct token *token; /* shared */
    struct waiter waiter;
    bool asked_again; /* for a kid that the key set lacks: once a request */
    /* Input rules: what the document has told of free texts in this phase. */
    bool texts_told;                   /* those that are free are known: no other is judged */
    enum input_finding text;           /* the first that looks like an attack */
    char text_pointer[GW_DETAIL_TEXT]; /* its place: "query/q", "/note" */
};

/* The request's note, made when it has none. NULL: no memory. */
struct guard_note *guard_note(struct guard *g, struct gw_exchange *x);

struct gwmatch_subject guard_subject(const struct gw_exchange *x);

/* The first row of `operations` that matches; NULL: none. */
const struct gwconf_operation *guard_operation(const struct guard *g, const struct gw_exchange *x);

#endif
