/* Stored records in the forms that others read: OCSF and CSV. */
#include "broker/audit/record.h"

#include "broker/store/store.h"
#include "lib/base/encode.h"

static const struct {
    const char *name;
    int ocsf, activity;
} classes[] = {
#define ROW(event, name, number, ocsf, activity) {name, ocsf, activity},
    AUDIT_EVENTS(ROW)
#undef ROW
};

static const char *text_of(const struct json *o, const char *name)
{
    const char *s = json_cstr(json_get(o, name));

    return s ? s : "";
}

const char *audit_actor_name(struct store *st, const struct json *record, struct user_row *row)
{
    const struct json *actor = json_get(record, "actor");
    const char *name = text_of(actor, "name");
    struct sp_id id;

    if (name[0] != '\0' || strcmp(text_of(actor, "kind"), "user") != 0 ||
        id_parse(json_str(json_get(actor, "id")), &id) != SP_OK ||
        store_services(st)->registry->user_get(st, id, row) != SP_OK)
        return name;
    return row->name;
}

/* ---- OCSF --------------------------------------------------------------------------------- */

static struct json *metadata(const struct json *record, uint32_t shard, uint64_t seq,
                             const uint8_t hash[32])
{
    struct json *m = json_object(), *product = json_object(), *profiles = json_array();
    struct json *integrity = json_object();
    struct buf hex;

    json_set_cstr(product, "name", "Sallyport");
    json_set_cstr(product, "vendor_name", "Sallyport");
    json_set(m, "product", product);
    json_set_cstr(m, "version", "1.9.0-dev");
    json_push(profiles, json_new_str(view_str("record_integrity")));
    json_push(profiles, json_new_str(view_str("security_control")));
    json_set(m, "profiles", profiles);
    json_set_cstr(m, "event_code", text_of(record, "code"));
    json_set_cstr(m, "correlation_uid", text_of(record, "request"));
    buf_init(&hex, 64);
    encode_hex((struct view){hash, 32}, &hex);
    json_set_int(integrity, "shard", shard);
    json_set_int(integrity, "sequence", (int64_t)seq);
    json_set_str(integrity, "hash", buf_view(&hex));
    json_set_cstr(integrity, "algorithm", "BLAKE2b-256");
    buf_deinit(&hex);
    json_set(m, "record_integrity", integrity);
    return m;
}

static struct json *ocsf_party(const struct json *party, const char *name)
{
    struct json *o = json_object();

    json_set_cstr(o, "uid", text_of(party, "id"));
    json_set_cstr(o, "name", name);
    json_set_cstr(o, "type", text_of(party, "kind"));
    return o;
}

/* 1 informational, 3 medium, 4 high. */
static int severity(const char *result)
{
    return strcmp(result, "error") == 0 ? 4 : strcmp(result, "denied") == 0 ? 3 : 1;
}

/* What a gateway refused, as HTTP Activity: its activities are the methods. */
enum { HTTP_ACTIVITY = 4002, DETECTION_FINDING = 2004, ACTIVITY_OTHER = 99 };

static int http_activity(const char *method)
{
    static const char *const methods[] = {"CONNECT", "DELETE", "GET", "HEAD",
                                          "OPTIONS", "POST",   "PUT", "TRACE"};

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(method, methods[i]) == 0)
            return (int)i + 1;
    return ACTIVITY_OTHER;
}

/* The rule that did it, and the versions that were in force (profile security_control). */
static void add_rule(struct json *o, const struct json *said, const char *why)
{
    struct json *rule = json_object(), *policy = json_object();
    const char *name = text_of(said, "rule"), *detector = text_of(said, "detector");
    int64_t version = 0;

    json_set_cstr(rule, "name", name[0] != '\0' ? name : why);
    json_set_cstr(rule, "uid", why);
    if (detector[0] != '\0')
        json_set_cstr(rule, "category", detector);
    if (json_get(said, "document") != NULL)
        json_set_cstr(rule, "version", text_of(said, "document"));
    json_set(o, "firewall_rule", rule);
    if (json_get_int(said, "policy_version", 1, INT64_MAX, &version) == SP_OK) {
        struct buf text;
        buf_init(&text, 32);
        buf_addf(&text, "%lld", (long long)version);
        json_set_cstr(policy, "name", "session policy");
        json_set_str(policy, "version", buf_view(&text));
        json_set(o, "policy", policy);
        buf_deinit(&text);
    } else {
        json_free(policy);
    }
}

static void set_count(struct json *o, const char *name, const struct json *said, const char *theirs,
                      int64_t unit)
{
    int64_t n = 0;

    if (json_get_int(said, theirs, 0, INT64_MAX, &n) == SP_OK)
        json_set_int(o, name, n / unit);
}

/* Denied is what the gateway did; a rule that only monitors let it pass (1 allowed, 2 denied). */
static void add_http(struct json *o, const struct json *said)
{
    struct json *request = json_object(), *url = json_object(), *response = json_object();
    bool blocked = json_is_true(json_get(said, "blocked"));
    int64_t status = 0;

    set_count(request, "body_length", said, "request_bytes", 1);
    set_count(o, "duration", said, "latency_us", 1000);
    json_set_cstr(request, "http_method", text_of(said, "method"));
    json_set_cstr(url, "path", text_of(said, "endpoint"));
    json_set(request, "url", url);
    json_set_cstr(request, "uid", text_of(said, "decision"));
    json_set(o, "http_request", request);
    if (blocked && json_get_int(said, "status", 100, 599, &status) == SP_OK) {
        json_set_int(response, "code", status);
        set_count(response, "latency", said, "latency_us", 1000);
        json_set(o, "http_response", response);
    } else {
        json_free(response);
    }
    json_set_int(o, "action_id", blocked ? 2 : 1);
    json_set_int(o, "disposition_id", blocked ? 2 : 1);
}

/* An incident: its detector, what it saw first and last, and what it does about it. */
static void add_finding(struct json *o, const struct json *said)
{
    struct json *info = json_object(), *types = json_array();
    struct view evidence = json_str(json_at(json_get(said, "evidence"), 0));
    bool blocks = strcmp(text_of(said, "mode"), "block") == 0;

    json_set_cstr(info, "uid", text_of(said, "decision"));
    json_set_str(info, "title", evidence);
    json_push(types, json_new_str(json_str(json_get(said, "detector"))));
    json_set(info, "types", types);
    set_count(info, "first_seen_time", said, "first", 1);
    set_count(info, "last_seen_time", said, "last", 1);
    json_set(o, "finding_info", info);
    set_count(o, "count", said, "count", 1);
    set_count(o, "duration", said, "latency_us", 1000);
    json_set_int(o, "action_id", blocks ? 2 : 1);
    json_set_int(o, "disposition_id", blocks ? 2 : 1);
    add_rule(o, said, text_of(said, "detector"));
}

struct json *audit_ocsf(const struct json *record, const char *name, uint32_t shard, uint64_t seq,
                        const uint8_t hash[32])
{
    enum audit_event e;
    struct json *o = json_object(), *actor = json_object(), *src = json_object();
    const char *result = text_of(record, "result");

    if (audit_event_parse(json_str(json_get(record, "action")), &e) != SP_OK)
        e = AUDIT_UNNAMED;
    int class = classes[e].ocsf ? classes[e].ocsf : 6003;
    int activity = classes[e].activity ? classes[e].activity : ACTIVITY_OTHER;
    const struct json *said = json_get(json_get(record, "detail"), "connector"),
                      *object = json_get(record, "object");
    if (class == HTTP_ACTIVITY)
        activity = http_activity(text_of(said, "method"));
    json_set_int(o, "class_uid", class);
    json_set_int(o, "category_uid", class / 1000);
    json_set_int(o, "activity_id", activity);
    json_set_int(o, "type_uid", (int64_t) class * 100 + activity);
    json_set_int(o, "severity_id", severity(result));
    json_set_int(o, "status_id", strcmp(result, "ok") == 0 ? 1 : 2);
    json_set_cstr(o, "time", text_of(record, "time"));
    json_set_cstr(o, "message", text_of(record, "text"));
    json_set(o, "metadata", metadata(record, shard, seq, hash));
    json_set(actor, "user", ocsf_party(json_get(record, "actor"), name));
    json_set(o, "actor", actor);
    json_set(o, "entity", ocsf_party(object, text_of(object, "name")));
    json_set_cstr(src, "ip", text_of(record, "address"));
    json_set(o, "src_endpoint", src);
    if (class == HTTP_ACTIVITY) {
        add_http(o, said);
        add_rule(o, said, text_of(json_get(record, "detail"), "why"));
    }
    if (class == DETECTION_FINDING)
        add_finding(o, said);
    json_set(o, "unmapped", json_copy(record));
    return o;
}

/* ---- CSV ---------------------------------------------------------------------------------- */

static const char *const columns[] = {"time",    "action",      "code",    "result", "actor",
                                      "object",  "object_kind", "user",    "device", "app",
                                      "session", "address",     "request", "text"};
enum { COLUMNS = sizeof columns / sizeof *columns };

/*
 * RFC 4180 quoting; a cell that a spreadsheet would run as a formula gets an apostrophe (C-035).
 * Control characters become visible escapes, so a record is one line.
 */
static void cell(struct buf *out, struct view v)
{
    struct buf shown;

    buf_init(&shown, AUDIT_RECORD_MAX);
    if (v.len > 0 && memchr("=+-@\t\r", v.at[0], 6) != NULL)
        buf_add_byte(&shown, '\'');
    encode_visible(v, &shown);
    buf_add_byte(out, '"');
    for (size_t i = 0; i < shown.len; i++) {
        if (shown.at[i] == '"')
            buf_add_byte(out, '"');
        buf_add_byte(out, shown.at[i]);
    }
    buf_add_byte(out, '"');
    buf_deinit(&shown);
}

void audit_csv_header(struct buf *out)
{
    buf_add_str(out, "shard,seq");
    for (size_t i = 0; i < COLUMNS; i++)
        buf_addf(out, ",%s", columns[i]);
    buf_add_str(out, "\r\n");
}

static struct view value(const struct json *record, const char *actor, const char *column)
{
    if (strcmp(column, "actor") == 0)
        return view_str(actor);
    if (strcmp(column, "object") == 0)
        return json_str(json_get(json_get(record, "object"), "name"));
    if (strcmp(column, "object_kind") == 0)
        return json_str(json_get(json_get(record, "object"), "kind"));
    return json_str(json_get(record, column));
}

void audit_csv(const struct json *record, const char *actor, uint32_t shard, uint64_t seq,
               struct buf *out)
{
    buf_addf(out, "%u,%llu", shard, (unsigned long long)seq);
    for (size_t i = 0; i < COLUMNS; i++) {
        buf_add_byte(out, ',');
        cell(out, value(record, actor, columns[i]));
    }
    buf_add_str(out, "\r\n");
}
