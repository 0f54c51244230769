#include "client/desktop/menu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char interface[] = "com.canonical.dbusmenu",
                  properties[] = "org.freedesktop.DBus.Properties",
                  no_such[] = "org.freedesktop.DBus.Error.InvalidArgs";

struct menu {
    struct bus *bus; /* borrowed */
    const struct sdbus *api;
    menu_chosen *chosen;
    void *arg;
    sd_bus_slot *slot; /* owned */
    struct menu_entry entries[MENU_ENTRIES_MAX];
    size_t count;
    uint32_t revision;
};

/* Ids are index + 1; 0 is the menu itself. */

static bool has_children(const struct menu *m, int32_t id)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->entries[i].parent == (size_t)id)
            return true;
    return false;
}

/* A mnemonic would be made of "_x": doubled, it is a plain underscore. */
static void label_text(const char *label, char *out, size_t size)
{
    char visible[MENU_LABEL_MAX];
    size_t used = 0;

    bus_text(label, visible, sizeof visible);
    for (const char *c = visible; *c != '\0' && used + 3 < size; c++) {
        if (*c == '_')
            out[used++] = '_';
        out[used++] = *c;
    }
    out[used] = '\0';
}

/* a{sv} of one entry. */
static int append_properties(const struct menu *m, sd_bus_message *to, int32_t id)
{
    const struct sdbus *api = m->api;
    const struct menu_entry *e = id == 0 ? NULL : &m->entries[id - 1];
    char label[2 * MENU_LABEL_MAX];
    int r = api->open(to, 'a', "{sv}");

    if (r >= 0 && has_children(m, id))
        r = api->append(to, "{sv}", "children-display", "s", "submenu");
    if (r >= 0 && e != NULL && e->label[0] == '\0')
        r = api->append(to, "{sv}", "type", "s", "separator");
    if (r >= 0 && e != NULL && e->label[0] != '\0') {
        label_text(e->label, label, sizeof label);
        r = api->append(to, "{sv}", "label", "s", label);
    }
    if (r >= 0 && e != NULL)
        r = api->append(to, "{sv}", "enabled", "b", !e->disabled);
    if (r >= 0 && e != NULL)
        r = api->append(to, "{sv}", "visible", "b", 1);
    return r < 0 ? r : api->close(to);
}

/* (ia{sv}av); the caller's `depth` counts levels below, -1: all. Two levels exist. */
static int append_node(const struct menu *m, sd_bus_message *to, int32_t id, int32_t depth)
{
    const struct sdbus *api = m->api;
    int r;

    if ((r = api->open(to, 'r', "ia{sv}av")) < 0 || (r = api->append(to, "i", id)) < 0 ||
        (r = append_properties(m, to, id)) < 0 || (r = api->open(to, 'a', "v")) < 0)
        return r;
    for (size_t i = 0; depth != 0 && r >= 0 && i < m->count; i++) {
        if (m->entries[i].parent != (size_t)id)
            continue;
        if ((r = api->open(to, 'v', "(ia{sv}av)")) >= 0 &&
            (r = append_node(m, to, (int32_t)i + 1, depth - 1)) >= 0)
            r = api->close(to);
    }
    if (r < 0 || (r = api->close(to)) < 0)
        return r;
    return api->close(to);
}

static bool known(const struct menu *m, int32_t id)
{
    return id >= 0 && (size_t)id <= m->count;
}

/* ---- methods: each fills the answer; negative: the call was malformed ---------------------- */

static int get_layout(struct menu *m, sd_bus_message *call, sd_bus_message *answer)
{
    int32_t parent, depth;
    int r = m->api->read(call, "ii", &parent, &depth);

    if (r < 0 || !known(m, parent))
        return -1;
    r = m->api->append(answer, "u", m->revision);
    return r < 0 ? r : append_node(m, answer, parent, depth);
}

static int get_group_properties(struct menu *m, sd_bus_message *call, sd_bus_message *answer)
{
    int32_t ids[MENU_ENTRIES_MAX];
    size_t count = 0;
    int r = m->api->enter(call, 'a', "i");

    while (r >= 0 && count < MENU_ENTRIES_MAX && (r = m->api->read(call, "i", &ids[count])) > 0)
        count++;
    if (r < 0 || (r = m->api->open(answer, 'a', "(ia{sv})")) < 0)
        return r;
    for (size_t i = 0; r >= 0 && i < (count == 0 ? m->count : count); i++) {
        int32_t id = count == 0 ? (int32_t)i + 1 : ids[i]; /* none named: all */

        if (!known(m, id))
            continue;
        if ((r = m->api->open(answer, 'r', "ia{sv}")) >= 0 &&
            (r = m->api->append(answer, "i", id)) >= 0 &&
            (r = append_properties(m, answer, id)) >= 0)
            r = m->api->close(answer);
    }
    return r < 0 ? r : m->api->close(answer);
}

static void choose(struct menu *m, int32_t id, const char *event)
{
    if (strcmp(event, "clicked") == 0 && known(m, id) && id > 0 && !m->entries[id - 1].disabled &&
        m->entries[id - 1].action != 0)
        m->chosen(m->arg, m->entries[id - 1].action, m->entries[id - 1].value);
}

static int event(struct menu *m, sd_bus_message *call, sd_bus_message *answer)
{
    const char *what;
    int32_t id;

    (void)answer;
    if (m->api->read(call, "is", &id, &what) < 0)
        return -1;
    choose(m, id, what);
    return 0;
}

static int event_group(struct menu *m, sd_bus_message *call, sd_bus_message *answer)
{
    const char *what;
    int32_t id;
    int r = m->api->enter(call, 'a', "(isvu)");

    while (r >= 0 && (r = m->api->enter(call, 'r', "isvu")) > 0) {
        if ((r = m->api->read(call, "is", &id, &what)) >= 0)
            choose(m, id, what);
        if (r >= 0 && (r = m->api->skip(call, "vu")) >= 0)
            r = m->api->leave(call);
    }
    return r < 0 ? r : m->api->append(answer, "ai", 0);
}

static int about_to_show(struct menu *m, sd_bus_message *call, sd_bus_message *answer)
{
    (void)call;
    return m->api->append(answer, "b", 0); /* what is there is fresh */
}

static int about_to_show_group(struct menu *m, sd_bus_message *call, sd_bus_message *answer)
{
    (void)call;
    return m->api->append(answer, "aiai", 0, 0);
}

static int get_all(struct menu *m, sd_bus_message *call, sd_bus_message *answer)
{
    (void)call;
    return m->api->append(answer, "a{sv}", 4, "Version", "u", 3, "TextDirection", "s", "ltr",
                          "Status", "s", "normal", "IconThemePath", "as", 0);
}

static int get(struct menu *m, sd_bus_message *call, sd_bus_message *answer)
{
    const char *of, *name;

    if (m->api->read(call, "ss", &of, &name) < 0)
        return -1;
    if (strcmp(name, "Version") == 0)
        return m->api->append(answer, "v", "u", 3);
    if (strcmp(name, "TextDirection") == 0)
        return m->api->append(answer, "v", "s", "ltr");
    if (strcmp(name, "Status") == 0)
        return m->api->append(answer, "v", "s", "normal");
    if (strcmp(name, "IconThemePath") == 0)
        return m->api->append(answer, "v", "as", 0);
    return -1;
}

static const struct {
    const char *interface, *member;
    int (*answer)(struct menu *m, sd_bus_message *call, sd_bus_message *answer);
} methods[] = {
    {interface, "GetLayout", get_layout},
    {interface, "GetGroupProperties", get_group_properties},
    {interface, "Event", event},
    {interface, "EventGroup", event_group},
    {interface, "AboutToShow", about_to_show},
    {interface, "AboutToShowGroup", about_to_show_group},
    {properties, "GetAll", get_all},
    {properties, "Get", get},
};

static int on_call(sd_bus_message *call, void *arg, sd_bus_error *error)
{
    struct menu *m = arg;
    sd_bus_message *answer = NULL;

    (void)error;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (m->api->is_call(call, methods[i].interface, methods[i].member) <= 0)
            continue;
        if (m->api->new_return(call, &answer) < 0 || methods[i].answer(m, call, answer) < 0) {
            m->api->message_unref(answer);
            return m->api->reply_error(call, no_such, "%s", "no such entry or property");
        }
        bus_send(m->bus, answer);
        return 1;
    }
    return 0;
}

sp_error menu_new(struct bus *bus, menu_chosen *chosen, void *arg, struct menu **out)
{
    struct menu *m = calloc(1, sizeof *m);

    if (m == NULL)
        return SP_ERR_NOMEM;
    *m =
        (struct menu){.bus = bus, .api = bus_api(bus), .chosen = chosen, .arg = arg, .revision = 1};
    if (m->api->add_object(bus_handle(bus), &m->slot, MENU_PATH, on_call, m) < 0) {
        free(m);
        return SP_ERR_UNREACHABLE;
    }
    *out = m;
    return SP_OK;
}

void menu_free(struct menu *m)
{
    if (m == NULL)
        return;
    m->api->slot_unref(m->slot);
    free(m);
}

void menu_set(struct menu *m, const struct menu_entry entries[], size_t count)
{
    sd_bus_message *signal = NULL;
    bool same = count == m->count;

    if (count > MENU_ENTRIES_MAX)
        count = MENU_ENTRIES_MAX;
    for (size_t i = 0; same && i < count; i++)
        same = strcmp(entries[i].label, m->entries[i].label) == 0 &&
               entries[i].parent == m->entries[i].parent &&
               entries[i].disabled == m->entries[i].disabled &&
               entries[i].action == m->entries[i].action && entries[i].value == m->entries[i].value;
    if (same)
        return;
    memcpy(m->entries, entries, count * sizeof *entries);
    m->count = count;
    m->revision++;
    if (m->api->new_signal(bus_handle(m->bus), &signal, MENU_PATH, interface, "LayoutUpdated") >=
            0 &&
        m->api->append(signal, "ui", m->revision, 0) >= 0)
        bus_send(m->bus, signal);
    else
        m->api->message_unref(signal);
}
