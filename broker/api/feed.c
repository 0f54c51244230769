#include "broker/api/feed.h"

#include "broker/api/api.h"
#include "lib/http/live.h"

static void on_live(void *arg, enum live_event event, const struct session *s, const char *why)
{
    struct api *api = arg;
    bool open = event == LIVE_EVENT_ADDED || event == LIVE_EVENT_UNKNOWN;
    bool over = event == LIVE_EVENT_ENDED || event == LIVE_EVENT_CUT;
    const char *state = !over ? NULL : s->cut_at != 0 ? "cut" : "ended";

    (void)why;
    if (api->feed == NULL)
        return;
    struct names n = names_hold(api);
    struct json *d = json_object();
    json_set(d, "session", api_session_object(api, &n, s, state));
    names_release(&n);
    live_post(api->feed, open ? "session.open" : over ? "session.end" : "session.change", d);
}

sp_error feed_follow(struct api *api)
{
    return live_listen(api->live, on_live, api);
}

/* One row a kind; what has no word is nothing that pages show. */
static const char *const change_words[CHANGE_KINDS] = {
    [CHANGE_POLICY] = "policy.change",  [CHANGE_APP] = "app.change",
    [CHANGE_SITE] = "site.change",      [CHANGE_CONNECTOR] = "connector.change",
    [CHANGE_RELAY] = "relay.change",    [CHANGE_USER] = "user.change",
    [CHANGE_DEVICE] = "device.change",  [CHANGE_LOGIN] = "device.change",
    [CHANGE_POSTURE] = "device.change", [CHANGE_ACCESS] = "request.change",
};

static void on_row(void *arg, const struct change_row *row)
{
    struct api *api = arg;
    const char *word = row->kind < CHANGE_KINDS ? change_words[row->kind] : NULL;

    if (api->feed == NULL || word == NULL)
        return;
    struct json *d = json_object();
    json_set_id(d, "object", row->subject);
    live_post(api->feed, word, d);
}

struct changes_listener feed_listener(struct api *api)
{
    return (struct changes_listener){.row = on_row, .arg = api};
}
