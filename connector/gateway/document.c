#include "connector/gateway/document.h"

#include "connector/gateway/app.h"
#include "connector/gateway/coding.h"
#include "connector/gateway/guard.h"
#include "connector/gateway/route.h"
#include "lib/base/log.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { CHECK_MEMORY = 1024 * 1024, BYTES_A_BYTE = 20, KEEP_MEMORY = 64 * 1024 };

struct document {
    const struct gwconf *conf;
    struct api_document *api; /* owned; NULL: none */
    struct routes *routes;    /* owned; NULL: none */
    struct scratch scratch;   /* of one check at a time */
};

/* ---- life ---------------------------------------------------------------------------------- */

void document_free(struct document *d)
{
    if (d == NULL)
        return;
    routes_free(d->routes);
    api_free(d->api);
    scratch_deinit(&d->scratch);
    free(d);
}

const struct api_document *document_api(const struct document *d)
{
    return d->api;
}

/* The first error is what a person mends first; warnings go to the log as a count. */
SP_MUST static sp_error say_fault(sp_error e, const char *file, const struct api_notes *notes,
                                  struct sp_why *why)
{
    for (size_t i = 0; i < notes->count; i++) {
        if (notes->items[i].error)
            return sp_why_say(why, e, "%s: %s: %s (%zu errors)", file, notes->items[i].pointer,
                              notes->items[i].text, notes->errors);
    }
    return sp_why_say(why, e, "%s: %s", file, sp_error_text(e));
}

static void log_loaded(const char *file, const struct document *d, const struct api_notes *notes)
{
    char operations[24], warnings[24], bytes[24];

    snprintf(operations, sizeof operations, "%zu", api_operation_count(d->api));
    snprintf(warnings, sizeof warnings, "%zu", notes->warnings);
    snprintf(bytes, sizeof bytes, "%zu", api_bytes(d->api));
    log_event(LOG_INFO, "gateway.document", "an API document is in force", "file", file,
              "operations", operations, "warnings", warnings, "bytes", bytes, NULL);
}

SP_MUST static sp_error load(struct document *d, const char *files, struct view prefix,
                             struct sp_why *why)
{
    const char *file = d->conf->openapi.file;
    struct api_notes notes = {0};
    struct buf path;
    sp_error e;

    buf_init(&path, 8192);
    buf_addf(&path, "%s/%s", files, file);
    const char *full = buf_cstr(&path);
    e = buf_error(&path) != SP_OK || full == NULL ? SP_ERR_LIMIT
                                                  : api_load_file(full, &notes, &d->api);
    if (e != SP_OK)
        e = say_fault(e, file, &notes, why);
    else if ((e = routes_new(d->api, prefix, &d->routes)) == SP_OK)
        log_loaded(file, d, &notes);
    api_notes_deinit(&notes);
    buf_deinit(&path);
    return e;
}

sp_error document_new(const struct gwconf *conf, const char *files, struct view prefix,
                      struct sp_why *why, struct document **out)
{
    struct document *d = calloc(1, sizeof *d);
    sp_error e = SP_OK;

    if (d == NULL)
        return SP_ERR_NOMEM;
    d->conf = conf;
    scratch_init(&d->scratch, CHECK_MEMORY + BYTES_A_BYTE * (size_t)conf->limits.inspect);
    if (conf->openapi.file != NULL && (e = load(d, files, prefix, why)) != SP_OK) {
        document_free(d);
        return e;
    }
    *out = d;
    return SP_OK;
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
static void tell_faults(const struct schema_report *r, struct gw_verdict *v)
{
    for (size_t i = 0; i < r->count && v->detail_count < GW_DETAILS_MAX; i++) {
        struct gw_detail *d = &v->details[v->detail_count++];
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

static struct gw_verdict verdict_of(const struct document *d, enum schema_verdict v,
                                    const struct schema_report *r)
{
    struct gw_verdict out = gw_pass();

    if (!schema_passes(v)) {
        out = gw_refuse(reason_of(v));
        if (out.reason == GW_REASON_SCHEMA)
            out.status = (int)d->conf->openapi.status;
        tell_faults(r, &out);
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
    if (d->routes == NULL)
        return gw_pass();
    if (routes_find(d->routes, &x->request, &x->route) != SP_OK)
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

/* What can be read is waited for; other types stream. Multipart, mostly files, is held back only
 * where it may be refused and says how long it is. */
static bool worth_waiting(const struct gw_message_body *b, enum gw_mode mode)
{
    if (is_json(b->content_type) || view_is(b->content_type, "application/x-www-form-urlencoded"))
        return true;
    return mode == GW_BLOCK && b->kind == GW_BODY_LENGTH && b->content_type.len > 10 &&
           memcmp(b->content_type.at, "multipart/", 10) == 0;
}

/* 415, and the wish to read the body. */
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
    x->inspect_request = x->inspect_request || worth_waiting(b, mode);
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
    struct gw_verdict out = gw_in_mode(x, mode, verdict_of(d, v, &report));
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
    return gw_in_mode(x, mode, verdict_of(d, v, &report));
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
    struct gw_verdict out = verdict_of(d, v, &report);
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
