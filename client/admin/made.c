/* Sites, the enrolment strings of connectors and relays, recovery codes: what is shown once. */
#include "client/admin/act.h"
#include "client/admin/verbs.h"
#include "lib/base/num.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <string.h>

enum { LIFE_MS = 60 * 60 * 1000, LIFE_MIN_MS = 60 * 1000, LIFE_MAX_MS = 24 * 60 * 60 * 1000 };

int verb_site_add(const struct command_call *call)
{
    struct json *answer = NULL, *body = json_object();
    struct broker b;
    int code = broker_open(call, &b);

    json_set_cstr(body, "name", call->args[0]);
    if (code != EXIT_OK) {
        json_free(body);
        return code;
    }
    code = broker_call(
        &b, &(struct broker_request){.method = METHOD_POST, .path = "/api/v1/sites", .body = body},
        &answer, NULL);
    broker_close(&b);
    if (code != EXIT_OK)
        return code;
    return act_show(call, answer);
}

static int life_of(const struct command_call *call, int64_t *ms)
{
    const char *said = command_value(call, "life");

    *ms = LIFE_MS;
    if (said != NULL &&
        (num_duration(view_str(said), ms) != SP_OK || *ms < LIFE_MIN_MS || *ms > LIFE_MAX_MS))
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_USAGE,
                                            .code = "usage",
                                            .what = "--life is from 1m to 24h, such as 30m"});
    return EXIT_OK;
}

/* The string goes into a file of its own, 0600, or to standard output; never into both. */
static int hand_out(const struct command_call *call, struct json *answer, const char *program)
{
    const char *file = command_value(call, "out");
    const char *secret = json_cstr(json_get(answer, "enrolment"));
    struct sp_why why = {0};
    struct buf line;
    sp_error e = SP_OK;

    if (file == NULL) {
        if (call->json)
            return act_json(call, answer);
        puts(secret == NULL ? "" : secret);
        fprintf(stderr,
                "Shown once. Into a file of mode 0600 with it, then: %s enrol --token-file FILE\n",
                program);
        json_free(answer);
        return EXIT_OK;
    }
    buf_init(&line, 64 * 1024);
    buf_addf(&line, "%s\n", secret == NULL ? "" : secret);
    e = file_create_secret(file, buf_view(&line), &why);
    buf_wipe(&line);
    buf_deinit(&line);
    json_remove(answer, "enrolment");
    json_set_cstr(answer, "file", file);
    if (e != SP_OK) {
        json_free(answer);
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_ERROR,
                                            .code = "file",
                                            .what = "The token was made, but can't be written.",
                                            .why = why.text,
                                            .next = "sallyport-admin enrolment list SITE, and "
                                                    "revoke it"});
    }
    if (call->json)
        return act_json(call, answer);
    printf("Next: %s enrol --token-file %s\n", program, file);
    json_free(answer);
    return EXIT_OK;
}

static int make_token(const struct command_call *call, const char *path, const char *name,
                      const char *program)
{
    struct json *answer = NULL, *body;
    struct broker b;
    struct buf url;
    size_t next = 0;
    int64_t life;
    int code = life_of(call, &life);

    if (code != EXIT_OK || (code = broker_open(call, &b)) != EXIT_OK)
        return code;
    buf_init(&url, 4096);
    code = act_path(&b, path, &next, &url);
    if (code == EXIT_OK) {
        body = json_object();
        json_set_cstr(body, "name", name);
        json_set_int(body, "life_ms", life);
        code = broker_call(
            &b,
            &(struct broker_request){.method = METHOD_POST, .path = buf_cstr(&url), .body = body},
            &answer, NULL);
    }
    buf_deinit(&url);
    broker_close(&b);
    return code == EXIT_OK ? hand_out(call, answer, program) : code;
}

static int no_name(const struct command_call *call)
{
    return command_fail(
        call, &(struct command_failure){.exit = EXIT_USAGE,
                                        .code = "usage",
                                        .what = "--name NAME is missing: what it will be called"});
}

int verb_connector_token(const struct command_call *call)
{
    const char *name = command_value(call, "name");

    return name == NULL ? no_name(call)
                        : make_token(call, "/sites/{site}/tokens", name, "sallyport-connector");
}

int verb_relay_token(const struct command_call *call)
{
    const char *name = command_value(call, "name");

    return name == NULL ? no_name(call)
                        : make_token(call, "/relays/tokens", name, "sallyport-relay");
}

/* ---- recovery codes ----------------------------------------------------------------------- */

static int hand_out_codes(const struct command_call *call, struct json *answer)
{
    const char *file = command_value(call, "out");
    const struct json *codes = json_get(answer, "codes");
    struct sp_why why = {0};
    struct buf lines;
    int code = EXIT_OK;

    buf_init(&lines, 4096);
    for (size_t i = 0; i < json_len(codes); i++)
        buf_addf(&lines, "%s\n", json_cstr(json_at(codes, i)));
    if (file != NULL && file_create_secret(file, buf_view(&lines), &why) != SP_OK)
        code = command_fail(
            call, &(struct command_failure){.exit = EXIT_ERROR,
                                            .code = "file",
                                            .what = "The codes were made, but can't be written.",
                                            .why = why.text,
                                            .next = "the same command with another file: the codes "
                                                    "of before are void then"});
    if (file != NULL) {
        json_remove(answer, "codes");
        json_set_cstr(answer, "file", file);
    }
    if (code == EXIT_OK && call->json) {
        code = act_json(call, json_ref(answer));
    } else if (code == EXIT_OK && file != NULL) {
        printf("%s\n", file);
    } else if (code == EXIT_OK) {
        fwrite(lines.at, 1, lines.len, stdout);
        fputs("Shown once; each works once, and the codes of before are void.\n", stderr);
    }
    buf_wipe(&lines);
    json_free(answer);
    return code;
}

int verb_user_recovery_codes(const struct command_call *call)
{
    const char *reason = command_value(call, "reason");
    struct json *answer = NULL, *body;
    struct broker b;
    struct buf path;
    size_t next = 0;
    int code;

    if (reason == NULL)
        return command_fail(
            call, &(struct command_failure){.exit = EXIT_USAGE,
                                            .code = "usage",
                                            .what = "--reason TEXT is missing: it goes into the "
                                                    "audit record"});
    if ((code = broker_open(call, &b)) != EXIT_OK)
        return code;
    buf_init(&path, 1024);
    code = act_path(&b, "/users/{user}/recovery-codes", &next, &path);
    if (code == EXIT_OK) {
        body = json_object();
        json_set_cstr(body, "reason", reason);
        code = broker_call(
            &b,
            &(struct broker_request){.method = METHOD_POST, .path = buf_cstr(&path), .body = body},
            &answer, NULL);
    }
    buf_deinit(&path);
    broker_close(&b);
    return code == EXIT_OK ? hand_out_codes(call, answer) : code;
}
