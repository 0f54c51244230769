#ifndef SP_GATEWAY_PIPELINE_H
#define SP_GATEWAY_PIPELINE_H

/*
 * pipeline: the life of a request: the steps of docs/gateway.md as a table of functions. pipeline.c
 * alone knows their order. A step is a function of the exchange and of its own state in the app;
 * it blocks on nothing; one that needs somebody's word parks.
 *
 *   head      2 session, 3 normalise, 4 route, 5 method and path, 6 rate, 7 token, 8 size and type,
 *             9 parameters               as soon as the header block is whole
 *   body      9 body, 10 input rules, 11 detectors that block, owner rules that ask the
 *             application first   with a whole inspected body, or at once where the body streams
 *   copy      what of that phase reads a body which nothing blocks for: its bytes have left as they
 *             came, and their copy is read when all of them have. Its verdicts are hits at most
 *   answer    15 response head: retire, size      before the first byte of the answer leaves
 *   content   15 response body: schema, owner, exposure   with a whole inspected body only: held
 *             back where a rule blocks, else a copy, when all of it has left but its end
 *   account   16 counters, inventory, detectors, record   once, after the last byte or the refusal;
 *             its verdicts are not looked at
 */

#include "connector/gateway/verdict.h"
#include "lib/gateway/config.h"

struct gw_app;        /* app.h: an http app in force: configuration, routes, document, states */
struct api_operation; /* schema/openapi.h */
struct json;
struct address;

/* Where a request goes. operation NULL and template empty: unknown endpoint. */
struct gw_route {
    const struct api_operation *operation; /* of the document; NULL: not documented */
    struct view operation_id;              /* of the document; empty: none */
    struct view template;                  /* "/v1/accounts/{id}"; of document or inventory */
    size_t parameter_count;
    struct gw_pair *parameters; /* name, decoded value */
    unsigned allowed;           /* methods that this path has, 1u << enum gw_method */
};

/* A verified access token of this request; all empty when none was required. */
struct gw_token {
    bool present;
    struct view client, subject, scopes, issuer;
    struct json *claims; /* borrowed from the cache; NULL for none */
};

struct gw_hit {
    struct gw_verdict verdict; /* as `block` would have done */
    enum gw_mode mode;
};

enum { GW_HITS_MAX = 8, GW_DECISION_TEXT = 17 };

enum gw_phase {
    GW_PHASE_HEAD,
    GW_PHASE_BODY,
    GW_PHASE_COPY,
    GW_PHASE_ANSWER,
    GW_PHASE_CONTENT,
    GW_PHASE_ACCOUNT,
    GW_PHASES
};

struct gw_exchange {
    struct gw_app *app;
    const struct gw_caller *caller;
    const struct address *to; /* the application's, as the session resolved it */
    struct gw_request request;
    struct gw_response response; /* status 0: none yet */
    struct gw_route route;
    struct gw_token token;
    char decision[GW_DECISION_TEXT]; /* 16 hex digits */
    sp_boot_ms began, first_byte, ended;
    int64_t began_us;    /* `began` for measurements; 0: nobody measures */
    int64_t upstream_us; /* from the request's last byte there to the answer's head */
    int64_t own_us;      /* what steps took so far, with what they waited for while parked */
    struct gw_message_body withheld; /* of the application's answer, when ours took its place */
    size_t hit_count;
    struct gw_hit hits[GW_HITS_MAX]; /* of steps in monitor mode */
    struct gw_verdict refusal;       /* of the step that refused; outcome GW_PASS: none */
    bool own_answer;                 /* the status is ours, not the application's */

    /* Wishes that steps state. inspect_request: in the head phase, the whole body is needed;
     * inspect_answer: until the end of the answer phase. What can't be had is told in
     * body.inspected. hold_request, hold_answer besides: a rule may refuse for what it reads, so no
     * byte leaves before; without it the body streams, and its copy is read at its end. */
    bool inspect_request, hold_request, inspect_answer, hold_answer;
    bool copies_request; /* of who drives it: the body's readers wait for the copy phase */
    bool
        drop_bearer; /* Authorization goes on without its DPoP scheme and proof (identity.bearer) */

    /* Fields of our own: of the request at step 12, of the answer (Deprecation, Sunset, Link). */
    size_t answer_field_count;
    struct gw_field answer_fields[GW_OWN_FIELDS_MAX];

    /* One slot for each room whose steps remember something from phase to phase; in the arena. */
    void *guard_note, *watch_note, *schema_note;

    /* Of the step that parked: it sets both before GW_PARK. forget(x) is called when the exchange
     * ends before pipeline_resume: its answer must find nobody. */
    void *parked;
    void (*forget)(struct gw_exchange *x);

    /* Of pipeline.c and of who drives it. */
    enum gw_phase phase;
    int64_t phase_us; /* when it began */
    size_t at_step;
    void (*resumed)(struct gw_exchange *x, struct gw_verdict v);
    void *owner;
};

typedef struct gw_verdict gw_step(struct gw_exchange *x);

/* A step whose rule is in `mode`: gives `v` back when it blocks, notes it and passes when it
 * monitors. */
struct gw_verdict gw_in_mode(struct gw_exchange *x, enum gw_mode mode, struct gw_verdict v);

/* A field of ours for the answer; both views live as long as the arena. false: too many. */
bool gw_answer_field(struct gw_exchange *x, struct view name, struct view value);

/* Runs the phase's steps in order until one refuses or parks; the first refusal is kept in
 * x->refusal. */
struct gw_verdict pipeline_run(struct gw_exchange *x, enum gw_phase phase);

/* On the loop thread, never inside the step: the parked step is asked again and then the rest;
 * the owner hears the verdict. */
void pipeline_resume(struct gw_exchange *x);

/* The exchange ends: a parked step is told. */
void pipeline_forget(struct gw_exchange *x);

#endif
