/*
 * sallyport-relay: moves bytes between agents and connectors, and decides nothing.
 */
#include "lib/base/log.h"
#include "lib/edge/about.h"
#include "lib/edge/status.h"
#include "lib/os/file.h"
#include "lib/os/sandbox.h"
#include "lib/term/command.h"
#include "lib/term/out.h"
#include "lib/tls/context.h"
#include "relay/doctor.h"
#include "relay/run.h"
#include "relay/state.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DRAIN_LOOK_US = 200 * 1000 };

static int fail(const struct command_call *call, enum exit_code code, const struct sp_why *why)
{
    const struct command_failure f = {.exit = code, .code = "relay", .what = why->text};

    return command_fail(call, &f);
}

static const char *config_path(const struct command_call *call)
{
    const char *path = command_value(call, "config");

    return path == NULL ? RELAY_CONFIG_PATH : path;
}

static int run(const struct command_call *call)
{
    struct relay_config config;
    struct sp_why why = {0};
    enum exit_code code = EXIT_OK;

    if (sandbox_serve(0) != SP_OK)
        return program_unsafe(call->program);
    if (relay_config_load(config_path(call), &config, &why) != SP_OK)
        code = EXIT_USAGE;
    else if (relay_run(&config, &why) != SP_OK)
        code = EXIT_ERROR;
    relay_config_free(&config);
    return code == EXIT_OK ? EXIT_OK : fail(call, code, &why);
}

/* Writes the broker's address and the token down; `run` enrols with them. */
SP_MUST static sp_error keep_line(struct relay_state *s, const char *file, struct sp_why *why)
{
    struct buf line;
    sp_error e;

    buf_init(&line, ENROL_LINE_MAX);
    e = file_read_secret(file, ENROL_LINE_MAX, &line, why);
    if (e == SP_OK)
        e = enrol_address_parse(buf_view(&line), why, &s->broker);
    if (e == SP_OK && s->broker.token[0] == '\0')
        e = sp_why_say(why, SP_ERR_INVALID, "%s holds no enrolment token", file);
    s->id = (struct sp_id){{0}};
    s->identity = (struct key_public){.kind = KEY_NONE};
    s->epoch = 0;
    if (e == SP_OK)
        e = relay_state_save(s, why);
    buf_wipe(&line);
    return e;
}

static int enrol(const struct command_call *call)
{
    struct relay_config config;
    struct relay_state state;
    struct sp_why why = {0};
    sp_error e;

    if (relay_config_load(config_path(call), &config, &why) != SP_OK) {
        relay_config_free(&config);
        return fail(call, EXIT_USAGE, &why);
    }
    if ((e = relay_state_open(config.state, true, &state, &why)) == SP_OK) {
        e = keep_line(&state, call->args[0], &why);
        relay_state_close(&state);
    }
    relay_config_free(&config);
    if (e != SP_OK)
        return fail(call, EXIT_ERROR, &why);
    if (call->json) {
        struct json *j = json_object();

        json_set_cstr(j, "file", call->args[0]);
        json_set_cstr(j, "next", "sallyport-relay run");
        return command_json("relay.enrol", j);
    }
    puts("The relay enrols at its next start: sallyport-relay run");
    return EXIT_OK;
}

static int key_fingerprint_of(const struct command_call *call)
{
    struct relay_config config;
    struct relay_state state;
    struct sp_why why = {0};
    sp_error e;

    if (relay_config_load(config_path(call), &config, &why) != SP_OK) {
        relay_config_free(&config);
        return fail(call, EXIT_USAGE, &why);
    }
    if ((e = relay_state_open(config.state, false, &state, &why)) == SP_OK) {
        const struct key_public *key = key_secret_public(state.key);
        if (call->json) {
            struct json *out = json_object();
            json_set_cstr(out, "key", key_text(key).s);
            json_set_cstr(out, "fingerprint", key_fingerprint(key).s);
            command_json("relay.key", out);
        } else {
            puts(key_fingerprint(key).s);
        }
        relay_state_close(&state);
    }
    relay_config_free(&config);
    return e == SP_OK ? EXIT_OK : fail(call, EXIT_ERROR, &why);
}

/* What the running relay answers; `*ok` by its code. Not SP_OK: the failure is said. */
static int ask(const struct command_call *call, const char *what, bool *ok, struct json **out)
{
    struct relay_config config;
    struct sp_why why = {0};
    enum exit_code code = EXIT_OK;

    if (relay_config_load(config_path(call), &config, &why) != SP_OK) {
        code = EXIT_USAGE;
    } else if (status_ask(config.health_socket, what, ok, out) != SP_OK) {
        code = EXIT_UNREACHABLE;
        sp_ignore(sp_why_say(&why, SP_ERR_UNREACHABLE, "no relay answers at %s: is it running?",
                             config.health_socket));
    }
    relay_config_free(&config);
    return code == EXIT_OK ? EXIT_OK : fail(call, code, &why);
}

static int show(const struct command_call *call, const char *schema, struct json *j)
{
    const struct out o = out_on(stdout);

    if (call->json)
        return command_json(schema, j);
    out_members(&o, j);
    json_free(j);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_ERROR;
}

static int status(const struct command_call *call)
{
    struct json *j = NULL;
    bool ok = false;
    int code = ask(call, "GET /status", &ok, &j);

    return code == EXIT_OK ? show(call, "relay.status", j) : code;
}

static int health(const struct command_call *call)
{
    struct json *j = NULL;
    bool ready = false;
    int code = ask(call, "GET /readyz", &ready, &j);

    if (code == EXIT_OK && (code = show(call, "relay.status", j)) == EXIT_OK && !ready)
        code = EXIT_UNREACHABLE;
    return code;
}

/* Until the relay has ended, which is when its last session has. */
static void wait_for_end(const struct command_call *call)
{
    struct relay_config config;
    struct json *j = NULL;
    bool ok;

    if (relay_config_load(config_path(call), &config, NULL) == SP_OK)
        while (status_ask(config.health_socket, "GET /status", &ok, &j) == SP_OK) {
            json_free(j);
            usleep(DRAIN_LOOK_US);
        }
    relay_config_free(&config);
}

static int drain(const struct command_call *call)
{
    struct json *j = NULL;
    bool ok = false;
    int code = ask(call, "POST /drain", &ok, &j);

    if (code != EXIT_OK)
        return code;
    code = show(call, "relay.drain", j);
    if (command_given(call, "wait"))
        wait_for_end(call);
    return code;
}

#define CONFIG_OPTION                                     \
    {                                                     \
        "config", "FILE", "instead of " RELAY_CONFIG_PATH \
    }
static const struct command commands[] = {
    {.name = "run",
     .args = "[--config FILE]",
     .summary = "runs the relay until it is told to end",
     .exits = "",
     .options = {CONFIG_OPTION},
     .run = run},
    {.name = "enrol",
     .args = "TOKEN-FILE [--config FILE]",
     .summary = "keeps the broker's enrolment line for the next start",
     .exits = "",
     .options = {CONFIG_OPTION},
     .args_min = 1,
     .args_max = 1,
     .run = enrol},
    {.name = "status",
     .args = "[--config FILE]",
     .summary = "what the running relay says of itself",
     .exits = "8",
     .options = {CONFIG_OPTION},
     .run = status},
    {.name = "health",
     .args = "[--config FILE]",
     .summary = "the same; exit 8 while it does not serve",
     .exits = "8",
     .options = {CONFIG_OPTION},
     .run = health},
    {.name = "drain",
     .args = "[--wait] [--config FILE]",
     .summary = "take no new sessions; end when the last one has ended",
     .manual = "Agents open their next sessions over another relay. Sessions that are open end by "
               "themselves, at the latest after drain_max. The same as SIGTERM.",
     .exits = "8",
     .options = {{"wait", NULL, "return when the relay has ended"}, CONFIG_OPTION},
     .run = drain},
    {.name = "doctor",
     .args = "[--config FILE]",
     .summary = "check each step by itself: files, port, broker, connectors",
     .exits = "",
     .options = {CONFIG_OPTION},
     .run = cmd_doctor},
    {.name = "bugreport",
     .args = "[--output FILE] [--anonymize] [--config FILE]",
     .summary = "write a .tar.gz for whoever helps, without secrets",
     .manual =
         "Holds version, configuration, status and doctor's rows; what is in it is listed first. "
         "Tokens, logins and keys are left out.",
     .exits = "",
     .options = {{"output", "FILE", "default: sallyport-relay-bugreport.tar.gz"},
                 {"anonymize", NULL, "names and addresses become made-up words"},
                 CONFIG_OPTION},
     .run = cmd_bugreport},
    {.name = "key fingerprint",
     .args = "[--config FILE]",
     .summary = "prints the fingerprint of the relay's key",
     .exits = "",
     .options = {CONFIG_OPTION},
     .run = key_fingerprint_of},
};

int main(int argc, char **argv)
{
    const struct program program = {.name = "sallyport-relay",
                                    .summary = "moves bytes between agents and connectors",
                                    .commands = commands,
                                    .count = sizeof commands / sizeof commands[0],
                                    .version = about_parts};

    umask(077);
    log_setup("sallyport-relay", LOG_INFO);
    if (sandbox_early() != SP_OK)
        return program_unsafe(&program);
    return program_main(&program, argc, argv);
}
