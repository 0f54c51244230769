#include "connector/gateway/rehearse.h"

#include "connector/gateway/guard.h"
#include "connector/gateway/target.h"
#include "lib/http/url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/banned.h"

enum { ARENA_MAX = 8 * 1024 * 1024, FIELDS_MAX = 256 };

struct stage {
    const struct rehearsal_options *o;
    struct gwconf conf; /* of `o`, but tokens are not asked for; lists are borrowed */
    struct guard *guard;
    struct arena_pool arenas;
    struct rehearsal *out;
};

/* One entry while it is judged. */
struct act {
    struct stage *s;
    struct gw_exchange x;
    sp_unix_ms at;
    struct url url;
    const struct api_operation *operation;
    struct api_pair parameters[GW_SEGMENTS_MAX];
    size_t parameter_count;
    struct scratch scratch;
    bool blocked;
};

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

/* True: go on. */
static bool took(struct act *a, struct gw_verdict v)
{
    if (v.outcome == GW_REFUSE)
        note(a, &v, true);
    return v.outcome == GW_PASS;
}

/* "2026-11-25T04:05:06.789Z", with any zone. False: no such time. */
static bool read_time(const char *text, sp_unix_ms *out)
{
    struct tm t = {0};
    const char *rest = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &t) : NULL;
    int64_t ms = 0, scale = 100, zone = 0;

    if (rest == NULL)
        return false;
    if (*rest == '.')
        for (rest++; isdigit((unsigned char)*rest); rest++, scale /= 10)
            ms += (*rest - '0') * scale;
    if ((*rest == '+' || *rest == '-') && strlen(rest) == 6)
        zone = (rest[0] == '-' ? -60 : 60) *
               (((rest[1] - '0') * 10 + rest[2] - '0') * 60 + (rest[4] - '0') * 10 + rest[5] - '0');
    *out = ((int64_t)timegm(&t) - zone) * 1000 + ms;
    return true;
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
            ((uint8_t *)(uintptr_t)name.at)[k] = (uint8_t)tolower(name.at[k]);
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
        ((uint8_t *)(uintptr_t)copy.at)[k] = (uint8_t)tolower(copy.at[k]);
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
        return took(a, gw_refuse(GW_REASON_FRAMING));
    r->body.bytes = json_str(json_get(post, "text"));
    r->body.content_type = media_type(a, json_str(json_get(post, "mimeType")));
    r->body.length = r->body.bytes.len;
    r->body.kind = r->body.bytes.len > 0 ? GW_BODY_LENGTH : GW_BODY_NONE;
    return true;
}

/* ---- the document ------------------------------------------------------------------------- */

static bool is_template(const struct api_operation *o, struct view base, struct act *a)
{
    const struct gw_target *t = &a->x.request.target;
    struct view rest = view_str(o->path), whole = base;
    size_t n = 0;

    a->parameter_count = 0;
    for (int part = 0; part < 2; part++, whole = rest) {
        for (size_t at = 1; at < whole.len;) {
            const uint8_t *slash = memchr(whole.at + at, '/', whole.len - at);
            size_t len = slash != NULL ? (size_t)(slash - whole.at) - at : whole.len - at;
            struct view s = view_slice(whole, at, len);
            if (n == t->segment_count)
                return false;
            bool any = s.len > 2 && s.at[0] == '{' && s.at[s.len - 1] == '}';
            if (any && a->parameter_count < GW_SEGMENTS_MAX)
                a->parameters[a->parameter_count++] =
                    (struct api_pair){view_slice(s, 1, s.len - 2), t->segments[n]};
            else if (!view_equal(s, t->segments[n]))
                return false;
            n++;
            at += len + 1;
        }
    }
    return n == t->segment_count;
}

/* A literal path beats a template (OpenAPI 3.1, section 4.8.8.2). */
static void find_operation(struct act *a)
{
    const struct api_document *d = a->s->o->document;
    struct api_strings bases = api_bases(d);
    size_t fewest = SIZE_MAX;

    for (size_t i = 0; i < api_operation_count(d); i++) {
        const struct api_operation *o = api_operation_at(d, i);
        if (!view_is(a->x.request.method_text, o->method))
            continue;
        for (size_t b = 0; b < bases.count; b++) {
            if (!is_template(o, view_str(bases.items[b]), a) || a->parameter_count >= fewest)
                continue;
            fewest = a->parameter_count;
            a->operation = o;
            a->x.route.operation = o;
            a->x.route.operation_id = view_str(o->id);
            a->x.route.template = view_str(o->path);
        }
    }
    for (size_t b = 0; a->operation != NULL && b < bases.count; b++) {
        if (is_template(a->operation, view_str(bases.items[b]), a))
            break;
    }
}

static struct gw_verdict of_report(enum schema_verdict v, const struct schema_report *report,
                                   const char *part)
{
    if (schema_passes(v))
        return gw_pass();
    struct gw_verdict refused = gw_refuse(GW_REASON_SCHEMA);
    snprintf(refused.rule, sizeof refused.rule, "%s%s%.40s", part, report->count > 0 ? ": " : "",
             report->count > 0 ? report->faults[0].pointer : "");
    return refused;
}

static bool check_request(struct act *a)
{
    const struct gwconf_openapi *c = &a->s->conf.openapi;
    const struct gw_request *r = &a->x.request;
    struct api_pair headers[FIELDS_MAX];
    struct api_strictness strict = {.unknown_properties =
                                        c->unknown_properties == GW_PROPERTIES_REFUSE};
    struct schema_report report = {0};
    const struct value *json = NULL;

    if (a->operation == NULL)
        return took(a, gw_in_mode(&a->x, (enum gw_mode)c->unknown_endpoint,
                                  gw_refuse(GW_REASON_UNKNOWN_ENDPOINT)));
    for (size_t i = 0; i < r->field_count; i++)
        headers[i] = (struct api_pair){r->fields[i].name, r->fields[i].value};
    const struct api_parameters given = {.path = {a->parameters, a->parameter_count},
                                         .query = a->url.query,
                                         .header = {headers, r->field_count}};
    enum schema_verdict v =
        api_check_parameters(a->operation, &given, &strict, &a->scratch, &report);
    if (!took(a, gw_in_mode(&a->x, (enum gw_mode)c->request, of_report(v, &report, "parameter"))))
        return false;
    report = (struct schema_report){0};
    const struct api_message body = {.type = r->body.content_type, .body = r->body.bytes};
    v = api_check_request(a->operation, &body, &strict, &a->scratch, &report, &json);
    return took(a, gw_in_mode(&a->x, (enum gw_mode)c->request, of_report(v, &report, "body")));
}

static void check_response(struct act *a, const struct json *response)
{
    const struct json *content = json_get(response, "content");
    struct api_strictness strict = {0};
    struct schema_report report = {0};
    const struct value *json = NULL;
    int64_t status = 0;

    /* Binary bodies stand there as base64: they are no JSON. */
    if (a->operation == NULL || json_get(content, "encoding") != NULL ||
        json_get_int(response, "status", 100, 599, &status) != SP_OK)
        return;
    const struct api_message given = {.status = (unsigned)status,
                                      .type = json_str(json_get(content, "mimeType")),
                                      .body = json_str(json_get(content, "text"))};
    enum schema_verdict v =
        api_check_response(a->operation, &given, &strict, &a->scratch, &report, &json);
    (void)took(a, gw_in_mode(&a->x, (enum gw_mode)a->s->conf.openapi.response,
                             of_report(v, &report, "response")));
}

/* ---- one entry ---------------------------------------------------------------------------- */

static void judge(struct act *a, const struct json *entry)
{
    struct guard *g = a->s->guard;
    const struct json *response = json_get(entry, "response");
    int64_t size = 0;

    a->x.phase = GW_PHASE_HEAD;
    if (!read_request(a, json_get(entry, "request")))
        return;
    if (a->s->o->document != NULL)
        find_operation(a);
    if ((a->s->conf.methods & 1u << a->x.request.method) == 0) {
        (void)took(a, gw_refuse(GW_REASON_METHOD));
        return;
    }
    if (!took(a, guard_retired(g, &a->x, a->at)) || !took(a, guard_access(g, &a->x, a->at)) ||
        !took(a, guard_limit(g, &a->x, RATE_SESSION_KEYS, a->at * 1000000)))
        return;
    if (a->x.request.body.length > (uint64_t)a->s->conf.limits.body) {
        (void)took(a, gw_refuse(GW_REASON_BODY_SIZE));
        return;
    }
    if (!took(a, guard_input(g, &a->x)) || (a->s->o->document != NULL && !check_request(a)))
        return;
    a->x.phase = GW_PHASE_BODY;
    a->x.request.body.inspected = a->x.request.body.length <= (uint64_t)a->s->conf.limits.inspect
                                      ? GW_INSPECTED
                                      : GW_OVERSIZE;
    if (!took(a, guard_input(g, &a->x)))
        return;
    if (json_get_int(json_get(response, "content"), "size", 0, INT64_MAX, &size) == SP_OK)
        a->x.response.body.seen = (uint64_t)size;
    check_response(a, response);
}

static sp_error play(struct stage *s, const struct json *entry)
{
    struct act *a = calloc(1, sizeof *a);
    sp_error e;

    if (a == NULL)
        return SP_ERR_NOMEM;
    a->s = s;
    a->x.caller = &s->o->caller;
    scratch_init(&a->scratch, 64 * 1024 * 1024);
    if (!read_time(json_cstr(json_get(entry, "startedDateTime")), &a->at)) {
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
    const struct json *entries;
    sp_error e;

    *out = (struct rehearsal){0};
    s.conf.oauth.require = false; /* their keys are elsewhere */
    const struct guard_options guard = {.conf = &s.conf};
    if ((e = json_parse(text, REHEARSE_BYTES_MAX, why, &har)) != SP_OK)
        return e;
    entries = json_get(json_get(har, "log"), "entries");
    if (json_kind(entries) != JSON_ARRAY)
        e = sp_why_say(why, SP_ERR_MALFORMED, "the record has no log.entries: it is no HAR file");
    else
        e = guard_new(&guard, why, &s.guard);
    for (size_t i = 0; e == SP_OK && i < json_len(entries); i++)
        e = play(&s, json_at(entries, i));
    guard_free(s.guard);
    json_free(har);
    return e;
}

void rehearse_unjudged(const struct gwconf *conf, void (*say)(void *arg, const char *text),
                       void *arg)
{
    const struct gwconf_detectors *d = &conf->detectors;

    if (conf->oauth.require)
        say(arg, "access tokens: their signatures need the issuer's keys");
    for (size_t i = 0; i < conf->rates.count; i++) {
        if ((gwconf_rate_at(conf, i)->key & GW_KEY_TOKEN_CLIENT) != 0)
            say(arg, "limits with the key token_client: there is no token");
    }
    if (conf->owners.count > 0)
        say(arg, "owner rules: they ask the application");
    if (d->bola == GW_BLOCK || d->enumeration == GW_BLOCK || d->credential == GW_BLOCK ||
        d->exfiltration == GW_BLOCK || d->exposure == GW_BLOCK || d->function == GW_BLOCK ||
        d->flow == GW_BLOCK || d->scanner == GW_BLOCK)
        say(arg, "detectors that block: they learn from days of traffic");
}
