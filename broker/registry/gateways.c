#include "broker/registry/gateways.h"

#include "lib/base/encode.h"
#include "lib/crypto/hash.h"
#include "lib/gateway/edit.h"
#include "lib/schema/openapi.h"

#include <stdio.h>

static const char *const mode_words[] = {
    [GW_OFF] = "off", [GW_MONITOR] = "monitor", [GW_BLOCK] = "block"};

/* NULL: none, or it does not parse (then no connector has it in force either). */
static struct gwconf *conf_of(const struct app_row *row)
{
    struct gwconf *conf = NULL;
    struct buf text;

    buf_init(&text, APP_GATEWAY_MAX);
    if (apps_gateway(row, &text) != SP_OK || text.len == 0 ||
        gwconf_parse(buf_view(&text), NULL, &conf) != SP_OK)
        conf = NULL;
    buf_deinit(&text);
    return conf;
}

bool gateways_decider(const struct app_row *row, const char *reason, const char *rule,
                      struct gateway_decider *out)
{
    struct gwconf *conf = conf_of(row);
    struct gw_decider d;
    bool found = conf != NULL && gwedit_decider(conf, reason, rule, &d);

    if (found) {
        const char *last = !d.items ? d.key : d.named != NULL ? d.named : d.list;
        snprintf(out->part, sizeof out->part, "%s%s%s", d.part, last != NULL ? "." : "",
                 last != NULL ? last : "");
        out->mode = mode_words[d.mode];
    }
    gwconf_free(conf);
    return found;
}

void gateways_document(const struct app_row *row, char *out, size_t room)
{
    struct gwconf *conf = conf_of(row);

    snprintf(out, room, "%s%s", conf != NULL && conf->openapi.document.named ? "sha256:" : "",
             conf == NULL                   ? ""
             : conf->openapi.document.named ? conf->openapi.document.hex
             : conf->openapi.file != NULL   ? conf->openapi.file
                                            : "");
    gwconf_free(conf);
}

/* The app as it is, with another gateway part, and perhaps a document. */
static sp_error put_with(struct registry *r, const struct app_row *row, const struct app_spec *part,
                         const struct app_change *change, struct sp_why *why)
{
    struct json *spec = NULL;
    struct app_row out;
    sp_error e = json_parse(row->spec, 512 * 1024, NULL, &spec);

    if (e != SP_OK)
        return e;
    struct view cut = json_str(json_get(spec, "cut_through"));
    const struct app_spec s = {.name = view_str(row->name),
                               .host = view_str(row->host),
                               .type = row->type,
                               .port = (uint16_t)row->port,
                               .site = row->site,
                               .labels = json_get(spec, "labels"),
                               .limits = json_get(spec, "limits"),
                               .description = json_str(json_get(spec, "description")),
                               .cut_through = view_is(cut, "off") ? APP_CUT_OFF : APP_CUT_AUTO,
                               .gateway = part->gateway,
                               .document = part->document,
                               .document_text = part->document_text};
    e = apps_put(r, &s, row->id, change, why, &out);
    json_free(spec);
    return e;
}

static sp_error put(struct registry *r, const struct app_row *row, struct view gateway,
                    const struct app_change *change, struct sp_why *why)
{
    const struct app_spec part = {.gateway = gateway};

    return put_with(r, row, &part, change, why);
}

static sp_error edit_mode(struct view text, const struct gw_decider *d, const char *mode,
                          struct buf *out)
{
    const struct gwedit_items items = {.part = d->part, .list = d->list, .named = d->named};

    return d->items ? gwedit_set_items(text, &items, d->key, mode, out)
                    : gwedit_set(text, d->part, d->key, mode, out);
}

sp_error gateways_switch(struct registry *r, const struct app_row *row,
                         const struct gateway_mode *mode, const struct app_change *change,
                         struct sp_why *why)
{
    struct gwconf *conf = conf_of(row);
    struct buf text, changed;
    struct gw_decider d;
    bool found = conf != NULL && gwedit_decider(conf, mode->reason, mode->rule, &d);
    sp_error e = found ? SP_OK : SP_ERR_NOT_FOUND;

    buf_init(&text, APP_GATEWAY_MAX);
    buf_init(&changed, APP_GATEWAY_MAX);
    if (e == SP_OK && (e = apps_gateway(row, &text)) == SP_OK) {
        e = edit_mode(buf_view(&text), &d, mode->mode, &changed);
        if (e == SP_ERR_MALFORMED)
            e = sp_why_say(why, SP_ERR_INVALID,
                           "the mode stands in a form that can't be changed here: edit the app");
    }
    if (e == SP_OK)
        e = put(r, row, buf_view(&changed), change, why);
    gwconf_free(conf);
    buf_deinit(&text);
    buf_deinit(&changed);
    return e;
}

/* A text as a scalar in quotes. It comes from an admin: quotes in it are doubled. */
static void quote(struct buf *out, const char *value)
{
    buf_add_byte(out, '\'');
    for (; *value != '\0'; value++) {
        if (*value == '\'')
            buf_add_byte(out, '\'');
        buf_add_byte(out, (uint8_t)*value);
    }
    buf_add_byte(out, '\'');
}

/* A quoted scalar of a flow mapping. */
static void add_quoted(struct buf *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    buf_addf(out, "%s%s: ", out->len > 1 ? ", " : "", name);
    quote(out, value);
}

static sp_error edit_item(struct view text, const struct gateway_item *item, struct buf *out)
{
    struct buf scalar;

    if (item->drop)
        return gwedit_drop(text, item->part, view_str(item->scalar), out);
    buf_init(&scalar, 2048);
    quote(&scalar, item->scalar);
    sp_error e = buf_error(&scalar);
    if (e == SP_OK)
        e = gwedit_add(text, item->part, buf_view(&scalar), out);
    buf_deinit(&scalar);
    return e;
}

static bool has_item(struct view text, const struct gateway_item *item)
{
    struct buf rest;

    buf_init(&rest, APP_GATEWAY_MAX);
    bool is = gwedit_drop(text, item->part, view_str(item->scalar), &rest) != SP_ERR_NOT_FOUND;
    buf_deinit(&rest);
    return is;
}

/* An app's text under change. */
struct editing {
    struct registry *r;
    const struct app_row *row;
    const struct app_change *change;
    struct sp_why *why;
};

/* `e` is what an edit of a list said; `changed` then is the app's new text. */
static sp_error put_list(const struct editing *x, sp_error e, const struct buf *changed)
{
    if (e == SP_ERR_MALFORMED)
        return sp_why_say(x->why, SP_ERR_INVALID,
                          "the list stands in a form that can't be changed here: edit the app");
    return e != SP_OK ? e : put(x->r, x->row, buf_view(changed), x->change, x->why);
}

/* `item`, as YAML, becomes the first of a list; an error of its writer is told. */
static sp_error add_to_list(const struct editing *x, const char *list, const struct buf *item)
{
    struct buf text, changed;
    sp_error e;

    buf_init(&text, APP_GATEWAY_MAX);
    buf_init(&changed, APP_GATEWAY_MAX);
    if ((e = buf_error(item)) == SP_OK && (e = apps_gateway(x->row, &text)) == SP_OK)
        e = put_list(x, gwedit_add(buf_view(&text), list, buf_view(item), &changed), &changed);
    buf_deinit(&text);
    buf_deinit(&changed);
    return e;
}

sp_error gateways_item(struct registry *r, const struct app_row *row,
                       const struct gateway_item *item, const struct app_change *change,
                       struct sp_why *why)
{
    const struct editing x = {r, row, change, why};
    struct buf text, changed;
    sp_error e;

    buf_init(&text, APP_GATEWAY_MAX);
    buf_init(&changed, APP_GATEWAY_MAX);
    if ((e = apps_gateway(row, &text)) == SP_OK && (item->drop || !has_item(buf_view(&text), item)))
        e = put_list(&x, edit_item(buf_view(&text), item, &changed), &changed);
    buf_deinit(&text);
    buf_deinit(&changed);
    return e;
}

static bool has_limit(const struct app_row *row, const char *name)
{
    struct gwconf *conf = conf_of(row);
    bool has = false;

    for (size_t i = 0; conf != NULL && i < conf->rates.count; i++)
        has = has || strcmp(gwconf_rate_at(conf, i)->name, name) == 0;
    gwconf_free(conf);
    return has;
}

sp_error gateways_limit(struct registry *r, const struct app_row *row,
                        const struct gateway_limit *limit, const struct app_change *change,
                        struct sp_why *why)
{
    const struct editing x = {r, row, change, why};
    struct buf item;

    if (has_limit(row, limit->name))
        return sp_why_say(why, SP_ERR_INVALID, "there is a limit %s already: change it there",
                          limit->name);
    buf_init(&item, 1024);
    buf_add_byte(&item, '{');
    add_quoted(&item, "name", limit->name);
    add_quoted(&item, "match", limit->match);
    buf_addf(&item, ", key: [user], rate: %lld/m, burst: %lld, mode: %s}",
             (long long)limit->per_minute, (long long)limit->per_minute,
             limit->block ? "block" : "monitor");
    sp_error e = add_to_list(&x, "rate", &item);
    buf_deinit(&item);
    return e;
}

sp_error gateways_retire(struct registry *r, const struct app_row *row,
                         const struct gateway_retire *retire, const struct app_change *change,
                         struct sp_why *why)
{
    const struct editing x = {r, row, change, why};
    struct buf item;

    buf_init(&item, 1024);
    buf_add_byte(&item, '{');
    add_quoted(&item, "match", retire->match);
    add_quoted(&item, "deprecated", retire->deprecated);
    add_quoted(&item, "sunset", retire->sunset);
    add_quoted(&item, "successor", retire->successor);
    add_quoted(&item, "after", retire->block ? "block" : "monitor");
    buf_add_byte(&item, '}');
    sp_error e = add_to_list(&x, "retire", &item);
    buf_deinit(&item);
    return e;
}

/* ---- documents ---------------------------------------------------------------------------- */

/* The gateway's text with `document: 'sha256:HEX'`, and the app with it and `row`. */
static sp_error put_named(struct registry *r, const struct app_row *app,
                          const struct document_row *row, struct view text,
                          const struct app_change *change, struct sp_why *why)
{
    struct buf before, after, name;
    sp_error e;

    buf_init(&before, APP_GATEWAY_MAX);
    buf_init(&after, APP_GATEWAY_MAX);
    buf_init(&name, 128);
    buf_add_str(&name, "'sha256:");
    encode_hex((struct view){row->sha256, sizeof row->sha256}, &name);
    buf_add_byte(&name, '\'');
    if ((e = buf_error(&name)) == SP_OK && (e = apps_gateway(app, &before)) == SP_OK)
        e = gwedit_set(buf_view(&before), "openapi", "document", buf_cstr(&name), &after);
    if (e == SP_ERR_MALFORMED)
        e = sp_why_say(why, SP_ERR_INVALID,
                       "openapi stands in a form that can't be changed here: edit the app");
    const struct app_spec part = {
        .gateway = buf_view(&after), .document = row, .document_text = text};
    if (e == SP_OK)
        e = put_with(r, app, &part, change, why);
    buf_deinit(&before);
    buf_deinit(&after);
    buf_deinit(&name);
    return e;
}

static void take_notes(const struct api_notes *notes, struct gateway_faults *out)
{
    out->errors = notes->errors;
    out->warnings = notes->warnings;
    for (int errors = 1; errors >= 0; errors--)
        for (size_t i = 0; i < notes->count && out->count < GATEWAY_FAULTS_MAX; i++) {
            if (notes->items[i].error != (errors == 1))
                continue;
            struct gateway_fault *f = &out->list[out->count++];
            f->error = notes->items[i].error;
            view_copy(f->pointer, sizeof f->pointer, view_str(notes->items[i].pointer));
            view_copy(f->text, sizeof f->text, view_str(notes->items[i].text));
        }
}

/* As a connector will, but without files beside it. */
static sp_error check_text(struct view text, struct document_row *row,
                           struct gateway_faults *faults, struct sp_why *why)
{
    struct api_document *d = NULL;
    struct api_notes notes = {0};
    struct hash h = hash_sha256(text);
    sp_error e = text.len > REGISTRY_DOCUMENT_MAX ? SP_ERR_LIMIT : api_load(text, NULL, &notes, &d);

    take_notes(&notes, faults);
    api_notes_deinit(&notes);
    if (e != SP_OK) {
        sp_why_field(why, "text");
        return faults->count > 0
                   ? sp_why_say(why, e, "%s: %s", faults->list[0].pointer, faults->list[0].text)
                   : sp_why_say(why, e, "%s", sp_error_text(e));
    }
    memcpy(row->sha256, h.bytes, sizeof row->sha256);
    row->size = (int64_t)text.len;
    row->operations = (int64_t)api_operation_count(d);
    row->warnings = (int64_t)faults->warnings;
    view_copy(row->title, sizeof row->title, view_str(api_title(d)));
    view_copy(row->version, sizeof row->version, view_str(api_version(d)));
    api_free(d);
    return SP_OK;
}

sp_error gateways_upload(struct registry *r, const struct app_row *row, struct view text,
                         const struct app_change *change, struct gateway_faults *faults,
                         struct sp_why *why)
{
    struct document_row document = {.author = change->by->actor};
    sp_error e = check_text(text, &document, faults, why);

    view_copy(document.note, sizeof document.note, view_str(change->by->text));
    return e == SP_OK ? put_named(r, row, &document, text, change, why) : e;
}

struct part_job {
    const struct store_services *s;
    struct sp_id app, author;
    int64_t at;
    struct view text;
};

static sp_error put_part(struct store_tx *tx, void *arg)
{
    const struct part_job *job = arg;

    return job->s->documents->part(tx, job->app, job->author, job->at, job->text);
}

sp_error gateways_part(struct registry *r, struct sp_id app, struct sp_id author, int64_t at,
                       struct view text)
{
    struct part_job job = {store_services(registry_store(r)), app, author, at, text};

    return store_commit(registry_store(r), put_part, &job);
}

sp_error gateways_parts(struct registry *r, struct sp_id app, struct sp_id author, struct buf *out)
{
    struct store *st = registry_store(r);

    return store_services(st)->documents->parts(st, app, author, out);
}

struct seeking {
    const uint8_t *sha256;
    struct document_row row;
    bool found;
};

static bool seek(void *arg, const struct document_row *row)
{
    struct seeking *s = arg;

    s->found = memcmp(row->sha256, s->sha256, sizeof row->sha256) == 0;
    if (s->found)
        s->row = *row;
    return !s->found;
}

sp_error gateways_restore(struct registry *r, const struct app_row *row, const uint8_t sha256[32],
                          const struct app_change *change, struct sp_why *why)
{
    struct store *st = registry_store(r);
    struct seeking s = {.sha256 = sha256};
    sp_error e = store_services(st)->documents->list(st, row->id, seek, &s);

    if (e != SP_OK || !s.found)
        return e != SP_OK ? e : SP_ERR_NOT_FOUND;
    s.row.author = change->by->actor;
    view_copy(s.row.note, sizeof s.row.note, view_str(change->by->text));
    return put_named(r, row, &s.row, (struct view){0}, change, why);
}
