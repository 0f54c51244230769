#include "client/desktop/notify.h"

#include "client/desktop/bus.h"
#include "lib/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 64, WAITING_MAX = 16 };

static const char pressed[] = "type='signal',sender='org.freedesktop.Notifications',"
                              "path='/org/freedesktop/Notifications',"
                              "interface='org.freedesktop.Notifications',member='ActionInvoked'";
static const char service[] = "org.freedesktop.Notifications",
                  object[] = "/org/freedesktop/Notifications";

struct shown {
    struct notify *owner;
    char key[sizeof((struct notice *)NULL)->key];
    uint32_t id;       /* 0: the server has not answered yet */
    sd_bus_slot *slot; /* owned; NULL: not running */
    bool over;         /* taken away before it had an id */
    bool trying;       /* somebody wants to know whether it was shown */
};

struct notify {
    struct loop *loop; /* borrowed */
    struct bus *bus;   /* owned; NULL: no desktop so far */
    notify_chosen *chosen;
    void *owner; /* borrowed; of `chosen` */
    sd_bus_slot *asking;
    sd_bus_slot *listening;      /* for pressed buttons; NULL: not running */
    bool known, markup, buttons; /* the server's capabilities */
    char server[64];
    struct notice waiting[WAITING_MAX]; /* until they are known */
    size_t waiting_count;
    struct shown shown[SHOWN_MAX];
    size_t next; /* the oldest makes room */
    notify_tried *tried;
    void *arg;
};

static const char test_key[] = "test", button[] = "act";

static void on_lost(void *arg)
{
    struct notify *n = arg;
    notify_tried *tried = n->tried;
    void *whose = n->arg;

    n->asking = n->bus == NULL ? NULL : bus_api(n->bus)->slot_unref(n->asking);
    n->listening = n->bus == NULL ? NULL : bus_api(n->bus)->slot_unref(n->listening);
    for (size_t i = 0; i < SHOWN_MAX; i++) {
        if (n->shown[i].slot != NULL)
            bus_api(n->bus)->slot_unref(n->shown[i].slot);
        n->shown[i] = (struct shown){.owner = n};
    }
    bus_free(n->bus);
    n->bus = NULL;
    n->known = n->markup = n->buttons = false;
    n->waiting_count = 0;
    n->tried = NULL;
    if (tried != NULL)
        tried(whose, SP_ERR_UNREACHABLE, "");
}

/* ---- text -------------------------------------------------------------------------------- */

/* The server reads & < > as markup: what people named so must stay text. */
static void body_text(const struct notify *n, const char *text, char *out, size_t size)
{
    char visible[1024];
    size_t used = 0;

    bus_text(text, visible, sizeof visible);
    for (const char *c = visible; *c != '\0'; c++) {
        const char *put = !n->markup  ? NULL
                          : *c == '&' ? "&amp;"
                          : *c == '<' ? "&lt;"
                          : *c == '>' ? "&gt;"
                                      : NULL;
        char one[2] = {*c, '\0'};
        size_t len = strlen(put == NULL ? one : put);

        if (used + len >= size)
            break;
        memcpy(out + used, put == NULL ? one : put, len);
        used += len;
    }
    out[used] = '\0';
}

/* ---- showing ----------------------------------------------------------------------------- */

static struct shown *find(struct notify *n, const char *key)
{
    for (size_t i = 0; i < SHOWN_MAX; i++)
        if (n->shown[i].key[0] != '\0' && strcmp(n->shown[i].key, key) == 0)
            return &n->shown[i];
    return NULL;
}

static struct shown *make_room(struct notify *n, const char *key)
{
    struct shown *s = &n->shown[n->next++ % SHOWN_MAX];

    if (s->slot != NULL)
        bus_api(n->bus)->slot_unref(s->slot);
    *s = (struct shown){.owner = n};
    snprintf(s->key, sizeof s->key, "%s", key);
    return s;
}

static void close_shown(struct notify *n, struct shown *s)
{
    const struct sdbus *api = bus_api(n->bus);
    sd_bus_message *m = NULL;

    if (s->id == 0) {
        s->over = true;
        return;
    }
    if (api->new_call(bus_handle(n->bus), &m, service, object, service, "CloseNotification") >= 0 &&
        api->append(m, "u", s->id) >= 0)
        bus_send(n->bus, m);
    else
        api->message_unref(m);
    *s = (struct shown){.owner = n};
}

static int on_shown(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct shown *s = arg;
    struct notify *n = s->owner;
    const struct sdbus *api = bus_api(n->bus);
    notify_tried *tried = s->trying ? n->tried : NULL;
    void *whose = n->arg;
    sp_error e = SP_OK;

    (void)error;
    s->slot = api->slot_unref(s->slot); /* no longer pending */
    s->trying = false;
    if (api->is_error(m, NULL) > 0 || api->read(m, "u", &s->id) < 0) {
        const sd_bus_error *said = api->get_error(m);

        log_event(LOG_DEBUG, "notify.refused", said == NULL ? "no answer" : said->message, NULL);
        *s = (struct shown){.owner = n};
        e = SP_ERR_UNREACHABLE;
    } else if (s->over) {
        close_shown(n, s);
    }
    if (tried != NULL) {
        n->tried = NULL;
        tried(whose, e, n->server);
    }
    return 0;
}

static void show(struct notify *n, const struct notice *notice)
{
    const struct sdbus *api = bus_api(n->bus);
    struct shown *s = find(n, notice->key);
    char title[256], body[2048];
    sd_bus_message *m = NULL;

    if (notice->over) {
        if (s != NULL)
            close_shown(n, s);
        return;
    }
    if (s == NULL)
        s = make_room(n, notice->key);
    s->over = false;
    s->trying = s->trying || strcmp(notice->key, test_key) == 0;
    bus_text(notice->title, title, sizeof title);
    body_text(n, notice->body, body, sizeof body);
    if (api->new_call(bus_handle(n->bus), &m, service, object, service, "Notify") < 0 ||
        api->append(m, "susss", "Sallyport", s->id, "network-vpn", title, body) < 0 ||
        (n->buttons && notice->action != NULL ? api->append(m, "as", 2, button, notice->action)
                                              : api->append(m, "as", 0)) < 0 ||
        api->append(m, "a{sv}i", 3, "urgency", "y", notice->urgent ? 2 : 1, "category", "s",
                    "network", "desktop-entry", "s", "sallyport", -1) < 0) {
        api->message_unref(m);
        return;
    }
    if (s->slot != NULL)
        s->slot = api->slot_unref(s->slot);
    bus_call(n->bus, m, on_shown, s, &s->slot);
}

/* ActionInvoked reaches every program of the session: only what we showed is ours. */
static int on_pressed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct notify *n = arg;
    const char *which = "";
    uint32_t id = 0;

    (void)error;
    if (bus_api(n->bus)->read(m, "us", &id, &which) <= 0 || id == 0 || strcmp(which, button) != 0)
        return 0;
    for (size_t i = 0; i < SHOWN_MAX; i++)
        if (n->shown[i].id == id && n->shown[i].key[0] != '\0') {
            char key[sizeof n->shown[i].key];

            memcpy(key, n->shown[i].key, sizeof key); /* the owner may show another in its place */
            n->chosen(n->owner, key);
            return 0;
        }
    return 0;
}

/* ---- the server -------------------------------------------------------------------------- */

static int on_capabilities(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct notify *n = arg;
    const struct sdbus *api = bus_api(n->bus);
    const char *word;

    (void)error;
    n->asking = api->slot_unref(n->asking); /* no longer pending */
    n->known = true;
    /* A server that does not say: escaping shows too much, not escaping too little. */
    n->markup = api->is_error(m, NULL) > 0;
    if (api->enter(m, 'a', "s") > 0)
        while (api->read(m, "s", &word) > 0) {
            n->markup = n->markup || strcmp(word, "body-markup") == 0;
            n->buttons = n->buttons || strcmp(word, "actions") == 0;
        }
    for (size_t i = 0; i < n->waiting_count; i++)
        show(n, &n->waiting[i]);
    n->waiting_count = 0;
    return 0;
}

static int on_server(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct notify *n = arg;
    const struct sdbus *api = bus_api(n->bus);
    const char *name = "";

    (void)error;
    n->asking = api->slot_unref(n->asking); /* no longer pending */
    if (api->is_error(m, NULL) <= 0 && api->read(m, "s", &name) > 0)
        bus_text(name, n->server, sizeof n->server);
    if (api->new_call(bus_handle(n->bus), &m, service, object, service, "GetCapabilities") >= 0)
        bus_call(n->bus, m, on_capabilities, n, &n->asking);
    return 0;
}

static sp_error connect_bus(struct notify *n)
{
    sd_bus_message *m = NULL;
    sp_error e;

    if (n->bus != NULL)
        return SP_OK;
    if ((e = bus_new(n->loop, on_lost, n, &n->bus)) != SP_OK)
        return e;
    if (bus_api(n->bus)->new_call(bus_handle(n->bus), &m, service, object, service,
                                  "GetServerInformation") < 0)
        return SP_ERR_NOMEM;
    bus_call(n->bus, m, on_server, n, &n->asking);
    if (bus_api(n->bus)->add_match(bus_handle(n->bus), &n->listening, pressed, on_pressed, NULL,
                                   n) < 0)
        n->listening = NULL; /* no memory: buttons do nothing, the text says the command */
    return SP_OK;
}

static sp_error show_or_wait(struct notify *n, const struct notice *notice)
{
    sp_error e = connect_bus(n);

    if (e != SP_OK)
        return e;
    if (n->known)
        show(n, notice);
    else if (n->waiting_count == WAITING_MAX)
        return SP_ERR_BUSY;
    else
        n->waiting[n->waiting_count++] = *notice;
    return SP_OK;
}

sp_error notify_new(struct loop *loop, notify_chosen *chosen, void *arg, struct notify **out)
{
    struct notify *n = calloc(1, sizeof *n);

    if (n == NULL)
        return SP_ERR_NOMEM;
    n->loop = loop;
    n->chosen = chosen;
    n->owner = arg;
    for (size_t i = 0; i < SHOWN_MAX; i++)
        n->shown[i].owner = n;
    *out = n;
    return SP_OK;
}

void notify_free(struct notify *n)
{
    if (n == NULL)
        return;
    n->tried = NULL;
    if (n->bus != NULL)
        on_lost(n);
    free(n);
}

void notify_show(struct notify *n, const struct notice *notice)
{
    if (notice->over && n->bus == NULL)
        return;                         /* nothing can be shown there */
    sp_ignore(show_or_wait(n, notice)); /* the command line tells the same things */
}

sp_error notify_try(struct notify *n, notify_tried *tried, void *arg)
{
    struct notice one = {.title = "Sallyport", .body = "Notifications reach this desktop."};
    sp_error e;

    if (n->tried != NULL)
        return SP_ERR_BUSY;
    snprintf(one.key, sizeof one.key, "%s", test_key);
    if ((e = show_or_wait(n, &one)) == SP_OK) {
        n->tried = tried;
        n->arg = arg;
    }
    return e;
}

void notify_forget(struct notify *n, void *arg)
{
    if (n->arg == arg)
        n->tried = NULL;
}
