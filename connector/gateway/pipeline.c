#include "connector/gateway/pipeline.h"

#include "connector/gateway/document.h"
#include "connector/gateway/guard.h"
#include "connector/gateway/steps.h"
#include "connector/gateway/watch.h"

/*
 * The order of docs/gateway.md, nearly that of cost: the cheapest refusal first. Step 3 is
 * target.c and step 12 identity.c, which both run for every request.
 */
static const struct {
    enum gw_phase phase;
    gw_step *step;
    bool reads_body; /* and nothing else: not asked of a body that is copied */
} steps[] = {
    {GW_PHASE_HEAD, step_session, false},
    {GW_PHASE_HEAD, step_method, false},
    {GW_PHASE_HEAD, step_route, false},
    {GW_PHASE_HEAD, watch_route, false},
    {GW_PHASE_HEAD, step_retired, false},
    {GW_PHASE_HEAD, step_access, false},
    {GW_PHASE_HEAD, step_limit, false},
    {GW_PHASE_HEAD, step_token, false},
    {GW_PHASE_HEAD, step_limit_token, false},
    {GW_PHASE_HEAD, step_size, false},
    {GW_PHASE_HEAD, step_parameters, false},
    {GW_PHASE_HEAD, step_pollution, false},
    {GW_PHASE_HEAD, step_input, false},
    {GW_PHASE_BODY, step_request_schema, true},
    {GW_PHASE_BODY, step_pollution, true},
    {GW_PHASE_BODY, step_input, true},
    {GW_PHASE_BODY, watch_block, false},
    {GW_PHASE_BODY, watch_preflight, false}, /* costs a round trip: after all that cost none */
    {GW_PHASE_COPY, step_request_schema, false},
    {GW_PHASE_COPY, step_pollution, false},
    {GW_PHASE_COPY, step_input, false},
    {GW_PHASE_COPY, watch_copy, false},
    {GW_PHASE_ANSWER, step_want_answer, false},
    {GW_PHASE_ANSWER, watch_answer, false},
    {GW_PHASE_ANSWER, step_deprecated, false},
    {GW_PHASE_CONTENT, step_answer_schema, false},
    {GW_PHASE_CONTENT, watch_content, false},
    {GW_PHASE_ACCOUNT, watch_account, false},
    {GW_PHASE_ACCOUNT, step_record, false},
    {GW_PHASE_ACCOUNT, step_settle, false},
};

enum { STEPS = sizeof steps / sizeof steps[0] };

struct gw_verdict gw_in_mode(struct gw_exchange *x, enum gw_mode mode, struct gw_verdict v)
{
    if (v.outcome != GW_REFUSE || mode == GW_BLOCK)
        return v;
    if (mode == GW_MONITOR && x->hit_count < GW_HITS_MAX)
        x->hits[x->hit_count++] = (struct gw_hit){v, mode};
    return gw_pass();
}

bool gw_answer_field(struct gw_exchange *x, struct view name, struct view value)
{
    if (x->answer_field_count == GW_OWN_FIELDS_MAX)
        return false;
    x->answer_fields[x->answer_field_count++] = (struct gw_field){name, value};
    return true;
}

/* The steps' own time, for the metrics: that of the account comes too late for them. */
static void count_time(struct gw_exchange *x)
{
    if (x->began_us > 0 && x->phase != GW_PHASE_ACCOUNT)
        x->own_us += clock_boot_us() - x->phase_us;
}

static struct gw_verdict run_from(struct gw_exchange *x, size_t at)
{
    struct gw_verdict v = gw_pass();

    for (; at < STEPS; at++) {
        if (steps[at].phase != x->phase || (steps[at].reads_body && x->copies_request))
            continue;
        x->at_step = at;
        v = steps[at].step(x);
        if (x->phase != GW_PHASE_ACCOUNT && v.outcome != GW_PASS)
            break;
    }
    if (v.outcome == GW_REFUSE && x->phase != GW_PHASE_ACCOUNT)
        x->refusal = v;
    if (v.outcome != GW_PARK)
        count_time(x);
    return v;
}

struct gw_verdict pipeline_run(struct gw_exchange *x, enum gw_phase phase)
{
    x->phase = phase;
    if (x->began_us > 0)
        x->phase_us = clock_boot_us();
    return run_from(x, 0);
}

void pipeline_resume(struct gw_exchange *x)
{
    struct gw_verdict v = run_from(x, x->at_step);

    if (v.outcome == GW_PARK)
        return;
    x->forget = NULL;
    x->resumed(x, v);
}

void pipeline_forget(struct gw_exchange *x)
{
    void (*forget)(struct gw_exchange *) = x->forget;

    x->forget = NULL;
    if (forget != NULL)
        forget(x);
}
