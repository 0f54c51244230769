#include "client/desktop/item.h"

#include "client/desktop/menu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char path[] = "/StatusNotifierItem", interface[] = "org.kde.StatusNotifierItem",
                  properties[] = "org.freedesktop.DBus.Properties",
                  watcher[] = "org.kde.StatusNotifierWatcher",
                  watcher_path[] = "/StatusNotifierWatcher",
                  no_such[] = "org.freedesktop.DBus.Error.UnknownProperty";

struct item {
    struct bus *bus; /* borrowed */
    const struct sdbus *api;
    const struct item_events *events;
    void *arg;
    sd_bus_slot *object, *match, *asking; /* owned; NULL: not running */
    struct item_state state;
};

/* ---- properties -------------------------------------------------------------------------- */

static const char *status_word(const struct item *i)
{
    return i->state.icon == ICON_ATTENTION ? "NeedsAttention" : "Active";
}

static int put_text(const struct sdbus *api, sd_bus_message *to, const char *text)
{
    return api->append(to, "v", "s", text);
}

static int put_category(const struct item *i, sd_bus_message *to)
{
    return put_text(i->api, to, "Communications");
}

static int put_id(const struct item *i, sd_bus_message *to)
{
    return put_text(i->api, to, "sallyport");
}

static int put_title(const struct item *i, sd_bus_message *to)
{
    return put_text(i->api, to, "Sallyport");
}

static int put_status(const struct item *i, sd_bus_message *to)
{
    return put_text(i->api, to, status_word(i));
}

static int put_empty(const struct item *i, sd_bus_message *to)
{
    return put_text(i->api, to, "");
}

static int put_window(const struct item *i, sd_bus_message *to)
{
    return i->api->append(to, "v", "i", 0);
}

static int put_is_menu(const struct item *i, sd_bus_message *to)
{
    return i->api->append(to, "v", "b", 1); /* a click opens the menu: there is no window */
}

static int put_menu(const struct item *i, sd_bus_message *to)
{
    return i->api->append(to, "v", "o", MENU_PATH);
}

/* a(iiay) of the state's picture. */
static int append_pixmap(const struct item *i, sd_bus_message *to)
{
    uint8_t pixels[ICON_BYTES];
    int r;

    icon_draw(i->state.icon, pixels);
    if ((r = i->api->open(to, 'a', "(iiay)")) < 0 || (r = i->api->open(to, 'r', "iiay")) < 0 ||
        (r = i->api->append(to, "ii", ICON_SIDE, ICON_SIDE)) < 0 ||
        (r = i->api->append_array(to, 'y', pixels, sizeof pixels)) < 0 ||
        (r = i->api->close(to)) < 0)
        return r;
    return i->api->close(to);
}

static int put_pixmap(const struct item *i, sd_bus_message *to)
{
    int r = i->api->open(to, 'v', "a(iiay)");

    return r < 0 || (r = append_pixmap(i, to)) < 0 ? r : i->api->close(to);
}

static int put_tool_tip(const struct item *i, sd_bus_message *to)
{
    char title[256], detail[512];
    int r;

    bus_text(i->state.title, title, sizeof title);
    bus_text(i->state.detail, detail, sizeof detail);
    for (char *c = detail; *c != '\0'; c++) /* hosts read a tool tip as markup */
        *c = *c == '<' || *c == '&' ? '?' : *c;
    if ((r = i->api->open(to, 'v', "(sa(iiay)ss)")) < 0 ||
        (r = i->api->open(to, 'r', "sa(iiay)ss")) < 0 || (r = i->api->append(to, "s", "")) < 0 ||
        (r = append_pixmap(i, to)) < 0 || (r = i->api->append(to, "ss", title, detail)) < 0 ||
        (r = i->api->close(to)) < 0)
        return r;
    return i->api->close(to);
}

static const struct {
    const char *name;
    int (*put)(const struct item *i, sd_bus_message *to);
} rows[] = {
    {"Category", put_category},
    {"Id", put_id},
    {"Title", put_title},
    {"Status", put_status},
    {"WindowId", put_window},
    {"IconName", put_empty},
    {"IconPixmap", put_pixmap},
    {"AttentionIconName", put_empty},
    {"OverlayIconName", put_empty},
    {"AttentionIconPixmap", put_pixmap},
    {"ToolTip", put_tool_tip},
    {"ItemIsMenu", put_is_menu},
    {"Menu", put_menu},
    {"IconThemePath", put_empty},
};

enum { ROWS = sizeof rows / sizeof *rows };

static int get_all(const struct item *i, sd_bus_message *answer)
{
    int r = i->api->open(answer, 'a', "{sv}");

    for (size_t n = 0; r >= 0 && n < ROWS; n++)
        if ((r = i->api->open(answer, 'e', "sv")) >= 0 &&
            (r = i->api->append(answer, "s", rows[n].name)) >= 0 &&
            (r = rows[n].put(i, answer)) >= 0)
            r = i->api->close(answer);
    return r < 0 ? r : i->api->close(answer);
}

static int get(const struct item *i, sd_bus_message *call, sd_bus_message *answer)
{
    const char *of, *name;

    if (i->api->read(call, "ss", &of, &name) < 0)
        return -1;
    for (size_t n = 0; n < ROWS; n++)
        if (strcmp(rows[n].name, name) == 0)
            return rows[n].put(i, answer);
    return -1;
}

/* ---- calls ------------------------------------------------------------------------------- */

static int on_call(sd_bus_message *call, void *arg, sd_bus_error *error)
{
    struct item *i = arg;
    const struct sdbus *api = i->api;
    bool one = api->is_call(call, properties, "Get") > 0,
         all = api->is_call(call, properties, "GetAll") > 0,
         click = api->is_call(call, interface, "Activate") > 0 ||
                 api->is_call(call, interface, "SecondaryActivate") > 0 ||
                 api->is_call(call, interface, "ContextMenu") > 0,
         scroll = api->is_call(call, interface, "Scroll") > 0;
    sd_bus_message *answer = NULL;

    (void)error;
    if (!one && !all && !click && !scroll)
        return 0;
    if (api->new_return(call, &answer) < 0 || (one && get(i, call, answer) < 0) ||
        (all && get_all(i, answer) < 0)) {
        api->message_unref(answer);
        return api->reply_error(call, no_such, "%s", "no such property");
    }
    bus_send(i->bus, answer);
    if (click)
        i->events->activated(i->arg);
    return 1;
}

static void emit(struct item *i, const char *name)
{
    sd_bus_message *m = NULL;
    bool status = strcmp(name, "NewStatus") == 0;

    if (i->api->new_signal(bus_handle(i->bus), &m, path, interface, name) >= 0 &&
        (!status || i->api->append(m, "s", status_word(i)) >= 0))
        bus_send(i->bus, m);
    else
        i->api->message_unref(m);
}

void item_set(struct item *i, const struct item_state *state)
{
    bool icon = i->state.icon != state->icon, text = strcmp(i->state.title, state->title) != 0 ||
                                                     strcmp(i->state.detail, state->detail) != 0;

    i->state = *state;
    if (icon) {
        emit(i, "NewStatus");
        emit(i, "NewIcon");
        emit(i, "NewAttentionIcon");
    }
    if (text)
        emit(i, "NewToolTip");
}

/* ---- the watcher ------------------------------------------------------------------------- */

static int on_host(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct item *i = arg;
    int host = 0;

    (void)error;
    i->asking = i->api->slot_unref(i->asking); /* no longer pending */
    if (i->api->is_error(m, NULL) > 0 || i->api->read(m, "v", "b", &host) < 0)
        host = 0;
    i->events->registered(i->arg, host != 0);
    return 0;
}

static int on_registered(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct item *i = arg;
    sd_bus_message *next = NULL;

    (void)error;
    i->asking = i->api->slot_unref(i->asking); /* no longer pending */
    if (i->api->is_error(m, NULL) > 0) {
        i->events->registered(i->arg, false);
        return 0;
    }
    if (i->api->new_call(bus_handle(i->bus), &next, watcher, watcher_path, properties, "Get") >=
            0 &&
        i->api->append(next, "ss", watcher, "IsStatusNotifierHostRegistered") >= 0)
        bus_call(i->bus, next, on_host, i, &i->asking);
    else
        i->api->message_unref(next);
    return 0;
}

static void enroll(struct item *i)
{
    sd_bus_message *m = NULL;

    i->asking = i->asking == NULL ? NULL : i->api->slot_unref(i->asking);
    if (i->api->new_call(bus_handle(i->bus), &m, watcher, watcher_path, watcher,
                         "RegisterStatusNotifierItem") >= 0 &&
        i->api->append(m, "s", path) >= 0)
        bus_call(i->bus, m, on_registered, i, &i->asking);
    else
        i->api->message_unref(m);
}

static int on_owner(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    const char *name, *before, *after;
    struct item *i = arg;

    (void)error;
    if (i->api->read(m, "sss", &name, &before, &after) >= 0 && after[0] != '\0')
        enroll(i);
    return 0;
}

sp_error item_new(struct bus *bus, const struct item_events *events, void *arg, struct item **out)
{
    static const char match[] =
        "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
        "member='NameOwnerChanged',arg0='org.kde.StatusNotifierWatcher'";
    struct item *i = calloc(1, sizeof *i);

    if (i == NULL)
        return SP_ERR_NOMEM;
    *i = (struct item){.bus = bus, .api = bus_api(bus), .events = events, .arg = arg};
    if (i->api->add_object(bus_handle(bus), &i->object, path, on_call, i) < 0 ||
        i->api->add_match(bus_handle(bus), &i->match, match, on_owner, NULL, i) < 0) {
        item_free(i);
        return SP_ERR_UNREACHABLE;
    }
    enroll(i);
    *out = i;
    return SP_OK;
}

void item_free(struct item *i)
{
    if (i == NULL)
        return;
    if (i->object != NULL)
        i->api->slot_unref(i->object);
    if (i->match != NULL)
        i->api->slot_unref(i->match);
    if (i->asking != NULL)
        i->api->slot_unref(i->asking);
    free(i);
}
