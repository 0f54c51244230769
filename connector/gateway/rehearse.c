#include "connector/gateway/rehearse_internal.h"

#include "connector/gateway/guard.h"
#include "connector/gateway/pollution.h"
#include "connector/gateway/route.h"
#include "connector/gateway/target.h"
#include "lib/base/ascii.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { ARENA_MAX = 8 * 1024 * 1024, FIELDS_MAX = 256 };

static struct rehearsal_finding *row_of(struct rehearsal *r, const struct gw_verdict *v,
                                        bool blocks)
{
    const char *reason = gw_reasons[v->reason].name;

    for (size_t i = 0; i < r->finding_count; i++) {
        struct rehearsal_finding *f = &r->findings[i];
        if (f->blocks == blocks && strcmp(f->reason, reason) == 0 && strcmp(f->rule, v->rule) == 0)
            return f;
    }
    if (r->finding_count == REHEARSE_FINDINGS_MAX)
        return &r->findings[REHEARSE_FINDINGS_MAX - 1];
    struct rehearsal_finding *f = &r->findings[r->finding_count++];
    f->blocks = blocks;
    f->status = v->status != 0 ? v->status : gw_reasons[v->reason].status;
    view_copy(f->reason, sizeof f->reason, view_str(reason));
    view_copy(f->rule, sizeof f->rule, view_str(v->rule));
    return f;
}

static void note(struct act *a, const struct gw_verdict *v, bool blocks)
{
    struct rehearsal_finding *f = row_of(a->s->out, v, blocks);
    struct view path = view_slice(a->url.path, 0, 120);

    if (f->count++ == 0)
        snprintf(f->example, sizeof f->example, "%.*s %.*s",
                 (int)(a->x.request.method_text.len > 16 ? 16 : a->x.request.method_text.len),
                 (const char *)a->x.request.method_text.at, (int)path.len,
                 path.len > 0 ? (const char *)path.at : "");
    a->blocked = a->blocked || blocks;
}

bool act_took(struct act *a, struct gw_verdict v)
{
    if (v.outcome == GW_REFUSE)
        note(a, &v, true);
    return v.outcome == GW_PASS;
}

static bool read_fields(struct act *a, const struct json *list)
{
    struct gw_field *fields = arena_array(a->x.request.arena, FIELDS_MAX, sizeof *fields);
    size_t n = 0;

    for (size_t i = 0; fields != NULL && i < json_len(list) && n < FIELDS_MAX; i++) {
        struct view name =
            arena_copy(a->x.request.arena, json_str(json_get(json_at(list, i), "name")));
        if (name.at == NULL || name.len == 0 || name.at[0] == ':')
            continue; /* pseudo fields of HTTP/2 */
        for (size_t k = 0; k < name.len; k++)
            ((uint8_t *)(uintptr_t)name.at)[k] = ascii_lower(name.at[k]);
        fields[n++] = (struct gw_field){name, json_str(json_get(json_at(list, i), "value"))};
    }
    a->x.request.fields = fields;
    a->x.request.field_count = n;
    return fields != NULL;
}

static struct view media_type(struct act *a, struct view value)
{
    size_t n = 0;

    while (n < value.len && value.at[n] != ';' && value.at[n] != ' ')
        n++;
    struct view copy = arena_copy(a->x.request.arena, view_slice(value, 0, n));
    for (size_t k = 0; k < copy.len; k++)
        ((uint8_t *)(uintptr_t)copy.at)[k] = ascii_lower(copy.at[k]);
    return copy;
}

/* The request of an entry as the gateway would understand it. False: not one, or refused. */
static bool read_request(struct act *a, const struct json *request)
{
    struct gw_request *r = &a->x.request;
    const struct json *post = json_get(request, "postData");
    const struct target_options options = {.allow_encoded_slash = a->s->conf.allow_encoded_slash};
    struct view path;
    struct buf text;
    sp_error e;

    r->method_text = json_str(json_get(request, "method"));
    r->method = gw_method_parse(r->method_text);
    if (url_parse(json_str(json_get(request, "url")), &a->url) != SP_OK ||
        !read_fields(a, json_get(request, "headers"))) {
        a->s->out->unreadable++;
        return false;
    }
    r->host = a->url.host;
    buf_init(&text, 2 * URL_BYTES_MAX);
    buf_add(&text, a->url.path.len > 0 ? a->url.path : view_str("/"));
    if (a->url.has_query)
        buf_addf(&text, "?%.*s", (int)a->url.query.len, (const char *)a->url.query.at);
    path = arena_copy(r->arena, buf_view(&text));
    buf_deinit(&text);
    e = path.at == NULL ? SP_ERR_NOMEM
                        : target_parse(path, r->host, r->method, &options, r->arena, &r->target);
    if (e != SP_OK)
        return act_took(a, gw_refuse(GW_REASON_FRAMING));
    r->body.bytes = json_str(json_get(post, "text"));
    r->body.content_type = media_type(a, json_str(json_get(post, "mimeType")));
    r->body.length = r->body.bytes.len;
    r->body.kind = r->body.bytes.len > 0 ? GW_BODY_LENGTH : GW_BODY_NONE;
    return true;
}

/* ---- the document ------------------------------------------------------------------------- */

/* As a connector: also where a document knows the path and not the method. */
static bool find_operation(struct act *a)
{
    if (routes_find(a->s->routes, &a->x.request, &a->x.route) != SP_OK)
        return act_took(a, gw_refuse(GW_REASON_OVERLOAD));
    if (a->x.route.operation != NULL)
        return true;
    return act_took(a, gw_in_mode(&a->x, (enum gw_mode)a->s->conf.openapi.unknown_endpoint,
                                  gw_refuse(a->x.route.allowed != 0 ? GW_REASON_METHOD
                                                                    : GW_REASON_UNKNOWN_ENDPOINT)));
}

static struct gw_verdict of_report(enum schema_verdict v, const struct schema_report *report,
                                   const char *part)
{
    if (schema_passes(v))
        return gw_pass();
    struct gw_verdict refused = gw_refuse(GW_REASON_SCHEMA);
    const char *place = report->count > 0 ? report->faults[0].pointer : "";
    snprintf(refused.rule, sizeof refused.rule, "%s%s%.40s", part, place[0] != '\0' ? ": " : "",
             place);
    return refused;
}

static struct api_strictness strictness(const struct act *a)
{
    return (struct api_strictness){.unknown_properties = a->s->conf.openapi.unknown_properties ==
                                                         GW_PROPERTIES_REFUSE};
}

static bool check_parameters(struct act *a)
{
    const struct gw_request *r = &a->x.request;
    const struct gw_route *route = &a->x.route;
    struct api_pair headers[FIELDS_MAX], path[GW_SEGMENTS_MAX];
    struct api_strictness strict = strictness(a);
    struct schema_report report = {0};
    size_t n = 0;

    for (size_t i = 0; i < r->field_count; i++)
        headers[i] = (struct api_pair){r->fields[i].name, r->fields[i].value};
    for (; n < route->parameter_count && n < GW_SEGMENTS_MAX; n++)
        path[n] = (struct api_pair){route->parameters[n].name, route->parameters[n].value};
    const struct api_parameters given = {
        .path = {path, n}, .query = a->url.query, .header = {headers, r->field_count}};
    enum schema_verdict v =
        api_check_parameters(route->operation, &given, &strict, &a->scratch, &report);
    return act_took(a, gw_in_mode(&a->x, (enum gw_mode)a->s->conf.openapi.request,
                                  of_report(v, &report, "parameter")));
}

static bool check_body(struct act *a)
{
    const struct gw_message_body *b = &a->x.request.body;
    struct api_strictness strict = strictness(a);
    const struct api_message body = {.type = b->content_type, .body = b->bytes};
    struct schema_report report = {0};
    const struct value *json = NULL;
    enum schema_verdict v =
        api_check_request(a->x.route.operation, &body, &strict, &a->scratch, &report, &json);

    return act_took(a, gw_in_mode(&a->x, (enum gw_mode)a->s->conf.openapi.request,
                                  of_report(v, &report, "body")));
}

/* true: go on. */
static bool check_response(struct act *a, const struct json *response)
{
    const struct json *content = json_get(response, "content");
    struct api_strictness strict = {0};
    struct schema_report report = {0};
    const struct value *json = NULL;
    int64_t status = 0;

    /* Binary bodies stand there as base64: they are no JSON. */
    if (a->x.route.operation == NULL || a->x.request.method == GW_HEAD ||
        json_get(content, "encoding") != NULL ||
        json_get_int(response, "status", 100, 599, &status) != SP_OK)
        return true;
    const struct api_message given = {.status = (unsigned)status,
                                      .type = json_str(json_get(content, "mimeType")),
                                      .body = json_str(json_get(content, "text"))};
    enum schema_verdict v =
        api_check_response(a->x.route.operation, &given, &strict, &a->scratch, &report, &json);
    return act_took(a, gw_in_mode(&a->x, (enum gw_mode)a->s->conf.openapi.response,
                                  of_report(v, &report, "response")));
}

/* ---- one entry ---------------------------------------------------------------------------- */

static bool unpolluted(struct act *a)
{
    return act_took(a, pollution_judge(&a->x, &a->s->conf, &a->scratch));
}

static void judge(struct act *a, const struct json *entry)
{
    struct guard *g = a->s->guard;
    const struct json *response = json_get(entry, "response");
    int64_t size = 0;

    a->x.phase = GW_PHASE_HEAD;
    if (!read_request(a, json_get(entry, "request")))
        return;
    if ((a->s->conf.methods & 1u << a->x.request.method) == 0) {
        (void)act_took(a, gw_refuse(GW_REASON_METHOD));
        return;
    }
    if (a->s->routes != NULL && !find_operation(a))
        return;
    if (!act_took(a, guard_retired(g, &a->x, a->at)) ||
        !act_took(a, guard_access(g, &a->x, a->at)) ||
        !act_took(a, guard_limit(g, &a->x, RATE_SESSION_KEYS, a->at * 1000000)))
        return;
    if (a->x.request.body.length > (uint64_t)a->s->conf.limits.body) {
        (void)act_took(a, gw_refuse(GW_REASON_BODY_SIZE));
        return;
    }
    if ((a->x.route.operation != NULL && !check_parameters(a)) || !unpolluted(a) ||
        !act_took(a, guard_input(g, &a->x)))
        return;
    a->x.phase = GW_PHASE_BODY;
    a->x.request.body.inspected = a->x.request.body.length <= (uint64_t)a->s->conf.limits.inspect
                                      ? GW_INSPECTED
                                      : GW_OVERSIZE;
    if ((a->x.route.operation != NULL && !check_body(a)) || !unpolluted(a) ||
        !act_took(a, guard_input(g, &a->x)) || !objects_in_request(a))
        return;
    if (json_get_int(json_get(response, "content"), "size", 0, INT64_MAX, &size) == SP_OK)
        a->x.response.body.seen = (uint64_t)size;
    if (check_response(a, response))
        (void)objects_in_answer(a, response);
}

static sp_error play(struct stage *s, size_t index)
{
    const struct json *entry = json_at(s->entries, index);
    struct act *a = calloc(1, sizeof *a);
    sp_error e;

    if (a == NULL)
        return SP_ERR_NOMEM;
    a->s = s;
    a->index = index;
    a->x.caller = &s->o->caller;
    scratch_init(&a->scratch, 64 * 1024 * 1024);
    if (clock_parse(json_str(json_get(entry, "startedDateTime")), &a->at) != SP_OK) {
        s->out->unreadable++;
        e = SP_OK;
    } else if ((e = arena_new(&s->arenas, ARENA_MAX, &a->x.request.arena)) == SP_OK) {
        size_t unreadable = s->out->unreadable;
        judge(a, entry);
        for (size_t i = 0; i < a->x.hit_count; i++)
            note(a, &a->x.hits[i].verdict, false);
        guard_account(s->guard, &a->x, a->at * 1000000);
        if (s->out->unreadable == unreadable) {
            s->out->requests++;
            s->out->blocked += a->blocked;
            s->out->passed += !a->blocked;
        }
        arena_free(a->x.request.arena);
    }
    scratch_deinit(&a->scratch);
    free(a);
    return e;
}

sp_error rehearse_har(struct view text, const struct rehearsal_options *o, struct sp_why *why,
                      struct rehearsal *out)
{
    struct stage s = {
        .o = o, .conf = *o->conf, .arenas = {.max = 2 * (size_t)ARENA_MAX}, .out = out};
    struct json *har = NULL;
    struct view host, prefix = {0};
    uint16_t port;
    sp_error e;

    *out = (struct rehearsal){0};
    s.conf.oauth.require = false; /* their keys are elsewhere */
    const struct guard_options guard = {.conf = &s.conf};
    if ((e = json_parse(text, REHEARSE_BYTES_MAX, why, &har)) != SP_OK)
        return e;
    s.entries = json_get(json_get(har, "log"), "entries");
    if (json_kind(s.entries) != JSON_ARRAY)
        e = sp_why_say(why, SP_ERR_MALFORMED, "the record has no log.entries: it is no HAR file");
    else
        e = guard_new(&guard, why, &s.guard);
    if (e == SP_OK && o->document != NULL) {
        (void)gwconf_upstream_at(o->conf, &host, &port, &prefix);
        e = routes_new(o->document, prefix, &s.routes);
    }
    for (size_t i = 0; e == SP_OK && i < json_len(s.entries); i++)
        e = play(&s, i);
    guard_free(s.guard);
    routes_free(s.routes);
    json_free(har);
    return e;
}

/* What of the person rules ask for, and nobody said. */
static void owners_unjudged(const struct rehearsal_options *o,
                            void (*say)(void *arg, const char *text), void *arg)
{
    bool named = false, mailed = false, other = false;

    for (size_t i = 0; i < o->conf->owners.count; i++) {
        int kind = gwconf_owner_at(o->conf, i)->equals.kind;
        named = named || (kind == GW_VALUE_USER_NAME && o->caller.name.len == 0);
        mailed = mailed || (kind == GW_VALUE_USER_EMAIL && o->caller.email.len == 0);
        other = other || kind == GW_VALUE_USER_ID || kind == GW_VALUE_USER_ATTRIBUTE ||
                kind == GW_VALUE_TOKEN_CLAIM;
    }
    if (named)
        say(arg, "owner rules on user.name: --user says who made the requests");
    if (mailed)
        say(arg, "owner rules on user.email: --email says whose requests they are");
    if (other)
        say(arg, "owner rules on ids, attributes and claims: the record does not have them");
}

void rehearse_unjudged(const struct rehearsal_options *o, void (*say)(void *arg, const char *text),
                       void *arg)
{
    const struct gwconf *conf = o->conf;
    const struct gwconf_detectors *d = &conf->detectors;

    if (conf->oauth.require)
        say(arg, "access tokens: their signatures need the issuer's keys");
    for (size_t i = 0; i < conf->rates.count; i++) {
        if ((gwconf_rate_at(conf, i)->key & GW_KEY_TOKEN_CLIENT) != 0)
            say(arg, "limits with the key token_client: there is no token");
    }
    owners_unjudged(o, say, arg);
    if (d->bola == GW_BLOCK || d->enumeration == GW_BLOCK || d->credential == GW_BLOCK ||
        d->exfiltration == GW_BLOCK || d->function == GW_BLOCK || d->flow == GW_BLOCK ||
        d->scanner == GW_BLOCK)
        say(arg, "detectors that block: they learn from days of traffic");
}
