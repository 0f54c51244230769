#include "broker/registry/gateways.h"

#include "lib/gateway/edit.h"

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

    snprintf(out, room, "%s", conf != NULL && conf->openapi.file != NULL ? conf->openapi.file : "");
    gwconf_free(conf);
}

/* The app as it is, with another gateway part. */
static sp_error put(struct registry *r, const struct app_row *row, struct view gateway,
                    uint64_t expect_ver, const struct key_secret *record_key,
                    const struct audit_record *by, struct sp_why *why)
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
                               .gateway = gateway};
    e = apps_put(r, &s, row->id, expect_ver, record_key, by, why, &out);
    json_free(spec);
    return e;
}

static sp_error edit_mode(struct view text, const struct gw_decider *d, const char *mode,
                          struct buf *out)
{
    return d->items ? gwedit_set_items(text, d->part, d->list, d->named, d->key, mode, out)
                    : gwedit_set(text, d->part, d->key, mode, out);
}

sp_error gateways_switch(struct registry *r, const struct app_row *row, const char *reason,
                         const char *rule, const char *mode, uint64_t expect_ver,
                         const struct key_secret *record_key, const struct audit_record *by,
                         struct sp_why *why)
{
    struct gwconf *conf = conf_of(row);
    struct buf text, changed;
    struct gw_decider d;
    sp_error e = conf != NULL && gwedit_decider(conf, reason, rule, &d) ? SP_OK : SP_ERR_NOT_FOUND;

    buf_init(&text, APP_GATEWAY_MAX);
    buf_init(&changed, APP_GATEWAY_MAX);
    if (e == SP_OK && (e = apps_gateway(row, &text)) == SP_OK) {
        e = edit_mode(buf_view(&text), &d, mode, &changed);
        if (e == SP_ERR_MALFORMED)
            e = sp_why_say(why, SP_ERR_INVALID,
                           "the mode stands in a form that can't be changed here: edit the app");
    }
    if (e == SP_OK)
        e = put(r, row, buf_view(&changed), expect_ver, record_key, by, why);
    gwconf_free(conf);
    buf_deinit(&text);
    buf_deinit(&changed);
    return e;
}

/* A quoted scalar of a flow mapping. Its text comes from an admin: quotes in it are doubled. */
static void add_quoted(struct buf *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    buf_addf(out, "%s%s: '", out->len > 1 ? ", " : "", name);
    for (; *value != '\0'; value++) {
        if (*value == '\'')
            buf_add_byte(out, '\'');
        buf_add_byte(out, (uint8_t)*value);
    }
    buf_add_byte(out, '\'');
}

sp_error gateways_retire(struct registry *r, const struct app_row *row,
                         const struct gateway_retire *retire, uint64_t expect_ver,
                         const struct key_secret *record_key, const struct audit_record *by,
                         struct sp_why *why)
{
    struct buf text, item, changed;
    sp_error e;

    buf_init(&text, APP_GATEWAY_MAX);
    buf_init(&item, 1024);
    buf_init(&changed, APP_GATEWAY_MAX);
    buf_add_byte(&item, '{');
    add_quoted(&item, "match", retire->match);
    add_quoted(&item, "deprecated", retire->deprecated);
    add_quoted(&item, "sunset", retire->sunset);
    add_quoted(&item, "successor", retire->successor);
    add_quoted(&item, "after", retire->block ? "block" : "monitor");
    buf_add_byte(&item, '}');
    if ((e = buf_error(&item)) == SP_OK && (e = apps_gateway(row, &text)) == SP_OK &&
        (e = gwedit_add(buf_view(&text), "retire", buf_view(&item), &changed)) == SP_OK)
        e = put(r, row, buf_view(&changed), expect_ver, record_key, by, why);
    buf_deinit(&text);
    buf_deinit(&item);
    buf_deinit(&changed);
    return e;
}
