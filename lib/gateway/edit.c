#include "lib/gateway/edit.h"

#include "lib/config/tree.h"

#include <stdio.h>

/* A place of the tree as an offset: columns count characters. text.len: beyond its end. */
static size_t offset_of(struct view text, unsigned line, unsigned column)
{
    size_t at = 0;

    for (unsigned l = 1; l < line && at < text.len; at++)
        l += text.at[at] == '\n';
    for (unsigned c = 1; c < column && at < text.len; c++)
        for (at++; at < text.len && (text.at[at] & 0xc0) == 0x80;)
            at++;
    return at;
}

static size_t place_of(const struct tree *t, struct view text, const struct json *node)
{
    unsigned line = 0, column = 0;

    tree_place(t, node, &line, &column);
    return line == 0 ? text.len : offset_of(text, line, column);
}

static void splice(struct view text, size_t from, size_t to, const char *with, struct buf *out)
{
    buf_add(out, view_slice(text, 0, from));
    buf_add_str(out, with);
    buf_add(out, view_slice(text, to, text.len));
}

/* The end of a scalar that begins at `at` and reads as `value`; text.len + 1: it is written in a
 * way that can't be cut out. */
static size_t scalar_end(struct view text, size_t at, struct view value)
{
    bool quoted = at < text.len && (text.at[at] == '"' || text.at[at] == '\'');
    size_t from = at + quoted, to = from + value.len;

    if (to + quoted > text.len || memcmp(text.at + from, value.at, value.len) != 0 ||
        (quoted && text.at[to] != text.at[at]))
        return text.len + 1;
    return to + quoted;
}

/* "key: value" becomes the first member of the mapping at `at`. */
static void add_first(struct view text, size_t at, bool empty, const char *member, struct buf *out)
{
    char line[512];
    size_t begin = at;

    if (at < text.len && text.at[at] == '{') {
        (void)snprintf(line, sizeof line, "%s%s", member, empty ? "" : ", ");
        splice(text, at + 1, at + 1, line, out);
        return;
    }
    while (begin > 0 && text.at[begin - 1] != '\n')
        begin--;
    (void)snprintf(line, sizeof line, "%s\n%*s", member, (int)(at - begin), "");
    splice(text, at, at, line, out);
}

/* Of the whole: an empty text is a mapping, too. */
static sp_error add_part(const struct tree *t, struct view text, const char *member,
                         struct buf *out)
{
    const struct json *root = tree_root(t);

    if (json_kind(root) == JSON_NULL) {
        buf_addf(out, "%s\n", member);
        buf_add(out, text);
    } else if (json_kind(root) == JSON_OBJECT) {
        add_first(text, place_of(t, text, root), json_len(root) == 0, member, out);
    } else {
        return SP_ERR_MALFORMED;
    }
    return buf_error(out);
}

static sp_error set_member(const struct tree *t, struct view text, const struct json *object,
                           const char *key, const char *value, struct buf *out)
{
    const struct json *old = json_get(object, key);
    char member[256];

    if (old == NULL) {
        (void)snprintf(member, sizeof member, "%s: %s", key, value);
        add_first(text, place_of(t, text, object), json_len(object) == 0, member, out);
        return buf_error(out);
    }
    size_t at = place_of(t, text, old), end = scalar_end(text, at, json_str(old));
    if (json_kind(old) != JSON_STRING || end > text.len)
        return SP_ERR_MALFORMED;
    splice(text, at, end, value, out);
    return buf_error(out);
}

sp_error gwedit_set(struct view text, const char *part, const char *key, const char *value,
                    struct buf *out)
{
    struct tree *t = NULL;
    char member[256];
    sp_error e = tree_parse(text, GWCONF_MAX, NULL, &t);

    if (e != SP_OK)
        return e;
    const struct json *object = json_get(tree_root(t), part);
    if (object == NULL) {
        (void)snprintf(member, sizeof member, "%s: {%s: %s}", part, key, value);
        e = add_part(t, text, member, out);
    } else if (json_kind(object) == JSON_OBJECT) {
        e = set_member(t, text, object, key, value, out);
    } else {
        e = SP_ERR_MALFORMED;
    }
    tree_free(t);
    return e;
}

/* The first item that is named so and is not set to `value`. NULL: none. */
static const struct json *next_item(const struct json *items, const char *named, const char *key,
                                    const char *value, bool *found)
{
    for (size_t i = 0; i < json_len(items); i++) {
        const struct json *item = json_at(items, i);
        const char *name = json_cstr(json_get(item, "name"));
        const char *now = json_cstr(json_get(item, key));
        if (named != NULL && (name == NULL || strcmp(name, named) != 0))
            continue;
        *found = true;
        /* What stands there when nothing does: limits block, all else monitors. */
        if (now == NULL)
            now = named != NULL ? "block" : "monitor";
        if (strcmp(now, value) != 0 && (named != NULL || strcmp(now, "off") != 0))
            return item;
    }
    return NULL;
}

/* One item at a time: what was changed moves what stands behind it. */
static sp_error set_one(struct view text, const struct gwedit_items *which, const char *key,
                        const char *value, struct buf *out, bool *done)
{
    struct tree *t = NULL;
    bool found = false;
    sp_error e = tree_parse(text, GWCONF_MAX, NULL, &t);

    if (e != SP_OK)
        return e;
    const struct json *items = json_get(tree_root(t), which->part);
    if (which->list != NULL)
        items = json_get(items, which->list);
    const struct json *item = next_item(items, which->named, key, value, &found);
    *done = item == NULL;
    if (!found)
        e = SP_ERR_NOT_FOUND;
    else if (item != NULL)
        e = set_member(t, text, item, key, value, out);
    tree_free(t);
    return e;
}

sp_error gwedit_set_items(struct view text, const struct gwedit_items *which, const char *key,
                          const char *value, struct buf *out)
{
    struct buf now;
    bool done = false;
    sp_error e;

    buf_init(&now, GWCONF_MAX);
    buf_add(&now, text);
    e = buf_error(&now);
    for (size_t i = 0; e == SP_OK && !done && i <= GWCONF_RULES_MAX; i++) {
        struct buf next;
        buf_init(&next, GWCONF_MAX);
        e = set_one(buf_view(&now), which, key, value, &next, &done);
        if (e == SP_OK && !done) {
            buf_reset(&now);
            buf_add(&now, buf_view(&next));
        }
        buf_deinit(&next);
    }
    if (e == SP_OK) {
        buf_add(out, buf_view(&now));
        e = buf_error(out);
    }
    buf_deinit(&now);
    return e;
}

static void add_item(struct view text, size_t at, bool empty, struct view item, struct buf *out)
{
    size_t begin = at;

    buf_add(out, view_slice(text, 0, at));
    if (at < text.len && text.at[at] == '[') {
        buf_add_byte(out, '[');
        buf_add(out, item);
        buf_add_str(out, empty ? "" : ", ");
        buf_add(out, view_slice(text, at + 1, text.len));
        return;
    }
    while (begin > 0 && text.at[begin - 1] != '\n')
        begin--;
    buf_add_str(out, "- ");
    buf_add(out, item);
    buf_addf(out, "\n%*s", (int)(at - begin), "");
    buf_add(out, view_slice(text, at, text.len));
}

sp_error gwedit_add(struct view text, const char *part, struct view item, struct buf *out)
{
    struct tree *t = NULL;
    char member[1024];
    sp_error e = tree_parse(text, GWCONF_MAX, NULL, &t);

    if (e != SP_OK)
        return e;
    const struct json *list = json_get(tree_root(t), part);
    int n = snprintf(member, sizeof member, "%s: [%.*s]", part, VIEW_ARG(item));
    if (n < 0 || (size_t)n >= sizeof member) {
        e = SP_ERR_LIMIT;
    } else if (list == NULL) {
        e = add_part(t, text, member, out);
    } else if (json_kind(list) == JSON_ARRAY) {
        add_item(text, place_of(t, text, list), json_len(list) == 0, item, out);
        e = buf_error(out);
    } else {
        e = SP_ERR_MALFORMED;
    }
    tree_free(t);
    return e;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Of "[a, b]": the item with the comma behind it, else with the one before it. */
static void cut_flow(struct view text, size_t from, size_t to, struct buf *out)
{
    size_t end = to, begin = from;

    while (end < text.len && is_blank(text.at[end]))
        end++;
    if (end < text.len && text.at[end] == ',') {
        for (end++; end < text.len && text.at[end] == ' ';)
            end++;
    } else {
        end = to;
        while (begin > 0 && is_blank(text.at[begin - 1]))
            begin--;
        begin = begin > 0 && text.at[begin - 1] == ',' ? begin - 1 : from;
    }
    splice(text, begin, end, "", out);
}

/* Of lines "- a": its line. A list of none has to be written as one. */
static void cut_line(struct view text, size_t from, size_t to, bool last, struct buf *out)
{
    size_t begin = from, end = to;

    while (begin > 0 && text.at[begin - 1] != '\n' && text.at[begin] != '-')
        begin--;
    if (last) {
        splice(text, begin, to, "[]", out);
        return;
    }
    while (begin > 0 && text.at[begin - 1] != '\n')
        begin--;
    while (end < text.len && text.at[end] != '\n')
        end++;
    splice(text, begin, end < text.len ? end + 1 : end, "", out);
}

static sp_error drop_item(const struct tree *t, struct view text, const struct json *list,
                          struct view value, struct buf *out)
{
    size_t list_at = place_of(t, text, list);
    bool flow = list_at < text.len && text.at[list_at] == '[';

    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *item = json_at(list, i);
        if (json_kind(item) != JSON_STRING || !view_equal(json_str(item), value))
            continue;
        size_t at = place_of(t, text, item), end = scalar_end(text, at, value);
        if (end > text.len)
            return SP_ERR_MALFORMED;
        if (flow)
            cut_flow(text, at, end, out);
        else
            cut_line(text, at, end, json_len(list) == 1, out);
        return buf_error(out);
    }
    return SP_ERR_NOT_FOUND;
}

sp_error gwedit_drop(struct view text, const char *part, struct view value, struct buf *out)
{
    struct tree *t = NULL;
    sp_error e = tree_parse(text, GWCONF_MAX, NULL, &t);

    if (e != SP_OK)
        return e;
    e = drop_item(t, text, json_get(tree_root(t), part), value, out);
    tree_free(t);
    return e;
}

/* Who decides ------------------------------------------------------------------------------- */

static const struct {
    const char *reason, *rule; /* rule NULL: any */
    const char *part, *list, *key;
    size_t at; /* of an int in struct gwconf; lists: not used */
} deciders[] = {
#define AT(member) offsetof(struct gwconf, member)
    {"schema", "response", "openapi", NULL, "response", AT(openapi.response)},
    {"schema", "response-size", "openapi", NULL, "response", AT(openapi.response)},
    {"schema", NULL, "openapi", NULL, "request", AT(openapi.request)},
    {"schema_cost", NULL, "openapi", NULL, "request", AT(openapi.request)},
    {"unknown_endpoint", NULL, "openapi", NULL, "unknown_endpoint", AT(openapi.unknown_endpoint)},
    {"method", NULL, "openapi", NULL, "unknown_endpoint", AT(openapi.unknown_endpoint)},
    {"duplicate_parameter", NULL, "detectors", NULL, "pollution", AT(detectors.pollution)},
    {"input", "path_traversal", "input_rules", NULL, "path_traversal", AT(input.path_traversal)},
    {"input", "header_injection", "input_rules", NULL, "header_injection",
     AT(input.header_injection)},
    {"input", NULL, "input_rules", NULL, "mode", AT(input.mode)},
    {"bola", NULL, "detectors", NULL, "bola", AT(detectors.bola)},
    {"enumeration", NULL, "detectors", NULL, "enumeration", AT(detectors.enumeration)},
    {"credential", NULL, "detectors", NULL, "credential", AT(detectors.credential)},
    {"volume", "exfiltration", "detectors", NULL, "exfiltration", AT(detectors.exfiltration)},
    {"volume", NULL, "detectors", "budget", "mode", 0},
    {"exposure", NULL, "detectors", NULL, "exposure", AT(detectors.exposure)},
    {"function", NULL, "detectors", NULL, "function", AT(detectors.function)},
    {"flow", NULL, "detectors", NULL, "flow", AT(detectors.flow)},
    {"scanner", NULL, "detectors", NULL, "scanner", AT(detectors.scanner)},
    {"owner", NULL, "owner", "", "mode", 0},
    {"rate", NULL, "rate", "", "mode", 0},
    {"in_flight", NULL, "rate", "", "mode", 0},
    {"gone", NULL, "retire", "", "after", 0},
#undef AT
};

/* The mildest mode of a list's items: block only when all block. */
static int mode_of_list(const struct gwconf *conf, const char *part, const char *named)
{
    int mode = GW_BLOCK;

    for (size_t i = 0; strcmp(part, "owner") == 0 && i < conf->owners.count; i++)
        if (gwconf_owner_at(conf, i)->mode == GW_MONITOR)
            mode = GW_MONITOR;
    for (size_t i = 0; strcmp(part, "detectors") == 0 && i < conf->detectors.budgets.count; i++)
        if (gwconf_budget_at(conf, i)->mode == GW_MONITOR)
            mode = GW_MONITOR;
    for (size_t i = 0; strcmp(part, "retire") == 0 && i < conf->retired.count; i++)
        if (gwconf_retire_at(conf, i)->after == GW_MONITOR)
            mode = GW_MONITOR;
    for (size_t i = 0; strcmp(part, "rate") == 0 && i < conf->rates.count; i++)
        if (named != NULL && strcmp(gwconf_rate_at(conf, i)->name, named) == 0)
            mode = gwconf_rate_at(conf, i)->mode;
    return mode;
}

bool gwedit_decider(const struct gwconf *conf, const char *reason, const char *rule,
                    struct gw_decider *out)
{
    for (size_t i = 0; i < sizeof deciders / sizeof *deciders; i++) {
        if (strcmp(deciders[i].reason, reason) != 0 ||
            (deciders[i].rule != NULL && strcmp(deciders[i].rule, rule) != 0))
            continue;
        const char *list = deciders[i].list;
        *out = (struct gw_decider){.part = deciders[i].part,
                                   .list = list != NULL && list[0] == '\0' ? NULL : list,
                                   .key = deciders[i].key};
        if (strcmp(deciders[i].part, "rate") == 0)
            out->named = rule;
        if (list != NULL) {
            out->items = true;
            out->mode = (enum gw_mode)mode_of_list(conf, out->part, out->named);
        } else {
            int mode;
            memcpy(&mode, (const char *)conf + deciders[i].at, sizeof mode);
            out->mode = (enum gw_mode)mode;
        }
        return true;
    }
    return false;
}
