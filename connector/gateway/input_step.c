#include "connector/gateway/coding.h"
#include "connector/gateway/guard_internal.h"
#include "connector/gateway/input.h"
#include "connector/gateway/target.h"
#include "lib/schema/openapi.h"
#include "lib/schema/value.h"

#include <stdio.h>

#include "lib/base/banned.h"

/*
 * Step 10 over the values of a request: parameters in the head phase, strings of a JSON or form
 * body in the body or copy phase. The first finding speaks; a rule that monitors is noted and the
 * next value is judged.
 */

struct judging {
    struct guard *g;
    struct gw_exchange *x;
    bool body;
    bool free_texts;           /* no document says which are: every text is */
    struct gw_verdict refused; /* GW_PASS: nothing yet */
};

static enum gw_mode mode_of(const struct gwconf_input *c, enum input_finding f)
{
    if (f == INPUT_TRAVERSAL)
        return (enum gw_mode)c->path_traversal;
    if (f == INPUT_HEADER)
        return (enum gw_mode)c->header_injection;
    return (enum gw_mode)c->mode;
}

static struct gw_verdict found(enum input_finding f, struct view pointer, struct arena *a)
{
    struct gw_verdict v = gw_refuse(GW_REASON_INPUT);

    view_copy(v.rule, sizeof v.rule, view_str(input_finding_name(f)));
    gw_say_place(&v, a, pointer, input_finding_name(f));
    return v;
}

/* Names are the application's own words; values are never told. */
static void judge(struct judging *j, struct view name, struct view value)
{
    const struct gwconf_input *c = &j->g->conf->input;
    char pointer[GW_DETAIL_TEXT];
    enum input_finding f;

    if (j->refused.outcome != GW_PASS || value.len == 0)
        return;
    f = input_judge(c, name, value, j->free_texts, j->body);
    if (f == INPUT_NOTHING)
        return;
    snprintf(pointer, sizeof pointer, "%s%.*s", j->body ? "/" : "",
             (int)(name.len > 100 ? 100 : name.len), name.len > 0 ? (const char *)name.at : "");
    j->refused = gw_in_mode(j->x, mode_of(c, f), found(f, view_str(pointer), j->x->request.arena));
}

static void judge_json(struct judging *j, const struct value *v, struct view name)
{
    if (value_kind(v) == VALUE_STRING)
        judge(j, name, value_string(v));
    for (struct value_iter i = value_iter(v); j->refused.outcome == GW_PASS && value_next(&i);)
        judge_json(j, i.value, i.name != NULL ? value_string(i.name) : name);
}

static bool is_json(struct view type)
{
    return view_is(type, "application/json") ||
           (type.len > 5 && view_is(view_slice(type, type.len - 5, 5), "+json"));
}

static bool is_form(struct view type)
{
    return view_is(type, "application/x-www-form-urlencoded");
}

/* Whether a body is worth reading, and whether holding back: what only monitors by default is no
 * reason to. */
static enum gw_mode asks_for_bodies(const struct gwconf_input *c)
{
    bool texts = c->mode != GW_OFF && (c->sqli != GW_TEXT_OFF || c->xss != GW_TEXT_OFF ||
                                       c->ssrf_urls || c->ssrf.count > 0);

    if (c->path_traversal == GW_BLOCK || c->header_injection == GW_BLOCK)
        return GW_BLOCK;
    return texts ? (enum gw_mode)c->mode : GW_OFF;
}

/* An application may read what we can't, and another value than we did. */
static void refuse_unreadable(struct judging *j, bool duplicate)
{
    struct gw_verdict v = gw_refuse(duplicate ? GW_REASON_DUPLICATE_PARAMETER : GW_REASON_SCHEMA);

    view_copy(v.rule, sizeof v.rule, view_str("unreadable"));
    j->refused = gw_in_mode(j->x, asks_for_bodies(&j->g->conf->input), v);
}

static void judge_body(struct judging *j)
{
    const struct gw_message_body *b = &j->x->request.body;
    struct gw_pair *pairs = NULL;
    size_t count = 0;

    if (is_form(b->content_type)) {
        if (target_pairs(b->bytes, j->x->request.arena, GW_QUERY_MAX, &pairs, &count) != SP_OK)
            return; /* what is no form is the application's to refuse */
        for (size_t i = 0; i < count; i++)
            judge(j, pairs[i].name, pairs[i].value);
        return;
    }
    const struct value *root = NULL;
    struct value_fault fault = {0};
    struct scratch scratch;
    scratch_init(&scratch, 16 * (size_t)j->g->conf->limits.inspect + SCRATCH_FIRST_BYTES);
    if (value_read(b->bytes, VALUE_DEPTH_MAX, &scratch, &fault, &root) == SP_OK)
        judge_json(j, root, (struct view){0});
    else
        refuse_unreadable(j, fault.duplicate);
    scratch_deinit(&scratch);
}

/* ---- free texts, as the document knows them ----------------------------------------------- */

static void on_text(void *arg, const char *in, struct view pointer, struct view text)
{
    struct guard_note *note = arg;
    const struct gwconf_input *c = &note->guard->conf->input;

    if (note->text != INPUT_NOTHING || text.len == 0)
        return;
    if (c->sqli == GW_TEXT_FREE && input_is_sql(text))
        note->text = INPUT_SQL;
    else if (c->xss == GW_TEXT_FREE && input_is_script(text))
        note->text = INPUT_SCRIPT;
    if (note->text != INPUT_NOTHING)
        snprintf(note->text_pointer, sizeof note->text_pointer, "%s%.*s",
                 strcmp(in, "body") == 0 ? "" : in, VIEW_ARG(pointer));
}

void guard_listen(struct guard *g, struct gw_exchange *x, struct api_strictness *strict)
{
    const struct gwconf_input *c = &g->conf->input;

    if (c->mode == GW_OFF || (c->sqli != GW_TEXT_FREE && c->xss != GW_TEXT_FREE))
        return;
    strict->text_arg = guard_note(g, x);
    if (strict->text_arg != NULL) /* else all texts are judged */
        strict->text = on_text;
}

void guard_listened(struct guard *g, struct gw_exchange *x, bool read)
{
    struct guard_note *note = guard_note(g, x);

    if (note != NULL)
        note->texts_told = read;
}

/* What was heard; the next phase begins anew. */
static bool take_told(struct judging *j)
{
    struct guard_note *note = j->x->guard_note;
    bool told = note != NULL && note->texts_told;

    if (told && note->text != INPUT_NOTHING)
        j->refused =
            gw_in_mode(j->x, (enum gw_mode)j->g->conf->input.mode,
                       found(note->text, view_str(note->text_pointer), j->x->request.arena));
    if (note != NULL) {
        note->texts_told = false;
        note->text = INPUT_NOTHING;
    }
    return told;
}

struct gw_verdict guard_input(struct guard *g, struct gw_exchange *x)
{
    struct judging j = {.g = g, .x = x, .refused = {.outcome = GW_PASS}};
    struct gw_message_body *b = &x->request.body;

    j.free_texts = !take_told(&j);

    if (x->phase != GW_PHASE_HEAD) {
        j.body = true;
        if (j.refused.outcome != GW_PASS)
            return j.refused;
        if (!is_json(b->content_type) && !is_form(b->content_type))
            return j.refused;
        if (b->inspected == GW_INSPECTED)
            judge_body(&j);
        else /* what hides in a coding is no better for it */
            j.refused = gw_in_mode(x, asks_for_bodies(&g->conf->input), coding_refusal(b));
        return j.refused;
    }
    for (size_t i = 0; i < x->route.parameter_count; i++)
        judge(&j, x->route.parameters[i].name, x->route.parameters[i].value);
    for (size_t i = 0; x->route.parameter_count == 0 && i < x->request.target.segment_count; i++)
        judge(&j, (struct view){0}, x->request.target.segments[i]);
    for (size_t i = 0; i < x->request.target.query_count; i++)
        judge(&j, x->request.target.pairs[i].name, x->request.target.pairs[i].value);
    enum gw_mode asked = asks_for_bodies(&g->conf->input);
    if (j.refused.outcome == GW_PASS && b->kind != GW_BODY_NONE && asked != GW_OFF &&
        (is_json(b->content_type) || is_form(b->content_type))) {
        x->inspect_request = true;
        x->hold_request = x->hold_request || asked == GW_BLOCK;
    }
    return j.refused;
}
