/* tray, notify, pause: Sallyport on the desktop, and out of the way for a while. */
#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"
#include "client/desktop/item.h"
#include "client/desktop/menu.h"
#include "client/login/browser.h"
#include "lib/os/loop.h"
#include "lib/term/out.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LOOK_MS = 2 * 1000, APPS_MS = 30 * 1000, NOTHING_MS = 10 * 1000 };

enum action {
    ACTION_NONE = 0,
    ACTION_OPEN, /* value: the app's place in the list */
    ACTION_PAUSE,
    ACTION_RESUME,
    ACTION_LOGIN,
    ACTION_CONSOLE,
    ACTION_QUIT
};

struct tray;

/* One request to the agent; the loop waits for its answer, the desktop for neither. */
struct asking {
    struct tray *tray;
    struct ipc_client *client;                         /* owned; NULL: not running */
    struct watch *watch;                               /* owned; NULL: not running */
    void (*done)(struct tray *t, struct json *answer); /* takes it; NULL: no agent, or refused */
};

struct tray {
    const struct command_call *call;
    struct loop *loop;
    struct bus *bus;
    struct item *item;
    struct menu *menu;
    struct timer *timer;
    struct signal_watch *ends[2];
    struct asking status, apps, deed;
    struct json *last_status, *last_apps; /* owned; NULL: none so far */
    sp_boot_ms apps_at;
    bool shown; /* a host has shown it once */
    int code;
};

/* ---- asking the agent -------------------------------------------------------------------- */

static void drop(struct asking *a)
{
    watch_stop(a->watch);
    ipc_client_free(a->client);
    a->watch = NULL;
    a->client = NULL;
}

static void on_line(void *arg, unsigned events)
{
    struct asking *a = arg;
    struct json *line = NULL;
    sp_error e = ipc_client_read(a->client, 0, &line);

    (void)events;
    if (e == SP_ERR_TIMEOUT)
        return;
    drop(a);
    if (e == SP_OK && json_get(line, "error") != NULL) {
        json_free(line);
        line = NULL;
    }
    a->done(a->tray, line);
}

/* Takes `request`. One that is under way is enough. */
static void ask(struct tray *t, struct asking *a, struct json *request,
                void (*done)(struct tray *t, struct json *answer))
{
    char path[IPC_PATH_MAX];
    sp_error e;

    if (a->client != NULL) {
        json_free(request);
        return;
    }
    a->tray = t;
    a->done = done;
    if (ipc_path(path) != SP_OK || ipc_client_new(path, &a->client) != SP_OK) {
        json_free(request);
        done(t, NULL);
        return;
    }
    if ((e = ipc_client_ask(a->client, request)) == SP_OK)
        e = watch_start(t->loop, ipc_client_fd(a->client), WATCH_READ, on_line, a, &a->watch);
    if (e != SP_OK) {
        drop(a);
        done(t, NULL);
    }
}

/* ---- what is shown ----------------------------------------------------------------------- */

struct drawing {
    struct menu_entry at[MENU_ENTRIES_MAX];
    size_t count;
};

static struct menu_entry *add(struct drawing *d, size_t parent, enum action action, bool disabled)
{
    /* The last place is given again: a long list is cut, and the menu stays whole. */
    struct menu_entry *e = &d->at[d->count < MENU_ENTRIES_MAX ? d->count++ : MENU_ENTRIES_MAX - 1];

    *e = (struct menu_entry){.parent = parent, .action = (int)action, .disabled = disabled};
    return e;
}

static void label(struct menu_entry *e, const char *text)
{
    snprintf(e->label, sizeof e->label, "%s", text);
}

static bool is(const struct json *object, const char *name)
{
    return json_is_true(json_get(object, name));
}

static enum icon_state judge(const struct json *s, char title[160])
{
    const struct json *broker = json_get(s, "broker"), *login = json_get(s, "login");
    const char *user = talk_text(login, "user");

    if (s == NULL)
        snprintf(title, 160, "The agent does not run");
    else if (is(s, "paused"))
        snprintf(title, 160, "Paused: no application is open");
    else if (!is(broker, "connected"))
        snprintf(title, 160, "No connection to the broker");
    else if (user[0] == '\0')
        snprintf(title, 160, "Not signed in");
    else
        snprintf(title, 160, "Signed in as %.80s until %s", user,
                 talk_time(talk_int(login, "until")).s);
    if (s == NULL || is(s, "paused") || !is(broker, "connected"))
        return ICON_OFFLINE;
    return user[0] == '\0' ? ICON_ATTENTION : ICON_CONNECTED;
}

/* What wants the person: a paused session, then warnings that are worse than a note. */
static const char *trouble(const struct json *s, char text[256])
{
    const struct json *sessions = json_get(s, "sessions"), *warnings = json_get(s, "warnings");

    text[0] = '\0';
    for (size_t i = 0; i < json_len(sessions); i++)
        if (strcmp(talk_text(json_at(sessions, i), "state"), "paused") == 0) {
            snprintf(text, 256, "%.80s asks for a code: sallyport connect %.80s",
                     talk_text(json_at(sessions, i), "app"),
                     talk_text(json_at(sessions, i), "app"));
            return text;
        }
    for (size_t i = 0; i < json_len(warnings); i++)
        if (strcmp(talk_text(json_at(warnings, i), "severity"), "info") != 0) {
            snprintf(text, 256, "%.250s", talk_text(json_at(warnings, i), "text"));
            return text;
        }
    return text;
}

static void draw_apps(const struct tray *t, struct drawing *d, bool usable)
{
    const struct json *apps = json_get(t->last_apps, "apps");
    size_t parent;

    label(add(d, 0, ACTION_NONE, json_len(apps) == 0), "Applications");
    parent = d->count;
    for (size_t i = 0; i < json_len(apps); i++) {
        const struct json *app = json_at(apps, i);
        const char *access = talk_text(app, "access");
        bool open = strcmp(access, "no") != 0;
        struct menu_entry *e = add(d, parent, ACTION_OPEN, !open || !usable);

        e->value = (int)i;
        snprintf(e->label, sizeof e->label, "%.70s: %.20s%s%.60s", talk_text(app, "name"), access,
                 open ? "" : ", ", open ? "" : talk_text(app, "why"));
    }
}

static void draw(struct tray *t)
{
    struct drawing d = {.count = 0};
    struct item_state state = {0};
    const struct json *s = t->last_status;
    bool connected = is(json_get(s, "broker"), "connected"), paused = is(s, "paused");
    char what[256];

    state.icon = judge(s, state.title);
    if (trouble(s, what)[0] != '\0' && state.icon == ICON_CONNECTED)
        state.icon = ICON_ATTENTION;
    snprintf(state.detail, sizeof state.detail, "%s", what);
    label(add(&d, 0, ACTION_NONE, true), state.title);
    if (what[0] != '\0') {
        struct menu_entry *e = add(&d, 0, ACTION_NONE, true);
        snprintf(e->label, sizeof e->label, "! %.150s", what);
    }
    add(&d, 0, ACTION_NONE, false);
    draw_apps(t, &d, connected && !paused);
    if (paused)
        label(add(&d, 0, ACTION_RESUME, s == NULL), "Go on");
    else
        label(add(&d, 0, ACTION_PAUSE, s == NULL), "Pause");
    label(add(&d, 0, ACTION_LOGIN, s == NULL), "Sign in");
    label(add(&d, 0, ACTION_CONSOLE, talk_text(json_get(s, "broker"), "url")[0] == '\0'),
          "Open console");
    add(&d, 0, ACTION_NONE, false);
    label(add(&d, 0, ACTION_QUIT, false), "Close this icon");
    menu_set(t->menu, d.at, d.count);
    item_set(t->item, &state);
}

/* ---- looking ----------------------------------------------------------------------------- */

static void on_apps(struct tray *t, struct json *answer)
{
    if (answer != NULL) {
        json_free(t->last_apps);
        t->last_apps = answer;
    }
    draw(t);
}

static void on_status(struct tray *t, struct json *answer)
{
    bool had = talk_text(json_get(t->last_status, "login"), "user")[0] != '\0';
    bool has = talk_text(json_get(answer, "login"), "user")[0] != '\0';

    json_free(t->last_status);
    t->last_status = answer;
    if (!has) {
        json_free(t->last_apps);
        t->last_apps = NULL;
    }
    if (has && is(json_get(answer, "broker"), "connected") &&
        (!had || clock_boot() >= t->apps_at)) {
        t->apps_at = clock_boot() + APPS_MS;
        ask(t, &t->apps, talk_request("apps"), on_apps);
    }
    draw(t);
}

static void look(void *arg)
{
    struct tray *t = arg;

    t->timer = NULL; /* no longer pending */
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ; /* browsers and logins that ended */
    ask(t, &t->status, talk_request("status"), on_status);
    if (timer_start(t->loop, clock_boot() + LOOK_MS, look, t, &t->timer) != SP_OK)
        loop_stop(t->loop);
}

static void look_now(struct tray *t)
{
    t->apps_at = 0;
    if (t->timer != NULL)
        timer_move(t->timer, clock_boot());
}

/* ---- what the person does ---------------------------------------------------------------- */

static void on_paused(struct tray *t, struct json *answer)
{
    json_free(answer);
    look_now(t);
}

/* A web app opens in the browser; any other is open on its address, which the menu's owner knows.
 */
static void on_opened(struct tray *t, struct json *answer)
{
    char url[160];
    pid_t pid;

    if (answer != NULL && strcmp(talk_text(answer, "type"), "http") == 0) {
        snprintf(url, sizeof url, "http://%.100s:%lld/", talk_text(answer, "address"),
                 (long long)talk_int(answer, "port"));
        sp_ignore(
            browser_open(url, &pid)); /* without a browser the address is in `sallyport apps` */
    }
    json_free(answer);
    look_now(t);
}

static void open_app(struct tray *t, int value)
{
    const struct json *app = json_at(json_get(t->last_apps, "apps"), (size_t)value);
    struct json *q = talk_request("up");

    json_set_cstr(q, "app", talk_text(app, "name"));
    ask(t, &t->deed, q, on_opened);
}

static void set_pause(struct tray *t, bool on)
{
    struct json *q = talk_request("pause");

    json_set_bool(q, "on", on);
    ask(t, &t->deed, q, on_paused);
}

/* `sallyport login` by itself: it opens the browser and waits for it. */
static void start_login(void)
{
    posix_spawn_file_actions_t files;
    char self[4096];
    char *argv[] = {self, (char[]){"login"}, NULL};
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    pid_t pid;

    if (n <= 0 || posix_spawn_file_actions_init(&files) != 0)
        return;
    self[n] = '\0';
    for (int fd = 0; fd < 3; fd++)
        if (posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0) != 0)
            n = 0;
    if (n > 0)
        (void)posix_spawn(&pid, self, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
}

static void on_chosen(void *arg, int action, int value)
{
    struct tray *t = arg;
    pid_t pid;

    switch ((enum action)action) {
    case ACTION_OPEN:
        open_app(t, value);
        break;
    case ACTION_PAUSE:
    case ACTION_RESUME:
        set_pause(t, action == ACTION_PAUSE);
        break;
    case ACTION_LOGIN:
        start_login();
        break;
    case ACTION_CONSOLE:
        sp_ignore(browser_open(talk_text(json_get(t->last_status, "broker"), "url"), &pid));
        break;
    case ACTION_QUIT:
        loop_stop(t->loop);
        break;
    case ACTION_NONE:
        break;
    }
}

static void on_activated(void *arg)
{
    look_now(arg);
}

static int no_host(const struct tray *t)
{
    return command_fail(t->call,
                        &(struct command_failure){
                            .exit = EXIT_ERROR,
                            .code = "tray",
                            .what = "This desktop has no tray.",
                            .why = "No StatusNotifierHost is registered; GNOME needs an extension.",
                            .next = "sallyport status"});
}

static void on_registered(void *arg, bool host)
{
    struct tray *t = arg;

    if (!host && !t->shown) {
        t->code = no_host(t);
        loop_stop(t->loop);
        return;
    }
    if (host && !t->shown && !t->call->json)
        fputs("The icon is in the tray. Ctrl-C takes it away.\n", stderr);
    t->shown = t->shown || host;
}

static const struct item_events item_events = {on_registered, on_activated};

static void on_bus_lost(void *arg)
{
    struct tray *t = arg;

    loop_stop(t->loop); /* the desktop session is over */
}

static void on_end(void *arg, int signo)
{
    struct tray *t = arg;

    t->code = signo == SIGINT ? EXIT_INTERRUPTED : EXIT_OK;
    loop_stop(t->loop);
}

static void stop(struct tray *t)
{
    drop(&t->status);
    drop(&t->apps);
    drop(&t->deed);
    timer_cancel(t->timer);
    signal_stop(t->ends[0]);
    signal_stop(t->ends[1]);
    item_free(t->item);
    menu_free(t->menu);
    bus_free(t->bus);
    loop_free(t->loop);
    json_free(t->last_status);
    json_free(t->last_apps);
}

int cmd_tray(const struct command_call *call)
{
    struct tray t = {.call = call};
    sp_error e;

    if ((e = loop_new(&t.loop)) == SP_OK &&
        (e = signal_start(t.loop, SIGTERM, on_end, &t, &t.ends[0])) == SP_OK &&
        (e = signal_start(t.loop, SIGINT, on_end, &t, &t.ends[1])) == SP_OK &&
        (e = bus_new(t.loop, on_bus_lost, &t, &t.bus)) == SP_OK &&
        (e = menu_new(t.bus, on_chosen, &t, &t.menu)) == SP_OK &&
        (e = item_new(t.bus, &item_events, &t, &t.item)) == SP_OK &&
        (e = timer_start(t.loop, clock_boot(), look, &t, &t.timer)) == SP_OK)
        loop_run(t.loop);
    else if (e == SP_ERR_UNSUPPORTED || e == SP_ERR_NOT_FOUND || e == SP_ERR_UNREACHABLE)
        t.code = no_host(&t);
    else
        t.code = EXIT_ERROR;
    stop(&t);
    return t.code;
}

/* ---- notify, pause ----------------------------------------------------------------------- */

int cmd_notify(const struct command_call *call)
{
    struct out out = out_on(stdout);
    struct json *a = NULL;
    int code = talk_ask(call, talk_request("notify"), &a);

    if (code != EXIT_OK)
        return code;
    if (call->json)
        return talk_json("notify", a);
    out_line(&out,
             "Shown by %s. The agent tells: a session or the login about to end, a code that is "
             "asked for, a failing signal of this machine, an end by an administrator.",
             talk_text(a, "server")[0] == '\0' ? "the desktop" : talk_text(a, "server"));
    json_free(a);
    return EXIT_OK;
}

int cmd_pause(const struct command_call *call)
{
    struct json *q = talk_request("pause"), *a = NULL;
    struct out out = out_on(stdout);
    bool on = !command_given(call, "off");
    int64_t ended;
    int code;

    json_set_bool(q, "on", on);
    if ((code = talk_ask(call, q, &a)) != EXIT_OK)
        return code;
    if (call->json)
        return talk_json("pause", a);
    ended = talk_int(a, "ended");
    if (on)
        out_line(&out, "Paused: %lld session%s ended. Go on: sallyport pause --off",
                 (long long)ended, ended == 1 ? "" : "s");
    else
        out_line(&out, "Applications can be opened again.");
    json_free(a);
    return EXIT_OK;
}
