#include "connector/gateway/inventory/inventory_internal.h"
#include "lib/base/num.h"

#include <stdio.h>

/* What an endpoint is called, and the states that follow from its figures. */

/* "users" → "user", "policies" → "policy", "boxes" → "box"; "status" and "news" stay. */
static struct view singular(struct view word, char *room)
{
    static const char *const keep[] = {"ss", "us", "is", "news"};
    size_t n = word.len;

    if (n > INVENTORY_NAME_BYTES_MAX)
        n = INVENTORY_NAME_BYTES_MAX;
    for (size_t i = 0; i < n; i++) {
        char c = (char)word.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        room[i] = plain ? c : '_';
    }
    struct view v = {(const uint8_t *)room, n};
    for (size_t i = 0; i < sizeof keep / sizeof keep[0]; i++) {
        size_t k = strlen(keep[i]);
        if (n >= k && memcmp(room + n - k, keep[i], k) == 0)
            return v;
    }
    if (n > 4 && memcmp(room + n - 3, "ies", 3) == 0) {
        room[n - 3] = 'y';
        v.len = n - 2;
    } else if (n > 4 &&
               (memcmp(room + n - 3, "xes", 3) == 0 || memcmp(room + n - 4, "sses", 4) == 0)) {
        v.len = n - 2;
    } else if (n > 2 && room[n - 1] == 's') {
        v.len = n - 1;
    }
    return v;
}

/* The name of a parameter: the document's, else after the word before it, numbered when used. */
static struct view parameter_name(const struct inventory *v, uint16_t at, const char *before,
                                  size_t before_len, char *room, size_t room_len)
{
    char word[INVENTORY_NAME_BYTES_MAX + 1], braced[INVENTORY_NAME_BYTES_MAX + 16];
    uint16_t parent = v->nodes[at].parent;
    struct view stem = {0};

    if (v->nodes[at].name != 0)
        return name_text(&v->names, v->nodes[at].name);
    if (parent != ROOT && !(v->nodes[parent].flags & NODE_PARAM))
        stem = singular(name_text(&v->names, v->nodes[parent].name), word);
    for (unsigned n = 1;; n++) {
        char number[8] = "";
        if (n > 1)
            snprintf(number, sizeof number, "%u", n % 100);
        int len = snprintf(room, room_len, "%.*s%sid%s", (int)stem.len, (const char *)stem.at,
                           stem.len > 0 ? "_" : "", number);
        int wanted = snprintf(braced, sizeof braced, "{%.*s}", len, room);
        if (n > INVENTORY_SEGMENTS_MAX || wanted < 0 ||
            memmem(before, before_len, braced, (size_t)wanted) == NULL)
            return (struct view){(const uint8_t *)room, (size_t)len};
    }
}

static size_t add(char *out, size_t at, struct view s)
{
    if (s.len > 0)
        memcpy(out + at, s.at, s.len);
    return at + s.len;
}

size_t endpoint_template(const struct inventory *v, const struct endpoint *e, char *out,
                         size_t room)
{
    uint16_t way[INVENTORY_SEGMENTS_MAX + 1];
    size_t depth = 0, len = 0;
    char text[INVENTORY_NAME_BYTES_MAX + 16];

    for (uint16_t at = e->node; at != ROOT && depth < INVENTORY_SEGMENTS_MAX;
         at = v->nodes[at].parent)
        way[depth++] = at;
    if (depth == 0)
        out[len++] = '/';
    while (depth-- > 0) {
        bool param = (v->nodes[way[depth]].flags & NODE_PARAM) != 0;
        struct view s = param ? parameter_name(v, way[depth], out, len, text, sizeof text)
                              : name_text(&v->names, v->nodes[way[depth]].name);
        if (s.len + (param ? sizeof "/{}" : sizeof "/") > room - len)
            break;
        len = add(out, len, view_str(param ? "/{" : "/"));
        len = add(out, len, s);
        len = add(out, len, view_str(param ? "}" : ""));
    }
    out[len] = '\0';
    return len;
}

/* States ------------------------------------------------------------------------------------ */

/* "v0" → 1, "v2" → 3; 0: no version. */
static uint64_t version_of(struct view s)
{
    uint64_t n = 0;

    if (s.len < 2 || s.at[0] != 'v' || num_uint(view_slice(s, 1, s.len), 1000000, &n) != SP_OK)
        return 0;
    return n + 1;
}

/* Does the path of `way` (from `depth` - 1 down to 0) exist below `at` with an answer in time? */
static bool same_below(const struct inventory *v, uint16_t at, const uint16_t *way, size_t depth,
                       const struct endpoint *e)
{
    while (depth-- > 0 && at != NONE) {
        const struct node *n = &v->nodes[way[depth]];
        at = n->flags & NODE_PARAM ? v->nodes[at].param : node_child_named(v, at, n->name);
    }
    const struct endpoint *other =
        at == NONE ? NULL : endpoint_of(v, at, (enum gw_method)e->method);
    return other != NULL && (other->last_ok > 0 || (other->flags & ENDPOINT_FIXED));
}

static bool has_newer_version(const struct inventory *v, const struct endpoint *e)
{
    uint16_t way[INVENTORY_SEGMENTS_MAX + 1];
    size_t depth = 0;

    for (uint16_t at = e->node; at != ROOT && depth < INVENTORY_SEGMENTS_MAX;
         at = v->nodes[at].parent) {
        uint64_t own = v->nodes[at].flags & NODE_PARAM
                           ? 0
                           : version_of(name_text(&v->names, v->nodes[at].name));
        for (uint16_t s = own == 0 ? NONE : v->nodes[v->nodes[at].parent].child; s != NONE;
             s = v->nodes[s].next)
            if (version_of(name_text(&v->names, v->nodes[s].name)) > own &&
                same_below(v, s, way, depth, e))
                return true;
        way[depth++] = at;
    }
    return false;
}

static bool has_document(const struct inventory *v)
{
    for (uint16_t c = v->nodes[ROOT].child; c != NONE; c = v->nodes[c].next)
        if (v->nodes[c].flags & NODE_FIXED)
            return true;
    return false;
}

unsigned endpoint_states(const struct inventory *v, const struct endpoint *e, sp_unix_ms now)
{
    bool documented = (e->flags & ENDPOINT_FIXED) != 0;
    sp_unix_ms month_ago = now - (sp_unix_ms)ORPHAN_DAYS * DAY_MS;
    sp_unix_ms since = e->last > v->options.began ? e->last : v->options.began;
    bool answers = e->last_ok > 0 && e->last_ok > month_ago;
    bool old = (e->flags & ENDPOINT_DEPRECATED) || (e->deprecated != 0 && now >= e->deprecated) ||
               (e->sunset != 0 && now >= e->sunset);
    unsigned s = 0;

    if (documented)
        s |= ENDPOINT_DOCUMENTED;
    if (!documented && has_document(v) && e->last_ok > 0)
        s |= ENDPOINT_SHADOW;
    if (documented && since < month_ago)
        s |= ENDPOINT_ORPHAN;
    if (answers && (old || has_newer_version(v, e)))
        s |= ENDPOINT_ZOMBIE;
    if (e->drift != 0)
        s |= ENDPOINT_DRIFT;
    if (e->ok_without_token > 0 && v->with_token > 0)
        s |= ENDPOINT_UNAUTHENTICATED;
    return s;
}

void inventory_retire(struct inventory *v, const struct gwmatch *match, sp_unix_ms deprecated,
                      sp_unix_ms sunset)
{
    char text[INVENTORY_TEMPLATE_MAX];

    for (size_t i = 0; i < INVENTORY_ENDPOINTS_MAX; i++) {
        struct endpoint *e = v->endpoints[i];
        struct view segments[INVENTORY_SEGMENTS_MAX];
        size_t count = 0, len = e == NULL ? 0 : endpoint_template(v, e, text, sizeof text);

        for (size_t from = 1, to; from < len && count < INVENTORY_SEGMENTS_MAX; from = to + 1) {
            for (to = from; to < len && text[to] != '/'; to++)
                ;
            segments[count++] = (struct view){(const uint8_t *)text + from, to - from};
        }
        struct gwmatch_subject s = {.method =
                                        e == NULL ? GW_METHOD_NONE : (enum gw_method)e->method,
                                    .segment_count = count,
                                    .segments = segments};
        if (e != NULL && gwmatch_holds(match, &s)) {
            e->deprecated = deprecated;
            e->sunset = sunset;
        }
    }
}

static const struct {
    enum endpoint_state state;
    const char *name;
} states[] = {
    {ENDPOINT_DOCUMENTED, "documented"}, {ENDPOINT_SHADOW, "shadow"},
    {ENDPOINT_ORPHAN, "orphan"},         {ENDPOINT_ZOMBIE, "zombie"},
    {ENDPOINT_DRIFT, "drift"},           {ENDPOINT_UNAUTHENTICATED, "unauthenticated"},
};

const char *endpoint_state_name(enum endpoint_state s)
{
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (states[i].state == s)
            return states[i].name;
    return "";
}
