#include "client/admin/act.h"

#include "lib/base/encode.h"
#include "lib/base/num.h"
#include "lib/http/url.h"

#include <stdio.h>
#include <string.h>

enum { ITEMS_DEFAULT = 10000, PAGE_MAX = 200 };

#define COLUMNS(...)              \
    (const struct column[])       \
    {                             \
        __VA_ARGS__,              \
        {                         \
            NULL, NULL, SHOW_TEXT \
        }                         \
    }

const struct act acts[] = {
    {"overview", METHOD_GET, "/overview", ACT_OBJECT, .reason = false},
    {"health", METHOD_GET, "/health", ACT_ITEMS, .list = "checks",
     .columns = COLUMNS({"CHECK", "name", SHOW_TEXT}, {"OK", "ok", SHOW_STATE},
                        {"DETAIL", "text", SHOW_TEXT})},
    {"settings", METHOD_GET, "/settings", ACT_OBJECT, .reason = false},
    {"provider list", METHOD_GET, "/providers", ACT_ITEMS,
     .columns = COLUMNS({"NAME", "name", SHOW_TEXT}, {"ISSUER", "issuer", SHOW_TEXT},
                        {"STATE", "state", SHOW_STATE}, {"CHECKED", "checked_at", SHOW_TIME},
                        {"DETAIL", "text", SHOW_TEXT})},

    {"user list", METHOD_GET, "/users", ACT_PAGES,
     .query = {{"match", "q", REF_TEXT},
               {"group", "group", REF_TEXT},
               {"state", "state", REF_TEXT}},
     .columns = COLUMNS({"NAME", "name", SHOW_TEXT}, {"STATE", "state", SHOW_STATE},
                        {"ROLE", "role", SHOW_TEXT}, {"GROUPS", "groups", SHOW_TEXT},
                        {"FACTOR", "factor", SHOW_TEXT}, {"DEVICES", "devices", SHOW_TEXT},
                        {"SESSIONS", "sessions_live", SHOW_TEXT},
                        {"SIGNED IN", "signed_in_at", SHOW_TIME})},
    {"user show", METHOD_GET, "/users/{user}", ACT_OBJECT, .reason = false},
    {"user disable", METHOD_POST, "/users/{user}/lock", ACT_CUT, .reason = true,
     .done = "Disabled"},
    {"user enable", METHOD_POST, "/users/{user}/unlock", ACT_NONE, .done = "Unlocked"},
    {"user logout", METHOD_POST, "/users/{user}/sign-out", ACT_CUT, .reason = true,
     .done = "Signed out"},
    {"user reset-totp", METHOD_POST, "/users/{user}/reset-totp", ACT_CUT, .reason = true,
     .done = "Factor removed"},
    {"group list", METHOD_GET, "/groups", ACT_PAGES, .query = {{"match", "q", REF_TEXT}},
     .columns = COLUMNS({"NAME", "name", SHOW_TEXT}, {"PROVIDER", "provider", SHOW_TEXT},
                        {"MEMBERS", "members", SHOW_TEXT})},
    {"group show", METHOD_GET, "/users?group={text}", ACT_PAGES,
     .columns = COLUMNS({"MEMBER", "name", SHOW_TEXT}, {"STATE", "state", SHOW_STATE},
                        {"PROVIDER", "provider", SHOW_TEXT}, {"ROLE", "role", SHOW_TEXT})},

    {"device list", METHOD_GET, "/devices", ACT_PAGES,
     .query = {{"match", "q", REF_TEXT},
               {"user", "user", REF_USER},
               {"state", "state", REF_TEXT},
               {"posture", "posture", REF_TEXT}},
     .columns =
         COLUMNS({"ID", "id", SHOW_TEXT}, {"NAME", "name", SHOW_TEXT}, {"USER", "user", SHOW_TEXT},
                 {"STATE", "state", SHOW_STATE}, {"KEY", "key.kind", SHOW_TEXT},
                 {"ONLINE", "online", SHOW_TEXT}, {"PASS", "posture.pass", SHOW_TEXT},
                 {"FAIL", "posture.fail", SHOW_TEXT}, {"UNKNOWN", "posture.unknown", SHOW_TEXT},
                 {"LAST SEEN", "last_seen", SHOW_TIME})},
    {"device show", METHOD_GET, "/devices/{device}", ACT_OBJECT, .reason = false},
    {"device approve", METHOD_POST, "/devices/{device}/approve", ACT_OBJECT, .reason = false},
    {"device block", METHOD_POST, "/devices/{device}/block", ACT_CUT, .reason = true,
     .done = "Blocked"},
    {"device ask", METHOD_POST, "/devices/{device}/ask", ACT_NONE, .done = "It is asked"},
    {"device revoke", METHOD_POST, "/devices/{device}/revoke", ACT_CUT, .reason = true,
     .done = "Revoked"},

    {"site list", METHOD_GET, "/sites", ACT_PAGES, .query = {{"match", "q", REF_TEXT}},
     .columns = COLUMNS({"NAME", "name", SHOW_TEXT}, {"STATE", "state", SHOW_STATE},
                        {"CONNECTORS", "connectors", SHOW_TEXT},
                        {"ONLINE", "connectors_online", SHOW_TEXT}, {"APPS", "apps", SHOW_TEXT},
                        {"SESSIONS", "sessions_live", SHOW_TEXT}, {"ID", "id", SHOW_TEXT})},
    {"site show", METHOD_GET, "/sites/{site}", ACT_OBJECT, .reason = false},
    {"site remove", METHOD_DELETE, "/sites/{site}", ACT_NONE, .done = "Removed"},
    {"enrolment list", METHOD_GET, "/sites/{site}/tokens", ACT_ITEMS,
     .columns = COLUMNS({"ID", "id", SHOW_TEXT}, {"NAME", "name", SHOW_TEXT},
                        {"STATE", "state", SHOW_STATE}, {"MADE", "made_at", SHOW_TIME},
                        {"EXPIRES", "expires", SHOW_TIME}, {"USED BY", "edge", SHOW_TEXT})},
    {"enrolment show", METHOD_GET, "/tokens/{text}", ACT_OBJECT, .reason = false},
    {"enrolment revoke", METHOD_DELETE, "/tokens/{text}", ACT_NONE, .done = "Revoked"},
    {"connector list", METHOD_GET, "/connectors", ACT_PAGES, .query = {{"site", "site", REF_SITE}},
     .columns = COLUMNS({"NAME", "name", SHOW_TEXT}, {"SITE", "site", SHOW_TEXT},
                        {"STATE", "state", SHOW_STATE}, {"VERSION", "software", SHOW_TEXT},
                        {"ADDRESS", "address", SHOW_TEXT}, {"RTT", "rtt_ms", SHOW_MS},
                        {"RELAYS", "relays", SHOW_TEXT}, {"SESSIONS", "sessions_live", SHOW_TEXT},
                        {"LAST SEEN", "last_seen", SHOW_TIME}, {"ID", "id", SHOW_TEXT})},
    {"connector show", METHOD_GET, "/connectors/{connector}", ACT_OBJECT, .reason = false},
    {"connector revoke", METHOD_POST, "/connectors/{connector}/revoke", ACT_CUT, .reason = true,
     .done = "Revoked"},
    {"relay list", METHOD_GET, "/relays", ACT_ITEMS,
     .columns = COLUMNS({"NAME", "name", SHOW_TEXT}, {"REGION", "region", SHOW_TEXT},
                        {"STATE", "state", SHOW_STATE}, {"ADDRESSES", "addresses", SHOW_TEXT},
                        {"TUNNELS", "tunnels", SHOW_TEXT}, {"SESSIONS", "sessions_live", SHOW_TEXT},
                        {"VERSION", "software", SHOW_TEXT}, {"LAST SEEN", "last_seen", SHOW_TIME})},
    {"relay revoke", METHOD_POST, "/relays/{relay}/revoke", ACT_CUT, .reason = true,
     .done = "Revoked"},

    {"app list", METHOD_GET, "/apps", ACT_PAGES,
     .query = {{"match", "q", REF_TEXT}, {"site", "site", REF_SITE}, {"type", "type", REF_TEXT}},
     .columns = COLUMNS({"NAME", "name", SHOW_TEXT}, {"SITE", "site", SHOW_TEXT},
                        {"TYPE", "type", SHOW_TEXT}, {"HOST", "host", SHOW_TEXT},
                        {"PORT", "port", SHOW_TEXT}, {"STATE", "state", SHOW_STATE},
                        {"LEVEL", "level", SHOW_TEXT}, {"POLICIES", "policies", SHOW_TEXT},
                        {"SESSIONS", "sessions_live", SHOW_TEXT})},
    {"app show", METHOD_GET, "/apps/{app}", ACT_OBJECT, .reason = false},
    {"app remove", METHOD_DELETE, "/apps/{app}", ACT_NONE, .versioned = true, .done = "Removed"},
    {"app test", METHOD_POST, "/apps/{app}/test", ACT_ITEMS, .list = "results",
     .columns = COLUMNS({"CONNECTOR", "connector", SHOW_TEXT}, {"RESULT", "result", SHOW_STATE},
                        {"ADDRESS", "address", SHOW_TEXT}, {"TIME", "took_ms", SHOW_MS},
                        {"DETAIL", "text", SHOW_TEXT})},

    {"policy list", METHOD_GET, "/policies", ACT_ITEMS,
     .columns = COLUMNS({"NAME", "name", SHOW_TEXT}, {"MODE", "mode", SHOW_TEXT},
                        {"COVERS", "covers", SHOW_TEXT}, {"ALLOW", "allow", SHOW_TEXT},
                        {"DENY", "deny", SHOW_TEXT}, {"REQUIRE", "require", SHOW_TEXT},
                        {"FINDINGS", "findings", SHOW_TEXT})},
    {"policy remove", METHOD_DELETE, "/policies/{text}", ACT_NONE, .versioned = true,
     .done = "Removed"},
    {"policy history", METHOD_GET, "/policy/versions", ACT_PAGES,
     .columns = COLUMNS({"VERSION", "version", SHOW_TEXT}, {"AT", "at", SHOW_TIME},
                        {"BY", "by", SHOW_TEXT}, {"IN FORCE", "in_force", SHOW_STATE},
                        {"NOTE", "note", SHOW_TEXT})},

    {"draft list", METHOD_GET, "/policy/drafts", ACT_ITEMS,
     .columns = COLUMNS({"ID", "id", SHOW_TEXT}, {"POLICY", "policy", SHOW_TEXT},
                        {"BY", "by", SHOW_TEXT}, {"AGAINST", "base", SHOW_TEXT},
                        {"SAVED", "updated", SHOW_TIME}, {"NOTE", "note", SHOW_TEXT})},
    {"draft show", METHOD_GET, "/policy/drafts/{text}", ACT_OBJECT, .reason = false},
    {"draft discard", METHOD_DELETE, "/policy/drafts/{text}", ACT_NONE, .done = "Discarded"},

    {"feed list", METHOD_GET, "/feeds", ACT_ITEMS,
     .columns =
         COLUMNS({"NAME", "name", SHOW_TEXT}, {"STATE", "state", SHOW_STATE},
                 {"JOINED", "devices.joined", SHOW_TEXT},
                 {"NOT JOINED", "devices.not_joined", SHOW_TEXT}, {"LAST GOOD", "ok_at", SHOW_TIME},
                 {"NEXT", "next_at", SHOW_TIME}, {"DETAIL", "text", SHOW_TEXT})},
    {"feed show", METHOD_GET, "/feeds/{text}", ACT_OBJECT, .reason = false},
    {"feed test", METHOD_POST, "/feeds/{text}/test", ACT_OBJECT, .reason = false},
    {"feed sync", METHOD_POST, "/feeds/{text}/sync", ACT_NONE, .done = "It is asked"},
    {"feed unjoined", METHOD_GET, "/feeds/{text}/not-joined", ACT_ITEMS,
     .columns = COLUMNS({"ID", "id", SHOW_TEXT}, {"SERIAL", "serial", SHOW_TEXT},
                        {"WHY", "why", SHOW_TEXT})},
    {"feed remove", METHOD_DELETE, "/feeds/{text}", ACT_NONE, .done = "Removed"},

    {"session list", METHOD_GET, "/sessions", ACT_PAGES,
     .query = {{"user", "user", REF_USER},
               {"device", "device", REF_DEVICE},
               {"connector", "connector", REF_CONNECTOR},
               {"app", "app", REF_APP},
               {"match", "q", REF_TEXT}},
     .columns = COLUMNS({"ID", "id", SHOW_TEXT}, {"USER", "user", SHOW_TEXT},
                        {"DEVICE", "device", SHOW_TEXT}, {"APP", "app", SHOW_TEXT},
                        {"STATE", "state", SHOW_STATE}, {"CONNECTOR", "connector", SHOW_TEXT},
                        {"OPENED", "opened", SHOW_TIME}, {"DEADLINE", "deadline", SHOW_TIME},
                        {"UP", "bytes_up", SHOW_BYTES}, {"DOWN", "bytes_down", SHOW_BYTES},
                        {"RULE", "rule", SHOW_TEXT})},
    {"session show", METHOD_GET, "/sessions/{text}", ACT_OBJECT, .reason = false},

    {"incident list", METHOD_GET, "/incidents", ACT_PAGES,
     .query = {{"detector", "detector", REF_TEXT},
               {"user", "user", REF_USER},
               {"app", "app", REF_APP}},
     .columns =
         COLUMNS({"ID", "id", SHOW_TEXT}, {"LAST", "last", SHOW_TIME}, {"APP", "app", SHOW_TEXT},
                 {"DETECTOR", "detector", SHOW_TEXT}, {"USER", "user", SHOW_TEXT},
                 {"ENDPOINT", "endpoint", SHOW_TEXT}, {"COUNT", "count", SHOW_TEXT},
                 {"MODE", "mode", SHOW_TEXT}, {"BLOCKED", "blocked", SHOW_TEXT},
                 {"WOULD BLOCK", "would_have_blocked", SHOW_TEXT})},
    {"incident show", METHOD_GET, "/incidents/{text}", ACT_OBJECT, .reason = false},

    {"endpoint list", METHOD_GET, "/endpoints", ACT_PAGES,
     .query = {{"app", "app", REF_APP},
               {"state", "state", REF_TEXT},
               {"method", "method", REF_TEXT},
               {"match", "q", REF_TEXT},
               {"sort", "sort", REF_TEXT}},
     .columns = COLUMNS({"ID", "id", SHOW_TEXT}, {"APP", "app", SHOW_TEXT},
                        {"METHOD", "method", SHOW_TEXT}, {"PATH", "path", SHOW_TEXT},
                        {"STATES", "states", SHOW_TEXT}, {"CALLS", "calls", SHOW_TEXT},
                        {"USERS", "users", SHOW_TEXT}, {"ERRORS", "errors", SHOW_TEXT},
                        {"VIOLATIONS", "violations", SHOW_TEXT}, {"REFUSED", "refused", SHOW_TEXT},
                        {"LAST", "last_seen", SHOW_TIME})},
    {"endpoint show", METHOD_GET, "/endpoints/{text}", ACT_OBJECT, .reason = false},
    {"gateway list", METHOD_GET, "/gateway/apps", ACT_ITEMS,
     .columns = COLUMNS({"APP", "app", SHOW_TEXT}, {"ENDPOINTS", "endpoints", SHOW_TEXT},
                        {"DOCUMENTED", "documented", SHOW_TEXT}, {"SHADOW", "shadow", SHOW_TEXT},
                        {"ORPHAN", "orphan", SHOW_TEXT}, {"ZOMBIE", "zombie", SHOW_TEXT},
                        {"DRIFT", "drift", SHOW_TEXT}, {"REQUESTS", "coverage.requests", SHOW_TEXT},
                        {"READ", "coverage.read", SHOW_TEXT}, {"DOCUMENT", "document", SHOW_TEXT})},
    {"gateway documents", METHOD_GET, "/apps/{app}/documents", ACT_ITEMS,
     .columns =
         COLUMNS({"SHA256", "sha256", SHOW_TEXT}, {"IN FORCE", "in_force", SHOW_TEXT},
                 {"TITLE", "title", SHOW_TEXT}, {"VERSION", "document_version", SHOW_TEXT},
                 {"OPERATIONS", "operations", SHOW_TEXT}, {"WARNINGS", "warnings", SHOW_TEXT},
                 {"AT", "at", SHOW_TIME}, {"BY", "by", SHOW_TEXT}, {"NOTE", "note", SHOW_TEXT})},
    {"gateway document", METHOD_GET, "/apps/{app}/documents/{text}", ACT_OBJECT, .reason = false},
    {"gateway hits", METHOD_GET, "/gateway/hits", ACT_ITEMS, .query = {{"app", "app", REF_APP}},
     .columns = COLUMNS({"APP", "app", SHOW_TEXT}, {"REASON", "reason", SHOW_TEXT},
                        {"RULE", "rule", SHOW_TEXT}, {"PART", "part", SHOW_TEXT},
                        {"MODE", "mode", SHOW_TEXT}, {"PEOPLE", "people", SHOW_TEXT},
                        {"REFUSED", "blocked", SHOW_TEXT}, {"WOULD REFUSE", "monitor", SHOW_TEXT},
                        {"LAST", "last", SHOW_TIME})},
    {"gateway people", METHOD_GET, "/gateway/people", ACT_ITEMS,
     .query = {{"app", "app", REF_APP}, {"why", "reason", REF_TEXT}, {"rule", "rule", REF_TEXT}},
     .columns = COLUMNS({"USER", "user", SHOW_TEXT}, {"ENDPOINT", "endpoint", SHOW_TEXT},
                        {"REFUSED", "blocked", SHOW_TEXT}, {"WOULD REFUSE", "monitor", SHOW_TEXT},
                        {"LAST", "last", SHOW_TIME})},

    {"request list", METHOD_GET, "/requests", ACT_PAGES,
     .query = {{"state", "state", REF_TEXT}, {"user", "user", REF_USER}, {"app", "app", REF_APP}},
     .columns = COLUMNS({"ID", "id", SHOW_TEXT}, {"USER", "user", SHOW_TEXT},
                        {"APP", "app", SHOW_TEXT}, {"STATE", "state", SHOW_STATE},
                        {"ASKED", "created", SHOW_TIME}, {"FOR", "for_ms", SHOW_MS},
                        {"UNTIL", "until", SHOW_TIME}, {"BY", "decided_by", SHOW_TEXT},
                        {"REASON", "reason", SHOW_TEXT}, {"DENIED BECAUSE", "denied", SHOW_TEXT})},
    {"request show", METHOD_GET, "/requests/{text}", ACT_OBJECT, .reason = false},
    {"request deny", METHOD_POST, "/requests/{text}/refuse", ACT_OBJECT, .reason = true},
    {"request end", METHOD_POST, "/requests/{text}/end", ACT_OBJECT, .reason = true},

    {"audit list", METHOD_GET, "/audit", ACT_PAGES,
     .query = {{"from", "from", REF_TEXT},
               {"to", "to", REF_TEXT},
               {"action", "action", REF_TEXT},
               {"result", "result", REF_TEXT},
               {"user", "user", REF_USER},
               {"app", "app", REF_APP},
               {"match", "q", REF_TEXT}},
     .columns = COLUMNS({"SEQ", "seq", SHOW_TEXT}, {"TIME", "time", SHOW_TIME},
                        {"ACTION", "action", SHOW_TEXT}, {"RESULT", "result", SHOW_STATE},
                        {"ACTOR", "actor.name", SHOW_TEXT}, {"OBJECT", "object.name", SHOW_TEXT},
                        {"REQUEST", "request_id", SHOW_TEXT}, {"TEXT", "text", SHOW_TEXT})},
    {"audit show", METHOD_GET, "/audit/records/{text}/{text}", ACT_OBJECT, .reason = false},
};
const size_t acts_count = sizeof acts / sizeof *acts;

const struct act *act_find(const char *command)
{
    for (size_t i = 0; i < acts_count; i++)
        if (strcmp(acts[i].command, command) == 0)
            return &acts[i];
    return NULL;
}

/* ---- the path ---------------------------------------------------------------------------- */

int act_path(struct broker *b, const char *path, size_t *next, struct buf *out)
{
    int code = EXIT_OK;

    buf_add_str(out, "/api/v1");
    while (*path != '\0' && code == EXIT_OK) {
        const char *open = strchr(path, '{'), *close = open == NULL ? NULL : strchr(open, '}');

        if (close == NULL) {
            buf_add_str(out, path);
            break;
        }
        struct view word = {(const uint8_t *)open + 1, (size_t)(close - open - 1)};
        struct buf id;

        buf_add(out, (struct view){(const uint8_t *)path, (size_t)(open - path)});
        buf_init(&id, 1024);
        code = name_resolve(b, ref_of(word), b->call->args[(*next)++], &id);
        encode_percent(buf_view(&id), out);
        buf_deinit(&id);
        path = close + 1;
    }
    return code;
}

static int add_query(struct broker *b, const struct act *act, struct buf *path)
{
    bool first = memchr(path->at, '?', path->len) == NULL;
    int code = EXIT_OK;

    for (size_t i = 0; i < ACT_QUERY_MAX && act->query[i].option != NULL && code == EXIT_OK; i++) {
        const char *said = command_value(b->call, act->query[i].option);
        struct buf value;

        if (said == NULL)
            continue;
        buf_init(&value, 1024);
        code = name_resolve(b, act->query[i].kind, said, &value);
        url_add_query(path, &first, act->query[i].name, buf_view(&value));
        buf_deinit(&value);
    }
    return code;
}

/* ---- pages ------------------------------------------------------------------------------- */

static int limit_of(const struct command_call *call, size_t *out)
{
    const char *said = command_value(call, "limit");
    uint64_t n = ITEMS_DEFAULT;

    if (said != NULL && (num_uint(view_str(said), 1000 * 1000, &n) != SP_OK || n == 0))
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_USAGE,
                                            .code = "usage",
                                            .what = "--limit is a number from 1 to 1000000"});
    *out = (size_t)n;
    return EXIT_OK;
}

/* Moves the items of `page` behind those of `all`, as far as there is room. */
static void append_items(struct json *all, const struct json *page, size_t limit)
{
    struct json *to = json_get(all, "items");
    const struct json *from = json_get(page, "items");

    for (size_t i = 0; i < json_len(from) && json_len(to) < limit; i++)
        json_push(to, json_ref(json_at(from, i)));
}

int act_pages(struct broker *b, const struct buf *path, size_t limit, struct json **out)
{
    struct json *all = NULL;
    char after[640] = "";
    int code;

    do {
        struct json *page = NULL;
        struct buf url;
        char size[24];
        size_t had = all == NULL ? 0 : json_len(json_get(all, "items"));
        bool first = memchr(path->at, '?', path->len) == NULL;

        buf_init(&url, URL_BYTES_MAX);
        buf_add(&url, buf_view(path));
        snprintf(size, sizeof size, "%zu", limit - had < PAGE_MAX ? limit - had : PAGE_MAX);
        url_add_query(&url, &first, "limit", view_str(size));
        if (after[0] != '\0')
            url_add_query(&url, &first, "after", view_str(after));
        code = broker_call(
            b, &(struct broker_request){.method = METHOD_GET, .path = buf_cstr(&url)}, &page, NULL);
        buf_deinit(&url);
        const char *next = json_cstr(json_get(page, "next"));
        view_copy(after, sizeof after, view_str(next == NULL ? "" : next));
        if (all == NULL) {
            all = page;
        } else {
            append_items(all, page, limit);
            json_set(all, "next", next == NULL ? json_new_null() : json_new_str(view_str(next)));
            json_free(page);
        }
    } while (code == EXIT_OK && after[0] != '\0' && json_len(json_get(all, "items")) < limit);
    if (code != EXIT_OK) {
        json_free(all);
        return code;
    }
    *out = all;
    return EXIT_OK;
}

/* ---- one call ---------------------------------------------------------------------------- */

int act_json(const struct command_call *call, struct json *answer)
{
    char name[64];

    snprintf(name, sizeof name, "admin_%s", call->command->name);
    for (char *c = name; *c != '\0'; c++)
        *c = *c == ' ' || *c == '-' ? '_' : *c;
    return command_json(name, answer == NULL ? json_object() : answer);
}

int act_show(const struct command_call *call, struct json *answer)
{
    int code;

    if (call->json)
        return act_json(call, answer);
    code = show_object(answer);
    json_free(answer);
    return code;
}

static int show(const struct command_call *call, const struct act *act, struct json *answer)
{
    const struct out o = out_on(stdout);
    int code = EXIT_OK;

    if (call->json)
        return act_json(call, answer);
    switch (act->shape) {
    case ACT_PAGES:
    case ACT_ITEMS:
        code = show_table(act->columns, json_get(answer, act->list == NULL ? "items" : act->list));
        break;
    case ACT_OBJECT:
        code = show_object(answer);
        break;
    case ACT_CUT:
        code = show_cut(answer, act->done, call->args[0]);
        break;
    case ACT_NONE:
        out_line(&o, "%s: %s.", act->done, call->args[0]);
        break;
    }
    json_free(answer);
    return code;
}

static int call_once(struct broker *b, const struct act *act, struct buf *path, struct json **out)
{
    struct broker_request q = {.method = act->method, .path = buf_cstr(path)};
    struct json *now = NULL;
    int code = EXIT_OK;

    if (act->versioned) {
        code = broker_call(b, &(struct broker_request){.method = METHOD_GET, .path = q.path}, &now,
                           &q.if_match);
        json_free(now);
    }
    if (code != EXIT_OK)
        return code;
    if (act->reason) {
        q.body = json_object();
        json_set_cstr(q.body, "reason", command_value(b->call, "reason"));
    }
    return broker_call(b, &q, out, NULL);
}

int act_run(const struct command_call *call)
{
    const struct act *act = act_find(call->command->name);
    struct json *answer = NULL;
    struct broker b;
    struct buf path;
    size_t next = 0, limit = 0;
    int code;

    if (act->reason && command_value(call, "reason") == NULL)
        return command_fail(call, &(struct command_failure){
                                      .exit = EXIT_USAGE,
                                      .code = "usage",
                                      .what = "--reason TEXT is missing: it goes into the audit "
                                              "record, and whoever is cut off reads it"});
    if (act->shape == ACT_PAGES && (code = limit_of(call, &limit)) != EXIT_OK)
        return code;
    if ((code = broker_open(call, &b)) != EXIT_OK)
        return code;
    buf_init(&path, URL_BYTES_MAX);
    code = act_path(&b, act->path, &next, &path);
    if (code == EXIT_OK)
        code = add_query(&b, act, &path);
    if (code == EXIT_OK)
        code = act->shape == ACT_PAGES ? act_pages(&b, &path, limit, &answer)
                                       : call_once(&b, act, &path, &answer);
    buf_deinit(&path);
    broker_close(&b);
    return code == EXIT_OK ? show(call, act, answer) : code;
}
