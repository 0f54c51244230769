#include "broker/api/assets.h"

#include <string.h>

/* The first segments of the console's addresses (web/src/route.ts has the same list). */
static const char *const pages[] = {
    "apps",  "policies", "sessions",     "users",    "devices",   "sites", "requests", "connectors",
    "audit", "why",      "integrations", "settings", "incidents", "apis",  "setup",
};

const struct asset *asset_find(struct view path)
{
    for (size_t i = 0; i < asset_count; i++)
        if (view_equal(path, view_str(asset_table[i].path)))
            return &asset_table[i];
    return NULL;
}

bool assets_is_page(struct view path)
{
    if (view_equal(path, view_str("/")))
        return true;
    if (path.len < 2 || path.at[0] != '/')
        return false;

    struct view first = {path.at + 1, path.len - 1};
    const uint8_t *slash = memchr(first.at, '/', first.len);
    if (slash)
        first.len = (size_t)(slash - first.at);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (view_equal(first, view_str(pages[i])))
            return true;
    return false;
}

/* One member of a comma-separated list, without blanks and parameters; moves `list` on. */
static struct view next_member(struct view *list)
{
    const uint8_t *comma = memchr(list->at, ',', list->len);
    size_t len = comma ? (size_t)(comma - list->at) : list->len;
    struct view member = {list->at, len};

    list->at += len + (comma != NULL);
    list->len -= len + (comma != NULL);
    while (member.len && (member.at[0] == ' ' || member.at[0] == '\t')) {
        member.at++;
        member.len--;
    }
    const uint8_t *end = memchr(member.at, ';', member.len);
    if (end)
        member.len = (size_t)(end - member.at);
    while (member.len && (member.at[member.len - 1] == ' ' || member.at[member.len - 1] == '\t'))
        member.len--;
    return member;
}

static bool lists(struct view list, const char *word)
{
    while (list.len)
        if (view_equal(next_member(&list), view_str(word)))
            return true;
    return false;
}

/* RFC 9110 13.1.2: If-None-Match compares weakly. */
static bool browser_has(const struct request *req, const char *etag)
{
    struct view list = request_header(req, "if-none-match");

    while (list.len) {
        struct view one = next_member(&list);
        if (one.len > 2 && one.at[0] == 'W' && one.at[1] == '/')
            one = (struct view){one.at + 2, one.len - 2};
        if (view_equal(one, view_str(etag)))
            return true;
    }
    return false;
}

static void send_asset(const struct asset *a, const struct request *req, struct response *res)
{
    bool packed = lists(request_header(req, "accept-encoding"), "gzip");

    if (browser_has(req, a->etag)) {
        response_empty(res, 304);
        response_header(res, "etag", view_str(a->etag));
    } else {
        response_fixed(res, 200, a->type, packed ? a->gzip : a->plain, a->etag,
                       packed ? "gzip" : NULL);
    }
    response_header(res, "vary", view_str("accept-encoding"));
    response_header(res, "cache-control",
                    view_str(a->forever ? "public, max-age=31536000, immutable" : "no-cache"));
    res->cacheable = true;
}

bool assets_serve(const struct request *req, struct response *res)
{
    const struct asset *a;

    if (req->method != METHOD_GET && req->method != METHOD_HEAD)
        return false;
    if (assets_is_page(req->path)) {
        a = asset_find(view_str("/index.html"));
        if (!a) {
            response_text(res, 404, "text/plain; charset=utf-8",
                          view_str("This broker was built without its console. "
                                   "sallyport-admin does the same over the API.\n"));
            return true;
        }
        send_asset(a, req, res);
        res->policy = RESPONSE_CONSOLE;
        return true;
    }
    if (req->path.len < 8 || memcmp(req->path.at, "/assets/", 8) != 0)
        return false;
    a = asset_find(req->path);
    if (!a)
        return false;
    send_asset(a, req, res);
    return true;
}
