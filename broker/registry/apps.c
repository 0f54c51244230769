#include "broker/registry/apps.h"

#include "broker/registry/change.h"
#include "lib/base/num.h"
#include "lib/crypto/random.h"
#include "lib/gateway/config.h"
#include "lib/trust/mint.h"

#include <stdio.h>

/* A gateway's text doubles at most when it becomes a JSON string. */
enum { SPEC_MAX = 16 * 1024 + 2 * APPREC_GATEWAY_MAX, LABEL_KEY_MAX = 63, LABEL_VALUE_MAX = 128 };

const char *app_type_word(enum app_type t)
{
    static const char *const words[] = {"", "tcp", "http", "ssh"};

    return words[t];
}

sp_error app_type_parse(struct view word, enum app_type *out)
{
    for (enum app_type t = APP_TCP; t <= APP_SSH; t++)
        if (view_is(word, app_type_word(t))) {
            *out = t;
            return SP_OK;
        }
    return SP_ERR_INVALID;
}

/* ---- what an admin wrote ------------------------------------------------------------------ */

static sp_error wrong(struct sp_why *why, const char *field, const char *text)
{
    sp_why_field(why, "%s", field);
    return sp_why_say(why, SP_ERR_INVALID, "%s", text);
}

/* DEP-4: a name or address as a resolver takes it, and nothing that reads like more. */
static sp_error check_host(struct view host, struct sp_why *why)
{
    if (host.len == 0 || host.len > APPREC_HOST_TEXT)
        return wrong(why, "host", "host is a name or address of 1 to 253 characters");
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.at[i];
        bool fine = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
                    memchr("-._:", c, 4) != NULL;
        if (!fine)
            return wrong(why, "host", "host is a DNS name or an address, without scheme and port");
    }
    return host.at[0] == '-' || host.at[0] == '.'
               ? wrong(why, "host", "host begins with a letter or digit")
               : SP_OK;
}

static bool label_key(const char *key)
{
    size_t len = strlen(key);

    if (len == 0 || len > LABEL_KEY_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = key[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (i == 0 || strchr("-._/", c) == NULL))
            return false;
    }
    return true;
}

static sp_error check_labels(const struct json *labels, struct sp_why *why)
{
    if (labels == NULL)
        return SP_OK;
    if (json_kind(labels) != JSON_OBJECT || json_len(labels) > APP_LABELS_MAX)
        return wrong(why, "labels", "labels are at most 64 pairs of texts");
    for (void *i = json_iter(labels); i != NULL; i = json_iter_next(labels, i)) {
        const char *key = json_iter_name(i);
        const struct json *value = json_iter_value(i);
        if (label_key(key) && json_kind(value) == JSON_STRING &&
            json_str(value).len <= LABEL_VALUE_MAX)
            continue;
        sp_why_field(why, "labels.%.64s", key);
        return sp_why_say(why, SP_ERR_INVALID,
                          "a label is a key of small letters, digits, '-', '.', '_', '/' and a "
                          "text of at most 128 bytes");
    }
    return SP_OK;
}

static sp_error check_duration(const struct json *limits, const char *name, struct sp_why *why)
{
    const struct json *value = json_get(limits, name);
    int64_t ms;

    if (value == NULL)
        return SP_OK;
    if (json_kind(value) == JSON_STRING && num_duration(json_str(value), &ms) == SP_OK && ms > 0)
        return SP_OK;
    sp_why_field(why, "limits.%s", name);
    return sp_why_say(why, SP_ERR_INVALID, "%s is a duration such as 30m or 8h", name);
}

static sp_error check_step_up(const struct json *limits, struct sp_why *why)
{
    static const char *const members[] = {"kind", "every", NULL};
    const struct json *s = json_get(limits, "step_up");
    struct view kind = json_str(json_get(s, "kind"));
    int64_t ms;

    if (s == NULL)
        return SP_OK;
    if (json_only(s, members, NULL) == SP_OK &&
        (view_is(kind, "any") || view_is(kind, "otp") || view_is(kind, "phishing_resistant")) &&
        num_duration(json_str(json_get(s, "every")), &ms) == SP_OK)
        return SP_OK;
    return wrong(why, "limits.step_up",
                 "step_up has a kind (any, otp, phishing_resistant) and every, a duration");
}

static sp_error check_limits(const struct json *limits, struct sp_why *why)
{
    static const char *const members[] = {"session_max", "idle", "reverify", "step_up", NULL};
    sp_error e;

    if (limits == NULL)
        return SP_OK;
    if (json_kind(limits) != JSON_OBJECT)
        return wrong(why, "limits", "limits are an object, as in a policy");
    if (json_only(limits, members, NULL) != SP_OK)
        return wrong(why, "limits", "limits have session_max, idle, reverify and step_up only");
    if ((e = check_duration(limits, "session_max", why)) != SP_OK ||
        (e = check_duration(limits, "idle", why)) != SP_OK ||
        (e = check_duration(limits, "reverify", why)) != SP_OK)
        return e;
    return check_step_up(limits, why);
}

/* One that nobody uploaded would keep the record from ever being in force. */
static sp_error check_document(struct registry *r, const uint8_t sha256[32], struct sp_why *why)
{
    struct store *st = registry_store(r);
    struct buf text;

    buf_init(&text, REGISTRY_DOCUMENT_MAX);
    sp_error e = store_services(st)->documents->get(st, sha256, &text);
    buf_deinit(&text);
    return e == SP_ERR_NOT_FOUND
               ? sp_why_say(why, SP_ERR_INVALID, "gateway: openapi.document: nobody uploaded it")
               : e;
}

/* What no connector understands is not signed; line and column are told. */
static sp_error check_gateway(struct registry *r, const struct app_spec *spec, struct sp_why *why)
{
    struct gwconf *conf = NULL;
    sp_error e;

    if (spec->gateway.len == 0)
        return SP_OK;
    if (spec->type != APP_HTTP)
        return wrong(why, "gateway", "only an app of type http has a gateway");
    e = gwconf_parse(spec->gateway, why, &conf);
    if (e == SP_OK && conf->openapi.document.named && spec->document == NULL)
        e = check_document(r, conf->openapi.document.sha256, why);
    gwconf_free(conf);
    if (e != SP_ERR_MALFORMED && e != SP_ERR_LIMIT && e != SP_ERR_INVALID)
        return e;
    (void)snprintf(why->field, sizeof why->field, "gateway");
    return SP_ERR_INVALID;
}

static sp_error check_spec(struct registry *r, const struct app_spec *spec, struct sp_why *why)
{
    sp_error e;

    if ((e = registry_name(spec->name, why)) != SP_OK || (e = check_host(spec->host, why)) != SP_OK)
        return e;
    if (spec->port == 0)
        return wrong(why, "port", "port is a number from 1 to 65535");
    if (spec->type == APP_NONE)
        return wrong(why, "type", "type is tcp, http or ssh");
    if (spec->description.len > ROW_TEXT_MAX)
        return wrong(why, "description", "description has at most 512 bytes");
    if ((e = check_labels(spec->labels, why)) != SP_OK ||
        (e = check_gateway(r, spec, why)) != SP_OK)
        return e;
    return check_limits(spec->limits, why);
}

/* ---- the row, its spec and its record ----------------------------------------------------- */

static sp_error write_spec(const struct app_spec *spec, struct buf *out)
{
    struct json *o = json_object();

    json_set(o, "labels", spec->labels ? json_copy(spec->labels) : json_object());
    json_set(o, "limits", spec->limits ? json_copy(spec->limits) : json_object());
    json_set_cstr(o, "cut_through", spec->cut_through == APP_CUT_OFF ? "off" : "auto");
    json_set_str(o, "description", spec->description);
    if (spec->gateway.len > 0)
        json_set_str(o, "gateway", spec->gateway);
    sp_error e = json_write(o, out);
    json_free(o);
    return e;
}

/* The connector's own limit: what the app says of the longest session; 0: nothing. */
static int64_t session_max_of(struct view spec_text)
{
    struct json *spec = NULL;
    int64_t ms = 0;

    if (json_parse(spec_text, SPEC_MAX, NULL, &spec) != SP_OK)
        return 0;
    struct view text = json_str(json_get(json_get(spec, "limits"), "session_max"));
    if (num_duration(text, &ms) != SP_OK)
        ms = 0;
    json_free(spec);
    return ms;
}

sp_error apps_gateway(const struct app_row *row, struct buf *out)
{
    struct json *spec = NULL;
    sp_error e = json_parse(row->spec, SPEC_MAX, NULL, &spec);

    if (e == SP_OK)
        buf_add(out, json_str(json_get(spec, "gateway")));
    json_free(spec);
    return e == SP_OK ? buf_error(out) : e;
}

/* The record of `row` as version `version`. */
static sp_error sign(const struct app_row *row, uint64_t version, const struct key_secret *key,
                     struct buf *out)
{
    static const enum apprec_type types[] = {APPREC_NONE, APPREC_TCP, APPREC_HTTP, APPREC_SSH};
    struct apprec a = {.id = row->id,
                       .site = row->site,
                       .version = (int64_t)version,
                       .type = types[row->type],
                       .host_count = 1,
                       .port_count = 1,
                       .session_ms_max = session_max_of(row->spec),
                       .streams_max = APPREC_STREAMS_MAX};
    struct buf gateway;

    (void)snprintf(a.name, sizeof a.name, "%.64s", row->name);
    (void)snprintf(a.hosts[0], sizeof a.hosts[0], "%.253s", row->host);
    a.ports[0] = row->port;
    buf_init(&gateway, APPREC_GATEWAY_MAX);
    sp_error e = row->type == APP_HTTP ? apps_gateway(row, &gateway) : SP_OK;
    if (e == SP_OK && gateway.len > 0 && (a.gateway = buf_take_str(&gateway)) == NULL)
        e = SP_ERR_NOMEM;
    if (e == SP_OK)
        e = apprec_mint(&a, key, out);
    apprec_deinit(&a);
    buf_deinit(&gateway);
    return e;
}

/* ---- changes ------------------------------------------------------------------------------ */

struct app_job {
    const struct store_services *s;
    struct app_row before, row; /* row: a fresh copy for each run */
    struct change_record record;
    const struct app_spec *spec; /* NULL: the record is only signed anew */
};

/* The document that the new version brings, in the same transaction. */
static sp_error put_document(struct store_tx *tx, const struct app_job *job)
{
    struct document_row row;

    if (job->spec == NULL || job->spec->document == NULL)
        return SP_OK;
    row = *job->spec->document;
    row.app = job->row.id;
    row.ver = job->row.ver;
    return job->s->documents->put(tx, &row, job->spec->document_text);
}

static sp_error put_app(struct store_tx *tx, void *arg)
{
    struct app_job *job = arg;
    sp_error e;

    job->row = job->before;
    job->row.updated = tx_now(tx);
    if ((e = job->s->registry->app_put(tx, &job->row)) != SP_OK ||
        (e = put_document(tx, job)) != SP_OK)
        return e;
    return audit_append(tx, job->s, &job->record.r);
}

static void fill_row(struct app_row *row, const struct app_spec *spec, struct sp_id id,
                     uint64_t ver)
{
    *row = (struct app_row){
        .id = id, .site = spec->site, .type = spec->type, .port = spec->port, .ver = ver};
    memcpy(row->name, spec->name.at, spec->name.len);
    memcpy(row->host, spec->host.at, spec->host.len);
}

static bool site_exists(struct registry *r, struct sp_id site)
{
    const struct snapshot *s = registry_hold(r);
    bool found = snapshot_site_by_id(s, site) != NULL;

    registry_release(r, s);
    return found;
}

sp_error apps_put(struct registry *r, const struct app_spec *spec, struct sp_id id,
                  const struct app_change *change, struct sp_why *why, struct app_row *out)
{
    struct app_job job = {.s = store_services(registry_store(r)), .spec = spec};
    bool is_new = change->expect_ver == 0;
    struct buf text, token;
    sp_error e = change->record_key == NULL ? SP_ERR_INVALID : check_spec(r, spec, why);

    if (e != SP_OK)
        return e;
    if (!site_exists(r, spec->site)) {
        sp_why_field(why, "site");
        return sp_why_say(why, SP_ERR_NOT_FOUND, "there is no such site");
    }
    buf_init(&text, SPEC_MAX);
    buf_init(&token, APPREC_MAX);
    fill_row(&job.before, spec, is_new ? random_id() : id, change->expect_ver);
    if ((e = write_spec(spec, &text)) == SP_OK) {
        job.before.spec = buf_view(&text);
        e = sign(&job.before, change->expect_ver + 1, change->record_key, &token);
    }
    if (e == SP_OK) {
        job.before.record = buf_view(&token);
        change_record(&job.record, change->by, is_new ? AUDIT_APP_CREATE : AUDIT_APP_UPDATE, "app",
                      job.before.id, job.before.name, is_new ? "added" : "changed");
        job.record.r.app = job.before.id;
        job.record.r.site = job.before.site;
        job.record.r.detail = buf_view(&text);
        e = store_commit(registry_store(r), put_app, &job);
    }
    if (e == SP_ERR_EXISTS)
        sp_why_field(why, "name");
    if (e == SP_ERR_EXISTS)
        e = sp_why_say(why, e, "an app of this name exists");
    if (e == SP_OK) {
        *out = job.row;
        out->spec = out->record = (struct view){0};
    }
    buf_deinit(&text);
    buf_deinit(&token);
    return e;
}

static sp_error drop_app(struct store_tx *tx, void *arg)
{
    struct app_job *job = arg;
    sp_error e = job->s->registry->app_remove(tx, job->before.id, job->before.ver);

    if (e == SP_OK)
        e = job->s->documents->forget(tx, job->before.id);
    return e == SP_OK ? audit_append(tx, job->s, &job->record.r) : e;
}

sp_error apps_remove(struct registry *r, struct sp_id id, uint64_t expect_ver,
                     const struct audit_record *by)
{
    struct app_job job = {.s = store_services(registry_store(r))};
    const struct snapshot *s = registry_hold(r);
    const struct app_row *row = snapshot_app_by_id(s, id);

    if (row != NULL)
        job.before = *row;
    registry_release(r, s);
    if (row == NULL)
        return SP_ERR_NOT_FOUND;
    job.before.spec = job.before.record = (struct view){0};
    job.before.ver = expect_ver;
    change_record(&job.record, by, AUDIT_APP_REMOVE, "app", id, job.before.name, "removed");
    job.record.r.app = id;
    job.record.r.site = job.before.site;
    return store_commit(registry_store(r), drop_app, &job);
}

sp_error apps_sign_all(struct registry *r, const struct key_secret *record_key)
{
    const struct snapshot *s = registry_hold(r);
    sp_error e = SP_OK;

    for (size_t i = 0; e == SP_OK && i < s->app_count; i++) {
        struct app_job job = {.s = store_services(registry_store(r)), .before = s->apps[i]};
        struct buf token;
        buf_init(&token, APPREC_MAX);
        if ((e = sign(&job.before, job.before.ver + 1, record_key, &token)) == SP_OK) {
            job.before.record = buf_view(&token);
            change_record(&job.record, NULL, AUDIT_APP_UPDATE, "app", job.before.id,
                          job.before.name, "record signed with a new key");
            job.record.r.app = job.before.id;
            e = store_commit(registry_store(r), put_app, &job);
        }
        if (e == SP_ERR_CONFLICT) /* changed meanwhile, and signed with the new key by that */
            e = SP_OK;
        buf_deinit(&token);
    }
    registry_release(r, s);
    return e;
}
