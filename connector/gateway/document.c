#include "connector/gateway/document.h"

#include "connector/gateway/app.h"
#include "connector/gateway/coding.h"
#include "connector/gateway/guard.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { CHECK_MEMORY = 1024 * 1024, BYTES_A_BYTE = 20, KEEP_MEMORY = 64 * 1024 };

struct document {
    const struct gwconf *conf;
    const struct document_place *place;
    struct paper *paper;    /* one share; NULL: none, or not asked for yet */
    struct scratch scratch; /* of one check at a time */
    paper_ready *ready;
    void *arg;
};

/* ---- life ---------------------------------------------------------------------------------- */

void document_free(struct document *d)
{
    if (d == NULL)
        return;
    paper_free(d->paper);
    scratch_deinit(&d->scratch);
    free(d);
}

const struct api_document *document_api(const struct document *d)
{
    return d->paper != NULL ? paper_api(d->paper) : NULL;
}

const uint8_t *document_sha256(const struct document *d)
{
    return d->conf->openapi.document.named ? d->conf->openapi.document.sha256 : NULL;
}

const uint8_t *document_version(const struct document *d)
{
    return d->paper != NULL && paper_is_ready(d->paper) ? paper_sha256(d->paper) : NULL;
}

size_t document_bytes(const struct document *d)
{
    const struct api_document *api = document_api(d);

    return api != NULL ? api_bytes(api) : 0;
}

int64_t document_load_us(const struct document *d)
{
    return d->paper != NULL ? paper_load_us(d->paper) : 0;
}

/* False: the configuration names none. */
static bool source_of(const struct document *d, struct paper_source *out)
{
    const struct gwconf_openapi *o = &d->conf->openapi;
    bool named = o->document.named;

    *out = (struct paper_source){.folder = named ? d->place->documents : d->place->files,
                                 .name = named ? o->document.hex : o->file,
                                 .sha256 = named ? o->document.sha256 : NULL,
                                 .prefix = d->place->prefix,
                                 .generation = d->place->generation,
                                 .assert_formats = o->formats};
    return out->name != NULL;
}

sp_error document_new(const struct gwconf *conf, const struct document_place *place,
                      const struct document *before, struct document **out)
{
    struct document *d = calloc(1, sizeof *d);
    struct paper_source from;

    if (d == NULL)
        return SP_ERR_NOMEM;
    d->conf = conf;
    d->place = place;
    scratch_init(&d->scratch, CHECK_MEMORY + BYTES_A_BYTE * (size_t)conf->limits.inspect);
    if (source_of(d, &from) && before != NULL && before->paper != NULL &&
        paper_is_ready(before->paper) && paper_is(before->paper, &from))
        d->paper = paper_hold(before->paper);
    *out = d;
    return SP_OK;
}

bool document_is_ready(const struct document *d)
{
    struct paper_source from;

    return d->paper != NULL ? paper_is_ready(d->paper) : !source_of(d, &from);
}

/* One that could not be read is asked for anew by the next document_load. */
static void on_ready(void *arg, sp_error e, const struct sp_why *why)
{
    struct document *d = arg;

    if (e != SP_OK) {
        paper_free(d->paper);
        d->paper = NULL;
    }
    d->ready(d->arg, e, why);
}

sp_error document_load(struct document *d, struct pool *pool, paper_ready *ready, void *arg)
{
    struct paper_source from;

    if (!source_of(d, &from) || d->paper != NULL)
        return SP_OK; /* it is being read */
    d->ready = ready;
    d->arg = arg;
    return paper_load(pool, &from, on_ready, d, &d->paper);
}

/* ---- verdicts ------------------------------------------------------------------------------ */

static enum gw_reason reason_of(enum schema_verdict v)
{
    switch (v) {
    case SCHEMA_DUPLICATE:
        return GW_REASON_DUPLICATE_PARAMETER;
    case SCHEMA_COST:
        return GW_REASON_SCHEMA_COST;
    case SCHEMA_NOMEM:
        return GW_REASON_OVERLOAD;
    case SCHEMA_MEDIA_TYPE:
        return GW_REASON_MEDIA_TYPE;
    default:
        return GW_REASON_SCHEMA;
    }
}

/* Places and keywords; "query/limit" for what is not in a body. Never a value. */
static void tell_faults(const struct schema_report *r, struct gw_words *words)
{
    for (size_t i = 0; i < r->count && words->detail_count < GW_DETAILS_MAX; i++) {
        struct gw_detail *d = &words->details[words->detail_count++];
        struct buf text;
        buf_init(&text, 1024);
        if (strcmp(r->faults[i].in, "body") != 0)
            buf_add_str(&text, r->faults[i].in);
        buf_add_str(&text, r->faults[i].pointer);
        view_copy(d->pointer, sizeof d->pointer, buf_view(&text));
        view_copy(d->rule, sizeof d->rule, view_str(r->faults[i].keyword));
        buf_deinit(&text);
    }
}

static struct gw_verdict verdict_of(const struct document *d, const struct gw_exchange *x,
                                    enum schema_verdict v, const struct schema_report *r)
{
    struct gw_verdict out = gw_pass();

    if (!schema_passes(v)) {
        out = gw_refuse(reason_of(v));
        if (out.reason == GW_REASON_SCHEMA)
            out.status = (int)d->conf->openapi.status;
        if (r->count > 0 && gw_words_new(&out, x->request.arena) != NULL)
            tell_faults(r, out.words);
    }
    return out;
}

static struct api_strictness strictness(const struct document *d)
{
    return (struct api_strictness){.unknown_properties =
                                       d->conf->openapi.unknown_properties == GW_PROPERTIES_REFUSE};
}

/* ---- the steps ----------------------------------------------------------------------------- */

struct gw_verdict document_route(struct document *d, struct gw_exchange *x)
{
    if (d->paper == NULL)
        return gw_pass();
    if (routes_find(paper_routes(d->paper), &x->request, &x->route) != SP_OK)
        return gw_refuse(GW_REASON_OVERLOAD);
    if (x->route.operation != NULL)
        return gw_pass();
    return gw_in_mode(
        x, (enum gw_mode)d->conf->openapi.unknown_endpoint,
        gw_refuse(x->route.allowed != 0 ? GW_REASON_METHOD : GW_REASON_UNKNOWN_ENDPOINT));
}

static struct view raw_type(const struct gw_field *fields, size_t count)
{
    return gw_field_find(fields, count, "content-type", NULL);
}

/* The pairs as the schema's room names them. */
static const struct api_pair *path_pairs(const struct gw_exchange *x)
{
    size_t n = x->route.parameter_count;
    struct api_pair *pairs = arena_array(x->request.arena, n, sizeof *pairs);

    for (size_t i = 0; pairs != NULL && i < n; i++)
        pairs[i] = (struct api_pair){x->route.parameters[i].name, x->route.parameters[i].value};
    return pairs;
}

static const struct api_pair *field_pairs(const struct gw_exchange *x)
{
    size_t n = x->request.field_count;
    struct api_pair *pairs = arena_array(x->request.arena, n, sizeof *pairs);

    for (size_t i = 0; pairs != NULL && i < n; i++)
        pairs[i] = (struct api_pair){x->request.fields[i].name, x->request.fields[i].value};
    return pairs;
}

static bool is_json(struct view type)
{
    return view_is(type, "application/json") ||
           (type.len > 5 && view_is(view_slice(type, type.len - 5, 5), "+json"));
}

static bool is_multipart(struct view type)
{
    return type.len > 10 && memcmp(type.at, "multipart/", 10) == 0;
}

/* What can be read is waited for; other types stream. Multipart, mostly files, is held back only
 * where it may be refused. */
static bool worth_waiting(const struct gw_message_body *b, enum gw_mode mode)
{
    if (is_json(b->content_type) || view_is(b->content_type, "application/x-www-form-urlencoded"))
        return true;
    return mode == GW_BLOCK && is_multipart(b->content_type);
}

/* 415, 411, and the wish to read the body. */
static struct gw_verdict meet_body(struct document *d, struct gw_exchange *x, enum gw_mode mode)
{
    const struct gw_message_body *b = &x->request.body;

    if (b->kind == GW_BODY_NONE || !x->route.operation->has_body)
        return gw_pass();
    bool takes =
        coding_known(b->coding) && api_takes(x->route.operation, b->content_type, &d->scratch);
    scratch_reset(&d->scratch, KEEP_MEMORY);
    if (!takes)
        return gw_in_mode(x, mode, gw_refuse(GW_REASON_MEDIA_TYPE));
    /* files may be large: before any is held back it is known that this one is not */
    if (mode == GW_BLOCK && is_multipart(b->content_type) && b->kind != GW_BODY_LENGTH)
        return gw_refuse(GW_REASON_LENGTH_REQUIRED);
    if (worth_waiting(b, mode)) {
        x->inspect_request = true;
        x->hold_request = x->hold_request || mode == GW_BLOCK;
    }
    return gw_pass();
}

/* Else some text was not reached, and none is known to be narrow. */
static bool all_was_read(enum schema_verdict v)
{
    return v == SCHEMA_VALID || v == SCHEMA_REFUSED;
}

struct gw_verdict document_parameters(struct document *d, struct gw_exchange *x)
{
    enum gw_mode mode = (enum gw_mode)d->conf->openapi.request;
    struct api_strictness strict = strictness(d);
    struct schema_report report = {0};

    if (x->route.operation == NULL || mode == GW_OFF)
        return gw_pass();
    struct api_parameters given = {
        .path = {path_pairs(x), x->route.parameter_count},
        .query = x->request.target.query,
        .header = {field_pairs(x), x->request.field_count},
    };
    if (given.path.items == NULL || given.header.items == NULL)
        return gw_refuse(GW_REASON_OVERLOAD);
    guard_listen(gw_app_guard(x->app), x, &strict);
    enum schema_verdict v =
        api_check_parameters(x->route.operation, &given, &strict, &d->scratch, &report);
    guard_listened(gw_app_guard(x->app), x, strict.text != NULL && all_was_read(v));
    scratch_reset(&d->scratch, KEEP_MEMORY);
    struct gw_verdict out = gw_in_mode(x, mode, verdict_of(d, x, v, &report));
    return out.outcome == GW_PASS ? meet_body(d, x, mode) : out;
}

struct gw_verdict document_request(struct document *d, struct gw_exchange *x)
{
    enum gw_mode mode = (enum gw_mode)d->conf->openapi.request;
    const struct gw_message_body *b = &x->request.body;
    struct api_strictness strict = strictness(d);
    struct schema_report report = {0};

    if (x->route.operation == NULL || mode == GW_OFF)
        return gw_pass();
    if (b->kind != GW_BODY_NONE && b->inspected != GW_INSPECTED)
        return gw_in_mode(x, mode, coding_refusal(b));
    struct api_message m = {.type = raw_type(x->request.fields, x->request.field_count),
                            .body = b->kind == GW_BODY_NONE ? (struct view){0} : b->bytes};
    if (m.body.len == 0 && b->kind == GW_BODY_NONE)
        m.type = (struct view){0};
    guard_listen(gw_app_guard(x->app), x, &strict);
    enum schema_verdict v =
        api_check_request(x->route.operation, &m, &strict, &d->scratch, &report, NULL);
    guard_listened(gw_app_guard(x->app), x, strict.text != NULL && all_was_read(v));
    scratch_reset(&d->scratch, KEEP_MEMORY);
    return gw_in_mode(x, mode, verdict_of(d, x, v, &report));
}

struct gw_verdict document_answer(struct document *d, struct gw_exchange *x)
{
    enum gw_mode mode = (enum gw_mode)d->conf->openapi.response;
    const struct gw_message_body *b = &x->response.body;
    struct api_strictness strict = strictness(d);
    struct schema_report report = {0};

    if (x->route.operation == NULL || mode == GW_OFF || x->own_answer)
        return gw_pass();
    if ((b->inspected == GW_OVERSIZE || b->inspected == GW_INFLATES) &&
        d->conf->openapi.oversize == GW_OVERSIZE_BLOCK) {
        struct gw_verdict v = gw_refuse(GW_REASON_SCHEMA);
        v.status = 502;
        view_copy(v.rule, sizeof v.rule, view_str("response-size"));
        return gw_in_mode(x, mode, v);
    }
    if (b->inspected != GW_INSPECTED)
        return gw_pass();
    struct api_message m = {.status = (unsigned)x->response.status,
                            .type = raw_type(x->response.fields, x->response.field_count),
                            .body = b->bytes};
    enum schema_verdict v =
        api_check_response(x->route.operation, &m, &strict, &d->scratch, &report, NULL);
    scratch_reset(&d->scratch, KEEP_MEMORY);
    if (v == SCHEMA_UNDECLARED) /* documents seldom list every failure */
        return gw_pass();
    struct gw_verdict out = verdict_of(d, x, v, &report);
    if (out.outcome == GW_REFUSE) {
        out.reason = GW_REASON_SCHEMA;
        out.status = 502;
        view_copy(out.rule, sizeof out.rule, view_str("response"));
    }
    return gw_in_mode(x, mode, out);
}

struct gw_verdict step_route(struct gw_exchange *x)
{
    return document_route(gw_app_document(x->app), x);
}

struct gw_verdict step_parameters(struct gw_exchange *x)
{
    return document_parameters(gw_app_document(x->app), x);
}

struct gw_verdict step_request_schema(struct gw_exchange *x)
{
    return document_request(gw_app_document(x->app), x);
}

struct gw_verdict step_want_answer(struct gw_exchange *x)
{
    int mode = gw_app_conf(x->app)->openapi.response;

    if (x->route.operation != NULL && mode != GW_OFF && is_json(x->response.body.content_type)) {
        x->inspect_answer = true;
        x->hold_answer = x->hold_answer || mode == GW_BLOCK;
    }
    return gw_pass();
}

struct gw_verdict step_answer_schema(struct gw_exchange *x)
{
    return document_answer(gw_app_document(x->app), x);
}
