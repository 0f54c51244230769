#include "connector/gateway/message2.h"

#include "connector/gateway/fields.h"
#include "connector/gateway/grpc.h"
#include "connector/gateway/strict.h"
#include "lib/base/ascii.h"
#include "lib/base/num.h"

#include <stdio.h>

#include "lib/base/banned.h"

/* ---- the form of every block --------------------------------------------------------------- */

static bool name_sound(struct view name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_token(name.at[i]) || ascii_lower(name.at[i]) != name.at[i])
            return false;
    return name.len > 0;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool value_sound(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if ((v.at[i] < ' ' && v.at[i] != '\t') || v.at[i] == 0x7f)
            return false;
    return v.len == 0 || (!is_blank(v.at[0]) && !is_blank(v.at[v.len - 1]));
}

/* Fields of one connection of HTTP/1, which here would only be there to be obeyed behind us. */
static bool is_of_a_connection(const struct gw_field *f)
{
    static const char *const names[] = {"connection", "keep-alive", "proxy-connection",
                                        "transfer-encoding", "upgrade"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (view_is(f->name, names[i]))
            return true;
    return view_is(f->name, "te") && !view_is(f->value, "trailers");
}

static bool field_sound(const struct gw_field *f)
{
    return name_sound(f->name) && value_sound(f->value) && !is_of_a_connection(f);
}

/* Pseudo fields come first and are taken out; `values` get what `names` ask for, each once.
 * Returns how many there were, or SIZE_MAX. */
static size_t take_pseudo(const struct gw_field *fields, size_t n, const char *const *names,
                          struct view *values)
{
    size_t i = 0, k;

    for (; i < n && fields[i].name.len > 0 && fields[i].name.at[0] == ':'; i++) {
        for (k = 0; names[k] != NULL && !view_is(fields[i].name, names[k]); k++)
            ;
        if (names[k] == NULL || values[k].at != NULL || fields[i].value.len == 0 ||
            !value_sound(fields[i].value))
            return SIZE_MAX;
        values[k] = fields[i].value;
    }
    return i;
}

SP_MUST static sp_error check_form(const struct gw_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!field_sound(&fields[i]))
            return SP_ERR_MALFORMED;
    return SP_OK;
}

SP_MUST static sp_error read_length(const struct field_roles *roles, bool end,
                                    struct gw_message_body *body)
{
    size_t count = roles->count[FIELD_CONTENT_LENGTH];
    struct view text = roles->value[FIELD_CONTENT_LENGTH];

    body->kind = end ? GW_BODY_NONE : GW_BODY_CHUNKED;
    if (count == 0)
        return SP_OK;
    if (count > 1 || num_uint(text, INT64_MAX, &body->length) != SP_OK)
        return SP_ERR_MALFORMED;
    /* zero bytes that are still to be ended stay GW_BODY_LENGTH */
    body->kind = end ? GW_BODY_NONE : GW_BODY_LENGTH;
    return SP_OK;
}

/* ---- requests ------------------------------------------------------------------------------ */

static bool target_sound(struct view t, struct view method)
{
    for (size_t i = 0; i < t.len; i++)
        if (t.at[i] <= ' ' || t.at[i] > 0x7e || t.at[i] == '#' || t.at[i] == '\\')
            return false;
    return t.at[0] == '/' || (view_is(t, "*") && view_is(method, "OPTIONS"));
}

/* Crumbs of a cookie, where an application reads one (section 8.2.3). */
SP_MUST static sp_error join_cookies(struct gw_field *fields, size_t *n, struct arena *a)
{
    size_t bytes = 0, count = 0, first = 0, kept = 0, at = 0;
    uint8_t *text;

    for (size_t i = 0; i < *n; i++) {
        if (!view_is(fields[i].name, "cookie"))
            continue;
        first = count++ == 0 ? i : first;
        bytes += fields[i].value.len + 2;
    }
    if (count < 2)
        return SP_OK;
    if ((text = arena_take(a, bytes)) == NULL)
        return arena_error(a);
    for (size_t i = 0; i < *n; i++) {
        if (!view_is(fields[i].name, "cookie")) {
            fields[kept++] = fields[i];
            continue;
        }
        struct view crumb = fields[i].value;
        if (at > 0) {
            memcpy(text + at, "; ", 2);
            at += 2;
        }
        if (crumb.len > 0)
            memcpy(text + at, crumb.at, crumb.len);
        at += crumb.len;
        if (i == first)
            fields[kept++].name = view_str("cookie");
    }
    fields[first].value = (struct view){text, at};
    *n = kept;
    return SP_OK;
}

/* What it asks for, and of whom. */
SP_MUST static sp_error read_line(const struct gw_field *fields, size_t *n, bool secure,
                                  struct gw_request *r, struct view *target)
{
    static const char *const names[] = {":method", ":scheme", ":authority", ":path", NULL};
    struct view line[4] = {{0}}, host;
    size_t hosts, pseudo = take_pseudo(fields, *n, names, line);

    if (pseudo == SIZE_MAX)
        return SP_ERR_MALFORMED;
    host = gw_field_find(fields, *n, "host", &hosts);
    if (line[0].len == 0 || line[3].len == 0 || hosts > 1 ||
        !view_is(line[1], secure ? "https" : "http") || !target_sound(line[3], line[0]))
        return SP_ERR_MALFORMED;
    r->host = line[2].len > 0 ? line[2] : host;
    if (!strict_host_form(r->host) || (hosts == 1 && !view_equal(host, r->host)))
        return SP_ERR_MALFORMED;
    r->method_text = line[0];
    r->method = gw_method_parse(line[0]);
    *target = line[3];
    *n = pseudo;
    return SP_OK;
}

sp_error message2_request(const struct message2_head *head, bool secure, struct arena *a,
                          struct gw_request *out, struct view *target, enum gw_reason *reason)
{
    struct gw_request r = {.arena = a, .version_minor = 2, .keep_alive = true};
    size_t pseudo = head->n;
    sp_error e;

    *reason = GW_REASON_FRAMING;
    if ((e = read_line(head->fields, &pseudo, secure, &r, target)) != SP_OK)
        return e;
    struct gw_field *fields = head->fields + pseudo;
    size_t n = head->n - pseudo;
    const struct field_roles roles = field_roles_of(fields, n);
    if ((e = check_form(fields, n)) != SP_OK ||
        (e = read_length(&roles, head->end, &r.body)) != SP_OK || !field_once_each(&roles) ||
        (head->end && r.body.length > 0))
        return SP_ERR_MALFORMED;
    if (r.method == GW_METHOD_NONE) {
        *reason = GW_REASON_METHOD;
        return SP_ERR_MALFORMED;
    }
    struct field_wishes w = field_wishes_of(fields, n, &roles);
    r.expect_continue = w.expect_continue && !head->end;
    field_body(&roles, a, &r.body);
    r.grpc = r.method == GW_POST && grpc_is_type(r.body.content_type);
    r.fields = fields;
    r.field_count = field_keep_end_to_end(fields, n);
    if ((e = join_cookies(fields, &r.field_count, a)) != SP_OK)
        return e;
    *out = r;
    *reason = GW_REASON_EXPECTATION;
    return w.expects && !w.expect_continue ? SP_ERR_MALFORMED : SP_OK;
}

/* ---- answers ------------------------------------------------------------------------------- */

sp_error message2_response(const struct message2_head *head, enum gw_method method, struct arena *a,
                           struct gw_response *out)
{
    static const char *const names[] = {":status", NULL};
    struct gw_response r = {.keep_alive = true};
    struct view status[1] = {{0}};
    size_t pseudo = take_pseudo(head->fields, head->n, names, status);
    uint64_t number;
    sp_error e;

    /* 101 is of HTTP/1 alone (section 8.6) */
    if (pseudo == SIZE_MAX || status[0].len != 3 || num_uint(status[0], 599, &number) != SP_OK ||
        number < 100 || number == 101)
        return SP_ERR_MALFORMED;
    r.status = (int)number;
    struct gw_field *fields = head->fields + pseudo;
    size_t n = head->n - pseudo;
    const struct field_roles roles = field_roles_of(fields, n);
    if ((e = check_form(fields, n)) != SP_OK ||
        (e = read_length(&roles, head->end, &r.body)) != SP_OK)
        return e;
    if (head->end && r.body.length > 0 && method != GW_HEAD && r.status != 304)
        return SP_ERR_MALFORMED;
    if (method == GW_HEAD && r.body.length > 0)
        r.body.kind = GW_BODY_LENGTH; /* of the body that GET would have had */
    field_body(&roles, a, &r.body);
    r.fields = fields;
    r.field_count = field_keep_end_to_end(fields, n);
    *out = r;
    return SP_OK;
}

sp_error message2_trailers(struct gw_field *fields, size_t *n)
{
    sp_error e = check_form(fields, *n); /* ':' is in no token */

    if (e == SP_OK)
        *n = field_keep_end_to_end(fields, *n);
    return e;
}

/* ---- to the application -------------------------------------------------------------------- */

struct view message2_number(uint64_t n, char room[24])
{
    snprintf(room, 24, "%llu", (unsigned long long)n);
    return view_str(room);
}

SP_MUST static sp_error path_of(const struct gw_request *r, struct view prefix, struct arena *a,
                                struct view *out)
{
    struct view path = r->target.path, query = r->target.query;
    uint8_t *text = arena_take(a, prefix.len + path.len + query.len + 1);
    size_t n = 0;

    if (text == NULL)
        return arena_error(a);
    if (prefix.len > 0 && !view_is(path, "*")) {
        memcpy(text, prefix.at, prefix.len);
        n = prefix.len;
    }
    memcpy(text + n, path.at, path.len);
    n += path.len;
    if (query.len > 0) {
        text[n++] = '?';
        memcpy(text + n, query.at, query.len);
        n += query.len;
    }
    *out = (struct view){text, n};
    return SP_OK;
}

sp_error message2_write(const struct gw_request *r, const struct write_to *to,
                        struct write_fields own, struct arena *a, struct write_fields *out)
{
    struct gw_field *f = arena_array(a, r->field_count + own.n + 6, sizeof *f);
    char *length = arena_take(a, 24);
    struct view path;
    size_t n = 0;
    sp_error e;

    if (f == NULL || length == NULL)
        return arena_error(a);
    if ((e = path_of(r, to->prefix, a, &path)) != SP_OK)
        return e;
    f[n++] = (struct gw_field){view_str(":method"), view_str(gw_method_name(r->method))};
    f[n++] = (struct gw_field){view_str(":scheme"), view_str(to->secure ? "https" : "http")};
    f[n++] = (struct gw_field){view_str(":authority"), to->host};
    f[n++] = (struct gw_field){view_str(":path"), path};
    if (r->field_count > 0)
        memcpy(f + n, r->fields, r->field_count * sizeof *f);
    n += r->field_count;
    if (r->body.kind == GW_BODY_LENGTH)
        f[n++] =
            (struct gw_field){view_str("content-length"), message2_number(r->body.length, length)};
    if (r->grpc) /* a server of gRPC refuses who would not read them */
        f[n++] = (struct gw_field){view_str("te"), view_str("trailers")};
    if (own.n > 0)
        memcpy(f + n, own.at, own.n * sizeof *f);
    *out = (struct write_fields){f, n + own.n};
    return SP_OK;
}
