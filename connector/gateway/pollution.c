#include "connector/gateway/pollution.h"

#include "connector/gateway/app.h"
#include "connector/gateway/steps.h"
#include "connector/gateway/target.h"
#include "connector/gateway/watch_internal.h"
#include "lib/schema/openapi.h"
#include "lib/schema/value.h"

/*
 * Parameter pollution (GATEWAY section 9.4): a name with two values, of which rules read one and
 * the application another. What the document declares, its own check judges; here is the rest:
 * names that no document declares, forms and JSON that no schema covers, and a path parameter that
 * comes again in the query or the body with another value.
 */

struct judging {
    struct gw_exchange *x;
    const struct gwconf *conf;
};

static struct gw_verdict polluted(const struct judging *j, const char *in, struct view name,
                                  const char *rule)
{
    struct gw_verdict v = gw_refuse(GW_REASON_DUPLICATE_PARAMETER);
    struct buf text;

    buf_init(&text, 1024);
    buf_addf(&text, "%s/%.*s", in, (int)(name.len > 100 ? 100 : name.len),
             name.len > 0 ? (const char *)name.at : "");
    gw_say_place(&v, j->x->request.arena, buf_view(&text), rule);
    view_copy(v.rule, sizeof v.rule, view_str("pollution"));
    buf_deinit(&text);
    return gw_in_mode(j->x, (enum gw_mode)j->conf->detectors.pollution, v);
}

/* "ids[]": a list by the name it is given. */
static bool is_list(struct view name)
{
    return name.len > 2 && name.at[name.len - 2] == '[' && name.at[name.len - 1] == ']';
}

/* The first pair whose name stands before with another value; NULL: none. */
static const struct gw_pair *again(const struct gw_pair *pairs, size_t count,
                                   const struct api_operation *declared)
{
    for (size_t i = 1; i < count; i++) {
        if (is_list(pairs[i].name))
            continue;
        for (size_t k = 0; k < i; k++)
            if (view_equal(pairs[i].name, pairs[k].name) &&
                !view_equal(pairs[i].value, pairs[k].value) &&
                (declared == NULL || !api_takes_query(declared, pairs[i].name)))
                return &pairs[i];
    }
    return NULL;
}

/* Only a document names the parameters of a path; names that the inventory made say nothing. */
static bool contradicts_path(const struct gw_exchange *x, struct view name, struct view value)
{
    for (size_t i = 0; x->route.operation != NULL && i < x->route.parameter_count; i++)
        if (view_equal(x->route.parameters[i].name, name) &&
            !view_equal(x->route.parameters[i].value, value))
            return true;
    return false;
}

static bool is_form(struct view type)
{
    return view_is(type, "application/x-www-form-urlencoded");
}

static struct gw_verdict judge_query(const struct judging *j)
{
    const struct gw_exchange *x = j->x;
    const struct gw_target *t = &x->request.target;
    const struct api_operation *op = j->conf->openapi.request == GW_OFF ? NULL : x->route.operation;
    const struct gw_pair *twice = again(t->pairs, t->query_count, op);
    struct gw_verdict v = gw_pass();

    if (twice != NULL)
        v = polluted(j, "query", twice->name, "duplicate");
    for (size_t i = 0; i < t->query_count && v.outcome == GW_PASS; i++)
        if (contradicts_path(x, t->pairs[i].name, t->pairs[i].value) &&
            !api_takes_query(x->route.operation, t->pairs[i].name))
            v = polluted(j, "query", t->pairs[i].name, "path-parameter");
    return v;
}

static struct gw_verdict judge_form(const struct judging *j, bool covered)
{
    const struct gw_exchange *x = j->x;
    const struct gw_message_body *b = &x->request.body;
    struct gw_pair *pairs = NULL;
    size_t count = 0;

    if (target_pairs(b->bytes, x->request.arena, GW_QUERY_MAX, &pairs, &count) != SP_OK)
        return gw_pass(); /* no form */
    const struct gw_pair *twice = covered ? NULL : again(pairs, count, NULL);
    if (twice != NULL)
        return polluted(j, "", twice->name, "duplicate");
    for (size_t i = 0; i < count; i++)
        if (contradicts_path(x, pairs[i].name, pairs[i].value))
            return polluted(j, "", pairs[i].name, "path-parameter");
    return gw_pass();
}

static struct gw_verdict judge_json(const struct judging *j, struct scratch *scratch)
{
    const struct gw_exchange *x = j->x;
    struct value_fault fault = {0};
    const struct value *root = NULL;

    if (value_read(x->request.body.bytes, VALUE_DEPTH_MAX, scratch, &fault, &root) != SP_OK)
        return fault.duplicate ? polluted(j, "", (struct view){0}, "duplicate") : gw_pass();
    for (struct value_iter i = value_iter(root);
         value_kind(root) == VALUE_OBJECT && value_next(&i);)
        if (contradicts_path(x, value_string(i.name), value_text(i.value, scratch)))
            return polluted(j, "", value_string(i.name), "path-parameter");
    return gw_pass();
}

struct gw_verdict pollution_judge(struct gw_exchange *x, const struct gwconf *conf,
                                  struct scratch *scratch)
{
    const struct judging judging = {x, conf}, *j = &judging;
    const struct gw_message_body *b = &x->request.body;
    enum gw_mode mode = (enum gw_mode)conf->detectors.pollution;
    bool readable = is_json(b->content_type) || is_form(b->content_type);
    /* the schema of a body says which of its names are lists */
    bool covered = x->route.operation != NULL && x->route.operation->has_body &&
                   conf->openapi.request != GW_OFF;

    if (mode == GW_OFF)
        return gw_pass();
    if (x->phase == GW_PHASE_HEAD) {
        if (mode == GW_BLOCK && b->kind != GW_BODY_NONE && readable)
            x->inspect_request = x->hold_request = true;
        return judge_query(j);
    }
    if (b->inspected != GW_INSPECTED || !readable)
        return gw_pass();
    if (is_form(b->content_type))
        return judge_form(j, covered);
    struct gw_verdict v = judge_json(j, scratch);
    scratch_reset(scratch, SCRATCH_FIRST_BYTES);
    return v;
}

struct gw_verdict step_pollution(struct gw_exchange *x)
{
    return pollution_judge(x, gw_app_conf(x->app), &gw_app_watch(x->app)->scratch);
}
