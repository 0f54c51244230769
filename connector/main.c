/* sallyport-connector: the command table (ECOSYSTEM 3.5). */

#include "connector/config.h"
#include "connector/doctor.h"
#include "connector/enrol.h"
#include "connector/floor.h"
#include "connector/run.h"

#include "lib/base/log.h"
#include "lib/edge/about.h"
#include "lib/edge/status.h"
#include "lib/os/file.h"
#include "lib/os/sandbox.h"
#include "lib/term/command.h"
#include "lib/term/out.h"
#include "lib/trust/enrol.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/banned.h"

static int fail(const struct command_call *call, sp_error e, const struct sp_why *why,
                const char *what, const char *next)
{
    enum exit_code code = EXIT_ERROR;

    if (e == SP_ERR_INVALID || e == SP_ERR_MALFORMED || e == SP_ERR_CORRUPT || e == SP_ERR_LIMIT)
        code = EXIT_USAGE;
    if (e == SP_ERR_NOT_FOUND)
        code = EXIT_LOGIN;
    if (e == SP_ERR_DENIED)
        code = EXIT_DENIED;
    if (e == SP_ERR_UNREACHABLE || e == SP_ERR_TLS || e == SP_ERR_TIMEOUT || e == SP_ERR_REFUSED ||
        e == SP_ERR_AUDIENCE || e == SP_ERR_CLOSED)
        code = EXIT_UNREACHABLE;
    const struct command_failure f = {.exit = code,
                                      .code = sp_error_code(e),
                                      .what = what,
                                      .why = why != NULL && why->text[0] != '\0' ? why->text
                                                                                 : sp_error_text(e),
                                      .next = next};
    return command_fail(call, &f);
}

static sp_error load_config(const struct command_call *call, struct connector_config *config,
                            struct sp_why *why)
{
    return connector_config_load(command_value(call, "config"), command_value(call, "state"),
                                 config, why);
}

/* The token is a secret: from a file of mode 0600, or standard input. */
static sp_error read_token(const char *file, struct buf *out, struct sp_why *why)
{
    if (strcmp(file, "-") == 0)
        return file_read_stdin(ENROL_LINE_MAX, out, why);
    return file_read_secret(file, ENROL_LINE_MAX, out, why);
}

static int enrolled(const struct command_call *call, const struct connector_state *s)
{
    const struct out o = out_on(stdout);
    struct json *j;

    if (call->json) {
        j = json_object();
        json_set_id(j, "connector", s->id);
        json_set_cstr(j, "broker", s->host);
        json_set_cstr(j, "pin", key_fingerprint(&s->identity).s);
        json_set_cstr(j, "site", s->site_name);
        json_set_cstr(j, "key", key_fingerprint(key_secret_public(s->key)).s);
        return command_json("connector.enrol", j);
    }
    const struct out_pair pairs[] = {
        {"Broker", {s->host, OUT_PLAIN}},
        {"Broker pin", {key_fingerprint(&s->identity).s, OUT_PLAIN}},
        {"Site", {s->site_name, OUT_PLAIN}},
        {"Own key", {key_fingerprint(key_secret_public(s->key)).s, OUT_PLAIN}},
        {"Next", {"write /etc/sallyport/floor, then: sallyport-connector run", OUT_PLAIN}},
    };
    return out_pairs(&o, pairs, sizeof pairs / sizeof *pairs) == SP_OK ? EXIT_OK : EXIT_ERROR;
}

static int cmd_enrol(const struct command_call *call)
{
    const char *file = command_value(call, "token-file"), *name = command_value(call, "name");
    const char *ca[] = {command_value(call, "ca"), NULL};
    struct connector_config config;
    struct connector_state state = {0};
    struct sp_why why = {{0}, {0}, 0, 0};
    struct proxy_env proxy;
    char host[128] = "connector";
    struct buf line;
    sp_error e;

    if (file == NULL)
        return fail(call, SP_ERR_INVALID, NULL, "The token is missing.",
                    "sallyport-connector enrol --token-file FILE, or - for standard input");
    if (name == NULL && gethostname(host, sizeof host - 1) == 0)
        name = host;
    buf_init(&line, ENROL_LINE_MAX);
    if ((e = load_config(call, &config, &why)) == SP_OK &&
        (e = connector_proxy(&config, &proxy, &why)) == SP_OK &&
        (e = read_token(file, &line, &why)) == SP_OK) {
        proxy_login_warn(&proxy, "connector.proxy");
        const struct enrol_spec spec = {.line = buf_view(&line),
                                        .dir = config.state,
                                        .name = name != NULL ? name : host,
                                        .proxy = &proxy,
                                        .ca = ca};
        e = enrol_run(&spec, &state, &why);
    }
    int code = e == SP_OK ? enrolled(call, &state)
                          : fail(call, e, &why, "This connector is not enrolled.",
                                 "a token is good once: make a new one in the console");
    state_end(&state);
    buf_wipe(&line);
    connector_config_end(&config);
    return code;
}

static int cmd_run(const struct command_call *call)
{
    struct connector_config config;
    struct sp_why why = {{0}, {0}, 0, 0};
    sp_error e;

    if (sandbox_serve(0) != SP_OK)
        return program_unsafe(call->program);
    if ((e = load_config(call, &config, &why)) == SP_OK)
        e = connector_run(&config, &why);
    connector_config_end(&config);
    return e == SP_OK ? EXIT_OK : fail(call, e, &why, "The connector can't run.", NULL);
}

static int ask_running(const struct command_call *call, const char *what, bool judge)
{
    struct connector_config config;
    struct sp_why why = {{0}, {0}, 0, 0};
    struct json *j = NULL;
    bool ready = false;
    sp_error e;

    if ((e = load_config(call, &config, &why)) == SP_OK &&
        (e = status_ask(config.health, what, &ready, &j)) != SP_OK)
        sp_ignore(sp_why_say(&why, e, "no connector answers at %s", config.health));
    connector_config_end(&config);
    if (e != SP_OK)
        return fail(call, e == SP_ERR_NOT_FOUND ? SP_ERR_UNREACHABLE : e, &why,
                    "The connector does not run here.", "sallyport-connector run");
    int code = EXIT_OK;
    if (call->json) {
        code = command_json("connector.status", j);
    } else {
        const struct out o = out_on(stdout);
        out_members(&o, j);
        json_free(j);
    }
    return judge && !ready ? EXIT_UNREACHABLE : code;
}

static int cmd_status(const struct command_call *call)
{
    return ask_running(call, "GET /status", false);
}

static int cmd_health(const struct command_call *call)
{
    return ask_running(call, "GET /readyz", true);
}

/* The floor as people read it, a line each. */
static int floor_json(const char *path, struct view text)
{
    struct json *j = json_object(), *lines = json_array();
    const uint8_t *end;

    while (text.len > 0 && (end = memchr(text.at, '\n', text.len)) != NULL) {
        size_t len = (size_t)(end - text.at);

        json_push(lines, json_new_str(view_slice(text, 0, len)));
        text = view_slice(text, len + 1, text.len);
    }
    json_set_cstr(j, "file", path);
    json_set_bool(j, "valid", true);
    json_set(j, "lines", lines);
    return command_json("connector.floor", j);
}

static int floor_of(const struct command_call *call, const char *path, bool show)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct floor *floor = NULL;
    struct buf text;
    sp_error e;

    if ((e = floor_load(path, &why, &floor)) != SP_OK)
        return fail(call, e == SP_ERR_NOT_FOUND ? SP_ERR_INVALID : e, &why,
                    "This floor can't be used; the connector would keep the one it has.", NULL);
    buf_init(&text, 4 * FLOOR_BYTES_MAX);
    if (show || call->json)
        floor_describe(floor, &text);
    else
        buf_addf(&text, "ok: %s\n", path);
    int code = call->json ? floor_json(path, buf_view(&text)) : EXIT_OK;
    if (!call->json)
        fwrite(text.at, 1, text.len, stdout);
    buf_deinit(&text);
    floor_free(floor);
    return code == EXIT_OK && fflush(stdout) == 0 ? EXIT_OK : EXIT_ERROR;
}

static int cmd_floor_show(const struct command_call *call)
{
    struct connector_config config;
    struct sp_why why = {{0}, {0}, 0, 0};
    sp_error e = load_config(call, &config, &why);
    int code = e == SP_OK ? floor_of(call, config.floor, true)
                          : fail(call, e, &why, "The configuration is wrong.", NULL);

    connector_config_end(&config);
    return code;
}

static int cmd_floor_check(const struct command_call *call)
{
    return floor_of(call, call->args[0], false);
}

static int cmd_key_fingerprint(const struct command_call *call)
{
    struct connector_config config;
    struct connector_state state = {0};
    struct sp_why why = {{0}, {0}, 0, 0};
    sp_error e;
    int code;

    if ((e = load_config(call, &config, &why)) == SP_OK)
        e = state_load(config.state, &state, &why);
    if (e == SP_OK && call->json) {
        struct json *j = json_object();

        json_set_cstr(j, "key", key_fingerprint(key_secret_public(state.key)).s);
        json_set_cstr(j, "pin", key_fingerprint(&state.identity).s);
        code = command_json("connector.key", j);
    } else if (e == SP_OK) {
        const struct out o = out_on(stdout);
        const struct out_pair pairs[] = {
            {"Own key", {key_fingerprint(key_secret_public(state.key)).s, OUT_PLAIN}},
            {"Broker pin", {key_fingerprint(&state.identity).s, OUT_PLAIN}},
        };
        code = out_pairs(&o, pairs, 2) == SP_OK ? EXIT_OK : EXIT_ERROR;
    } else {
        code = fail(call, e, &why, "There is no key to show.", NULL);
    }
    state_end(&state);
    connector_config_end(&config);
    return code;
}

#define CONFIG_OPTION                                                     \
    {                                                                     \
        "config", "FILE", "configuration; default " CONNECTOR_CONFIG_PATH \
    }
#define STATE_OPTION                                                 \
    {                                                                \
        "state", "DIR", "state folder; default " CONNECTOR_STATE_DIR \
    }

static const struct command commands[] = {
    {.name = "enrol",
     .args = "",
     .summary = "make this machine a connector of a site",
     .manual = "Reads the enrolment string that the console shows, makes a key in the state folder "
               "and lets the broker take it. A token is good once.",
     .exits = "5 8",
     .options = {{"token-file", "FILE",
                  "file (mode 0600) with the enrolment string; - is standard "
                  "input"},
                 {"name", "NAME", "as the console shows it; default: the host's name"},
                 {"ca", "FILE", "one more CA for the broker's certificate, PEM"},
                 STATE_OPTION,
                 CONFIG_OPTION},
     .run = cmd_enrol},
    {.name = "run",
     .args = "",
     .summary = "connect to broker and relays, and dial the applications",
     .manual = "Dials out only and listens on no TCP port. SIGTERM drains, SIGHUP reads the floor "
               "anew; a floor with a mistake changes nothing.",
     .exits = "4 8",
     .options = {CONFIG_OPTION, STATE_OPTION},
     .run = cmd_run},
    {.name = "status",
     .args = "",
     .summary = "what the running connector says of itself",
     .exits = "8",
     .options = {CONFIG_OPTION, STATE_OPTION},
     .run = cmd_status},
    {.name = "health",
     .args = "",
     .summary = "the same; exit 8 while it is not ready",
     .exits = "8",
     .options = {CONFIG_OPTION, STATE_OPTION},
     .run = cmd_health},
    {.name = "floor show",
     .args = "",
     .summary = "the local limits as the connector reads them",
     .exits = "",
     .options = {CONFIG_OPTION, STATE_OPTION},
     .run = cmd_floor_show},
    {.name = "floor check",
     .args = "FILE",
     .summary = "check a floor file",
     .manual = "One rule a line: allow HOST:PORTS, allow *.SUFFIX:PORTS, allow CIDR:PORTS, deny …, "
               "max-deadline 12h, signer KEY. deny beats allow; loopback, link-local, metadata and "
               "own addresses must be listed themselves.",
     .exits = "",
     .args_min = 1,
     .args_max = 1,
     .run = cmd_floor_check},
    {.name = "doctor",
     .args = "",
     .summary = "check each step by itself: files, broker, relays, a dial of each app",
     .manual =
         "Changes nothing. The dial of each app needs the running connector; it is the one that "
         "the console's test of an app makes.",
     .exits = "",
     .options = {CONFIG_OPTION, STATE_OPTION},
     .run = cmd_doctor},
    {.name = "bugreport",
     .args = "",
     .summary = "write a .tar.gz for whoever helps, without secrets",
     .manual =
         "Holds version, configuration, floor, status and doctor's rows; what is in it is listed "
         "first. Tokens, passwords, logins and keys are left out.",
     .exits = "",
     .options = {{"output", "FILE", "default: sallyport-connector-bugreport.tar.gz"},
                 {"anonymize", NULL, "names and addresses become made-up words"},
                 CONFIG_OPTION,
                 STATE_OPTION},
     .run = cmd_bugreport},
    {.name = "key fingerprint",
     .args = "",
     .summary = "fingerprints of the own key and of the pinned broker",
     .exits = "4",
     .options = {CONFIG_OPTION, STATE_OPTION},
     .run = cmd_key_fingerprint},
};

int main(int argc, char **argv)
{
    const struct program program = {.name = "sallyport-connector",
                                    .summary = "dials private applications for Sallyport",
                                    .commands = commands,
                                    .count = sizeof commands / sizeof *commands,
                                    .version = about_parts};

    umask(077);
    log_setup(program.name, LOG_INFO); /* `run` sets the configured level */
    if (sandbox_early() != SP_OK)
        return program_unsafe(&program);
    return program_main(&program, argc, argv);
}
