#include "broker/audit/find.h"

#include "broker/api/call.h"
#include "broker/api/names.h"
#include "broker/api/records.h"
#include "broker/api/trace.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXPORT_MAX = 100000, EXPORT_BYTES_MAX = 12 * 1024 * 1024 };

/* ---- one record --------------------------------------------------------------------------- */

static struct json *party(const struct json *p)
{
    struct json *o = json_object();
    const char *kind = json_cstr(json_get(p, "kind")), *name = json_cstr(json_get(p, "name"));

    json_set_cstr(o, "kind", kind ? kind : "");
    json_set_cstr(o, "id", json_cstr(json_get(p, "id")));
    json_set_cstr(o, "name", name ? name : "");
    return o;
}

static void copy_text(struct json *o, const char *member, const struct json *record,
                      const char *from)
{
    const char *s = json_cstr(json_get(record, from));

    json_set_cstr(o, member, s ? s : "");
}

/* Whom and what a record concerns beside its actor and its object; null where it names none. */
static const char *const concerned[] = {"user", "device", "app", "session"};

struct json *record_object(const struct audit_row *row)
{
    struct json *record = NULL, *o;
    struct buf hash;

    if (json_parse(row->text, AUDIT_RECORD_MAX, NULL, &record) != SP_OK)
        return NULL;
    o = json_object();
    json_set_int(o, "shard", row->shard);
    json_set_int(o, "seq", (int64_t)row->seq);
    json_set_time(o, "time", row->at);
    copy_text(o, "action", record, "action");
    copy_text(o, "code", record, "code");
    copy_text(o, "result", record, "result");
    json_set(o, "actor", party(json_get(record, "actor")));
    if (json_get(record, "object") != NULL)
        json_set(o, "object", party(json_get(record, "object")));
    else
        set_null(o, "object");
    for (size_t i = 0; i < sizeof concerned / sizeof *concerned; i++)
        json_set_cstr(o, concerned[i], json_cstr(json_get(record, concerned[i])));
    copy_text(o, "text", record, "text");
    json_set_cstr(o, "request_id", json_cstr(json_get(record, "request")));
    json_set_cstr(o, "address", json_cstr(json_get(record, "address")));
    buf_init(&hash, 2 * ROW_HASH_BYTES);
    encode_hex((struct view){row->hash, sizeof row->hash}, &hash);
    json_set_str(o, "hash", buf_view(&hash));
    buf_deinit(&hash);
    struct json *detail = json_get(record, "detail");
    json_set(o, "details", detail ? json_copy(detail) : json_object());
    json_free(record);
    return o;
}

/* ---- filters ------------------------------------------------------------------------------ */

/* "AT.SHARD.SEQ", and ".t" where sentences alone go on, as cursor_of writes it. */
static bool cursor_read(char *text, struct audit_place *out)
{
    size_t len = strlen(text);
    bool alone = len > 2 && strcmp(text + len - 2, ".t") == 0;
    uint64_t time, shard, seq;

    if (alone)
        text[len - 2] = '\0';
    size_t a = strcspn(text, "."), b = text[a] ? strcspn(text + a + 1, ".") : 0;
    const uint8_t *at = (const uint8_t *)text;
    if (text[a] == '\0' || text[a + 1 + b] == '\0' ||
        num_uint((struct view){at, a}, INT64_MAX, &time) != SP_OK ||
        num_uint((struct view){at + a + 1, b}, UINT32_MAX, &shard) != SP_OK ||
        num_uint(view_str(text + a + b + 2), INT64_MAX, &seq) != SP_OK)
        return false;
    *out =
        (struct audit_place){.edge = {.at = (sp_unix_ms)time, .shard = (uint32_t)shard, .seq = seq},
                             .texts_alone = alone};
    return true;
}

static sp_error read_filter(struct api_call *c, struct audit_filter *f, struct audit_place *from)
{
    char after[64];
    sp_error e;

    *f = (struct audit_filter){0};
    *from = (struct audit_place){0};
    if ((e = call_text(c, "action", f->action, sizeof f->action)) != SP_OK ||
        (e = call_text(c, "result", f->result, sizeof f->result)) != SP_OK ||
        (e = call_text(c, "q", f->q, sizeof f->q)) != SP_OK ||
        (e = call_id(c, "user", &f->user)) != SP_OK || (e = call_id(c, "app", &f->app)) != SP_OK ||
        (e = call_time(c, "from", &f->from)) != SP_OK ||
        (e = call_time(c, "to", &f->to)) != SP_OK ||
        (e = call_text(c, "after", after, sizeof after)) != SP_OK)
        return e;
    if (after[0] == '\0' || cursor_read(after, from))
        return SP_OK;
    return call_cursor_bad(c);
}

static void cursor_of(const struct audit_place *place, char *out, size_t size)
{
    snprintf(out, size, "%lld.%u.%llu%s", (long long)place->edge.at, place->edge.shard,
             (unsigned long long)place->edge.seq, place->texts_alone ? ".t" : "");
}

/* ---- GET /audit --------------------------------------------------------------------------- */

static void name_actor(struct api *api, struct json *record)
{
    struct user_row row;
    const char *name = audit_actor_name(registry_store(api->registry), record, &row);

    if (name == row.name) /* else it is the record's own already */
        json_set_cstr(json_get(record, "actor"), "name", name);
}

static void name_actors(struct api *api, struct json *records)
{
    for (size_t i = 0; i < json_len(records); i++)
        name_actor(api, json_at(records, i));
}

static void take_object(void *arg, const struct audit_row *row)
{
    struct json *o = record_object(row);

    if (o != NULL)
        json_push(arg, o);
}

sp_error records_newest(struct api *api, const char *action, sp_unix_ms since, size_t max,
                        struct json *list)
{
    struct audit_filter f = {.from = since};
    const struct audit_search s = {
        .filter = &f, .order = AUDIT_NEWEST_FIRST, .want = max, .take = take_object, .arg = list};
    struct audit_place next;
    bool more;

    snprintf(f.action, sizeof f.action, "%s", action);
    sp_error e = audit_find(registry_store(api->registry), &s, &next, &more);
    name_actors(api, list);
    return e;
}

sp_error api_audit_list(struct api *api, struct api_call *c)
{
    struct audit_filter f;
    struct audit_place from, next;
    struct page p;
    char cursor[64];
    bool more;
    sp_error e;

    if ((e = read_filter(c, &f, &from)) != SP_OK || (e = listing_begin(c, &p)) != SP_OK)
        return e;
    const struct audit_search s = {.filter = &f,
                                   .order = AUDIT_NEWEST_FIRST,
                                   .from = from,
                                   .want = p.limit,
                                   .take = take_object,
                                   .arg = p.items};
    if ((e = audit_find(registry_store(api->registry), &s, &next, &more)) != SP_OK) {
        listing_drop(&p);
        return e;
    }
    struct json *o = json_object();
    name_actors(api, p.items);
    json_set(o, "items", p.items);
    cursor_of(&next, cursor, sizeof cursor);
    json_set_cstr(o, "next", more ? cursor : NULL);
    json_set(o, "chain", chain_object(api));
    response_json(c->res, 200, o);
    return SP_OK;
}

static bool take_one(void *arg, const struct audit_row *row)
{
    struct json **out = arg;

    json_free(*out);
    *out = record_object(row);
    return false;
}

sp_error api_audit_get(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct json *record = NULL;
    uint64_t shard, seq;
    sp_error e;

    if ((e = call_number(c, "shard", &shard)) != SP_OK ||
        (e = call_number(c, "seq", &seq)) != SP_OK)
        return e;
    if (shard > UINT32_MAX)
        return SP_ERR_NOT_FOUND;
    e = store_services(st)->audit->get(st, (uint32_t)shard, seq, take_one, &record);
    if (e == SP_OK && record == NULL)
        e = SP_ERR_NOT_FOUND;
    if (e == SP_OK) {
        name_actor(api, record);
        response_json(c->res, 200, record);
    }
    return e;
}

/* ---- export ------------------------------------------------------------------------------- */

enum form { FORM_CSV = 0, FORM_NDJSON, FORM_OCSF, FORMS };
static const struct {
    const char *word, *type, *disposition;
} forms[FORMS] = {
    [FORM_CSV] = {"csv", "text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""},
    [FORM_NDJSON] = {"ndjson", "application/x-ndjson", "attachment; filename=\"audit.ndjson\""},
    [FORM_OCSF] = {"ocsf", "application/x-ndjson", "attachment; filename=\"audit.ocsf.ndjson\""},
};

struct export
{
    struct store *store;
    struct buf out;
    enum form form;
    sp_error error; /* of the last record that could not be written */
};

static void as_hashed(struct buf *out, const struct audit_row *row)
{
    struct buf hash;

    buf_init(&hash, 2 * ROW_HASH_BYTES);
    encode_hex((struct view){row->hash, sizeof row->hash}, &hash);
    buf_addf(out, "{\"shard\":%u,\"seq\":%llu,\"hash\":\"%.*s\",\"record\":", row->shard,
             (unsigned long long)row->seq, (int)hash.len, (const char *)hash.at);
    buf_add(out, row->text);
    buf_add_str(out, "}\n");
    buf_deinit(&hash);
}

static sp_error as_ocsf(struct buf *out, const struct json *record, const char *actor,
                        const struct audit_row *row)
{
    struct json *o = audit_ocsf(record, actor, row->shard, row->seq, row->hash);
    struct buf line;

    buf_init(&line, 4 * AUDIT_RECORD_MAX);
    sp_error e = o != NULL ? json_write(o, &line) : SP_ERR_NOMEM;
    buf_add(out, buf_view(&line));
    buf_add_byte(out, '\n');
    buf_deinit(&line);
    json_free(o);
    return e;
}

/* A record that can't be written makes the export fail: none is left out in silence. */
static void take_export(void *arg, const struct audit_row *row)
{
    struct export *x = arg;
    struct json *record = NULL;
    struct user_row user;

    if (x->form == FORM_NDJSON) {
        as_hashed(&x->out, row);
        return;
    }
    sp_error e = json_parse(row->text, AUDIT_RECORD_MAX, NULL, &record);
    const char *actor = audit_actor_name(x->store, record, &user);
    if (e == SP_OK && x->form == FORM_CSV)
        audit_csv(record, actor, row->shard, row->seq, &x->out);
    else if (e == SP_OK)
        e = as_ocsf(&x->out, record, actor, row);
    if (e != SP_OK)
        x->error = e;
    json_free(record);
}

static sp_error read_form(struct api_call *c, enum form *out)
{
    char word[16];
    sp_error e = call_text(c, "format", word, sizeof word);

    for (size_t i = 0; e == SP_OK && i < FORMS; i++)
        if (strcmp(word, forms[i].word) == 0) {
            *out = (enum form)i;
            return SP_OK;
        }
    if (e != SP_OK)
        return e;
    sp_why_field(&c->why, "format");
    return sp_why_say(&c->why, SP_ERR_INVALID, "format is csv, ndjson or ocsf");
}

sp_error api_audit_export(struct api *api, struct api_call *c)
{
    struct export x = {.store = registry_store(api->registry)};
    struct audit_filter f;
    struct audit_place from, next;
    char cursor[64];
    bool more;
    sp_error e;

    if ((e = read_form(c, &x.form)) != SP_OK || (e = read_filter(c, &f, &from)) != SP_OK)
        return e;
    const struct audit_search s = {.filter = &f,
                                   .order = AUDIT_OLDEST_FIRST,
                                   .from = from,
                                   .want = EXPORT_MAX,
                                   .looked_at = EXPORT_MAX,
                                   .take = take_export,
                                   .arg = &x};
    buf_init(&x.out, EXPORT_BYTES_MAX);
    if (x.form == FORM_CSV)
        audit_csv_header(&x.out);
    e = audit_find(registry_store(api->registry), &s, &next, &more);
    if (e == SP_OK)
        e = x.error;
    if (e == SP_OK && (e = buf_error(&x.out)) == SP_ERR_LIMIT)
        e = sp_why_say(&c->why, e, "that is over 12 MiB: give a shorter range with from and to");
    if (e == SP_OK) {
        cursor_of(&next, cursor, sizeof cursor);
        response_text(c->res, 200, forms[x.form].type, buf_view(&x.out));
        if (more)
            response_header(c->res, "sallyport-next", view_str(cursor));
        response_header(c->res, "content-disposition", view_str(forms[x.form].disposition));
    }
    buf_deinit(&x.out);
    return e;
}

/* ---- why ---------------------------------------------------------------------------------- */

static sp_error answer_why(struct api *api, struct api_call *c, const struct json *record)
{
    const struct json *detail = json_get(record, "detail");
    const char *text = json_cstr(json_get(record, "text"));
    struct trace_about about = {0};
    struct view time = json_str(json_get(record, "time"));

    if (json_get(detail, "require") == NULL) /* a request that decided nothing */
        return SP_ERR_NOT_FOUND;
    sp_ignore(clock_parse(time, &about.at)); /* our own writing */
    about.request = json_cstr(json_get(record, "request"));
    sp_ignore(json_get_id(record, "user", &about.user)); /* absent: zero, shown as null */
    sp_ignore(json_get_id(record, "device", &about.device));
    sp_ignore(json_get_id(record, "app", &about.app));
    about.user_name = json_cstr(json_get(json_get(detail, "facts"), "user"));
    about.app_name = json_cstr(json_get(json_get(detail, "facts"), "app"));
    struct names n = names_hold(api);
    struct json *again = trace_again(api, record);
    struct json *o = trace_object(&n, &about, again != NULL ? again : detail, NULL);
    json_free(again);
    names_release(&n);
    if (text != NULL && text[0] != '\0')
        json_push(json_get(o, "reasons"), json_new_str(view_str(text)));
    response_json(c->res, 200, o);
    return SP_OK;
}

static bool take_record(void *arg, const struct audit_row *row)
{
    struct json **out = arg, *record = NULL;

    if (json_parse(row->text, AUDIT_RECORD_MAX, NULL, &record) != SP_OK)
        return true;
    bool decided = json_get(json_get(record, "detail"), "require") != NULL;
    if (decided || *out == NULL) {
        json_free(*out);
        *out = record;
    } else {
        json_free(record);
    }
    return !decided;
}

sp_error api_why_request(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct view ref = request_param(c->req, "request");
    struct json *record = NULL;
    char request[48];

    if (ref.len == 0 || ref.len >= sizeof request)
        return SP_ERR_NOT_FOUND;
    memcpy(request, ref.at, ref.len);
    request[ref.len] = '\0';
    sp_error e = store_services(st)->audit->by_request(st, request, take_record, &record);
    if (e == SP_OK)
        e = record ? answer_why(api, c, record) : SP_ERR_NOT_FOUND;
    json_free(record);
    return e;
}
