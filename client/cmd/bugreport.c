/* bugreport: what helps to find a fault, in one file, without secrets. */
#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"
#include "client/cmd/visit.h"
#include "lib/edge/redact.h"
#include "lib/edge/tarball.h"
#include "lib/os/file.h"
#include "lib/term/ask.h"
#include "lib/term/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
    REPORT_BYTES_MAX = 8 * 1024 * 1024,
    LOG_BYTES_MAX = 256 * 1024,
    APPS_MAX = 64,
    PARTS_MAX = 8
};

struct part {
    const char *name, *what;
    struct buf text; /* redacted */
};

struct report {
    struct part parts[PARTS_MAX];
    size_t count;
    struct redact_name names[APPS_MAX + 8];
    size_t name_count;
    char host[256], user[64], machine[72];
    struct json *status, *apps, *posture; /* owned; NULL: the agent did not say */
};

/* ---- names -------------------------------------------------------------------------------- */

static void name(struct report *r, const char *what, const char *text)
{
    if (r->name_count < sizeof r->names / sizeof *r->names && text != NULL && strlen(text) > 1)
        r->names[r->name_count++] = (struct redact_name){what, text};
}

/* With --anonymize: who, which machine, which broker, which apps. */
static void learn_names(struct report *r)
{
    const char *url = talk_text(json_get(r->status, "broker"), "url");
    const char *user = talk_text(json_get(r->status, "login"), "user"), *login = getenv("USER");
    struct url broker;

    if (url_parse(view_str(url), &broker) == SP_OK)
        snprintf(r->host, sizeof r->host, "%.*s", VIEW_ARG(broker.host));
    snprintf(r->user, sizeof r->user, "%s", user);
    snprintf(r->machine, sizeof r->machine, "%s", talk_text(json_get(r->status, "device"), "name"));
    name(r, "broker", r->host);
    name(r, "user", r->user);
    name(r, "machine", r->machine);
    if (login != NULL && strcmp(login, r->user) != 0)
        name(r, "login", login);
    for (size_t i = 0; i < json_len(json_get(r->apps, "apps")) && i < APPS_MAX; i++)
        name(r, "app", talk_text(json_at(json_get(r->apps, "apps"), i), "name"));
}

/* ---- parts -------------------------------------------------------------------------------- */

static void add_part(struct report *r, const char *file, const char *what, struct view text)
{
    struct part *p = &r->parts[r->count];

    if (r->count == PARTS_MAX || text.len == 0)
        return;
    *p = (struct part){.name = file, .what = what};
    buf_init(&p->text, REPORT_BYTES_MAX);
    redact(text, r->names, r->name_count, &p->text);
    r->count++;
}

static void add_json(struct report *r, const char *file, const char *what, const struct json *j)
{
    struct buf text;

    buf_init(&text, REPORT_BYTES_MAX);
    if (j != NULL && json_write(j, &text) == SP_OK) {
        buf_add_byte(&text, '\n');
        add_part(r, file, what, buf_view(&text));
    }
    buf_deinit(&text);
}

static void add_checks(struct report *r)
{
    struct visit *v = calloc(1, sizeof *v);
    struct json *j;

    if (v == NULL || r->status == NULL) {
        free(v);
        return;
    }
    v->status = r->status;
    v->known =
        url_parse(view_str(talk_text(json_get(r->status, "broker"), "url")), &v->url) == SP_OK;
    visit_run(v);
    j = checks_json(&v->checks);
    add_json(r, "doctor.json", "each step of the way to the broker", j);
    json_free(j);
    free(v);
}

/* The end of the agent's log, from a line's beginning. */
static void add_log(struct report *r)
{
    char socket[IPC_PATH_MAX], path[IPC_PATH_MAX + 8];
    struct buf whole;
    struct view text;

    buf_init(&whole, REPORT_BYTES_MAX);
    if (ipc_path(socket) == SP_OK) {
        snprintf(path, sizeof path, "%s.log", socket);
        if (file_read(path, REPORT_BYTES_MAX, &whole, NULL) == SP_OK) {
            text = buf_view(&whole);
            if (text.len > LOG_BYTES_MAX) {
                text = view_slice(text, text.len - LOG_BYTES_MAX, text.len);
                while (text.len > 0 && text.at[0] != '\n')
                    text = view_slice(text, 1, text.len);
            }
            add_part(r, "agent.log", "the end of the agent's log", text);
        }
    }
    buf_deinit(&whole);
}

/* Which settings of the environment reach us; others are not ours to collect. */
static bool ours(const char *variable)
{
    static const char *const names[] = {"SALLYPORT_",
                                        "XDG_",
                                        "LANG=",
                                        "LC_ALL=",
                                        "TERM=",
                                        "NO_COLOR=",
                                        "NO_PROXY=",
                                        "no_proxy=",
                                        "HTTPS_PROXY=",
                                        "https_proxy=",
                                        "ALL_PROXY=",
                                        "all_proxy=",
                                        "BROWSER=",
                                        "DISPLAY=",
                                        "WAYLAND_DISPLAY=",
                                        "DBUS_SESSION_BUS_ADDRESS="};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static void add_system(struct report *r)
{
    struct utsname u;
    struct buf text, release;

    buf_init(&text, 64 * 1024);
    buf_init(&release, 16 * 1024);
    buf_addf(&text, "sallyport %s\n", SP_VERSION);
    if (uname(&u) == 0)
        buf_addf(&text, "%s %s %s\n", u.sysname, u.release, u.machine);
    if (file_read("/etc/os-release", 16 * 1024, &release, NULL) == SP_OK)
        buf_add(&text, buf_view(&release));
    for (char **e = environ; e != NULL && *e != NULL; e++)
        if (ours(*e))
            buf_addf(&text, "%s\n", *e);
    add_part(r, "system.txt", "versions, and the environment that reaches Sallyport",
             buf_view(&text));
    buf_deinit(&text);
    buf_deinit(&release);
}

/* Without an agent there is still the machine to tell about. */
static struct json *ask_quietly(const char *verb)
{
    struct ipc_client *c = NULL;
    struct json *line = NULL;
    char path[IPC_PATH_MAX];

    if (ipc_path(path) == SP_OK && ipc_client_new(path, &c) == SP_OK &&
        ipc_client_ask(c, talk_request(verb)) == SP_OK &&
        ipc_client_read(c, TALK_START_MS, &line) == SP_OK && json_get(line, "error") != NULL) {
        json_free(line);
        line = NULL;
    }
    ipc_client_free(c);
    return line;
}

static void collect(struct report *r, bool anonymize)
{
    r->status = ask_quietly("status");
    r->apps = ask_quietly("apps");
    r->posture = ask_quietly("posture");
    if (anonymize)
        learn_names(r);
    add_system(r);
    add_json(r, "status.json", "what `sallyport status` says", r->status);
    add_json(r, "apps.json", "your apps and why they are open or closed", r->apps);
    add_json(r, "posture.json", "what this machine reports about itself", r->posture);
    add_checks(r);
    add_log(r);
}

static void report_free(struct report *r)
{
    for (size_t i = 0; i < r->count; i++)
        buf_deinit(&r->parts[i].text);
    json_free(r->status);
    json_free(r->apps);
    json_free(r->posture);
    free(r);
}

/* ---- the file ----------------------------------------------------------------------------- */

static sp_error write_report(const struct report *r, const char *path, struct sp_why *why)
{
    struct buf tar, gz;
    sp_error e = SP_OK;

    buf_init(&tar, 4 * REPORT_BYTES_MAX);
    buf_init(&gz, 4 * REPORT_BYTES_MAX);
    for (size_t i = 0; e == SP_OK && i < r->count; i++) {
        char in[99];

        snprintf(in, sizeof in, "sallyport-bugreport/%s", r->parts[i].name);
        e = tarball_add(&tar, in, buf_view(&r->parts[i].text), clock_unix());
    }
    tarball_end(&tar);
    tarball_gzip(buf_view(&tar), &gz);
    if (e == SP_OK && (e = buf_error(&gz)) == SP_OK)
        e = file_write(path, buf_view(&gz), 0600, why);
    buf_deinit(&tar);
    buf_deinit(&gz);
    return e;
}

static void default_path(char out[80])
{
    time_t now = time(NULL);
    struct tm at;

    if (localtime_r(&now, &at) == NULL ||
        strftime(out, 80, "sallyport-bugreport-%Y%m%d-%H%M%S.tar.gz", &at) == 0)
        snprintf(out, 80, "sallyport-bugreport.tar.gz");
}

static struct json *report_json(const struct report *r, const char *path, bool anonymize)
{
    struct json *j = json_object(), *list = json_array();

    for (size_t i = 0; i < r->count; i++) {
        struct json *one = json_object();

        json_set_cstr(one, "name", r->parts[i].name);
        json_set_cstr(one, "what", r->parts[i].what);
        json_set_int(one, "bytes", (int64_t)r->parts[i].text.len);
        json_push(list, one);
    }
    json_set_cstr(j, "file", path);
    json_set_bool(j, "anonymized", anonymize);
    json_set(j, "contents", list);
    return j;
}

/* Contents first, so that the person knows what leaves before anything is written. */
static void list_contents(const struct report *r, bool anonymize)
{
    static const char *const heads[] = {"FILE", "BYTES", "WHAT"};
    struct out err = out_on(stderr);
    struct out_table *t = out_table_new(heads, 3);

    for (size_t i = 0; t != NULL && i < r->count; i++) {
        char bytes[24];

        snprintf(bytes, sizeof bytes, "%zu", r->parts[i].text.len);
        struct out_cell cells[3] = {
            {r->parts[i].name, OUT_PLAIN}, {bytes, OUT_PLAIN}, {r->parts[i].what, OUT_PLAIN}};
        out_table_row(t, cells);
    }
    if (t != NULL)
        sp_ignore(out_table_print(t, &err)); /* the file can be listed later */
    out_table_free(t);
    out_line(&err, "Tokens and passwords are left out%s.",
             anonymize ? "; names of people, machines and apps too"
                       : "; names are not (--anonymize leaves them out)");
}

int cmd_bugreport(const struct command_call *call)
{
    const char *path = command_value(call, "output");
    bool anonymize = command_given(call, "anonymize");
    struct report *r = calloc(1, sizeof *r);
    struct sp_why why = {0};
    char made[80];
    int code = EXIT_OK;

    if (r == NULL)
        return EXIT_ERROR;
    default_path(made);
    if (path == NULL)
        path = made;
    collect(r, anonymize);
    if (!call->json)
        list_contents(r, anonymize);
    if (access(path, F_OK) == 0)
        code = command_fail(call, &(struct command_failure){.exit = EXIT_USAGE,
                                                            .code = "exists",
                                                            .what = "The report was not written.",
                                                            .why = "A file of that name is there.",
                                                            .next = "--output with another name"});
    else if (write_report(r, path, &why) != SP_OK)
        code = command_fail(call, &(struct command_failure){.exit = EXIT_ERROR,
                                                            .code = "write",
                                                            .what = "The report was not written.",
                                                            .why = why.text});
    else if (call->json)
        code = command_json("bugreport", report_json(r, path, anonymize));
    else
        printf("%s\n", path);
    report_free(r);
    return code;
}
