/* login, logout, whoami: which broker, with whose proof. */
#include "client/admin/act.h"
#include "client/admin/bootstrap.h"
#include "client/admin/verbs.h"
#include "lib/os/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `kept` (or NULL): a bootstrap token is spent, and gets the path of the session's file. */
static int me(const struct command_call *call, char *kept, size_t room, struct json **out)
{
    struct broker b;
    int code = broker_open(call, &b);

    if (code != EXIT_OK)
        return code;
    if (kept != NULL && bootstrap_is_token(&b))
        code = bootstrap_spend(&b, kept, room);
    if (code == EXIT_OK)
        code = broker_call(&b, &(struct broker_request){.method = METHOD_GET, .path = "/api/v1/me"},
                           out, NULL);
    broker_close(&b);
    return code;
}

static int show_me(const struct command_call *call, struct json *me)
{
    int code;

    if (call->json)
        return act_json(call, me);
    code = show_object(me);
    json_free(me);
    return code;
}

int verb_whoami(const struct command_call *call)
{
    struct json *answer = NULL;
    int code = me(call, NULL, 0, &answer);

    return code == EXIT_OK ? show_me(call, answer) : code;
}

/* A file name that holds wherever the next command is started. */
static sp_error keep_path(char *out, size_t room, const char *said, struct sp_why *why)
{
    char whole[PATH_MAX];

    if (said == NULL)
        return SP_OK;
    if (realpath(said, whole) == NULL)
        return sp_why_say(why, SP_ERR_NOT_FOUND, "There is no file %s.", said);
    if (strlen(whole) >= room)
        return sp_why_say(why, SP_ERR_LIMIT, "The path of %s is too long.", said);
    view_copy(out, room, view_str(whole));
    return SP_OK;
}

/* `token_file`: of the session that a bootstrap token became; "": as the options say. */
static sp_error keep(const struct command_call *call, const char *token_file, struct sp_why *why)
{
    const char *broker = command_value(call, "broker");
    struct settings s = {0};
    struct buf path;
    sp_error e;

    buf_init(&path, 4096);
    if ((e = settings_path(&path)) == SP_OK &&
        (e = settings_read(buf_cstr(&path), &s, why)) == SP_OK &&
        (e = keep_path(s.ca, sizeof s.ca, command_value(call, "ca"), why)) == SP_OK &&
        (e = keep_path(s.token_file, sizeof s.token_file,
                       token_file[0] != '\0' ? token_file : command_value(call, "token-file"),
                       why)) == SP_OK) {
        if (broker != NULL)
            view_copy(s.broker, sizeof s.broker, view_str(broker));
        e = settings_write(buf_cstr(&path), &s, why);
    }
    buf_deinit(&path);
    return e;
}

int verb_login(const struct command_call *call)
{
    struct sp_why why = {0};
    struct json *answer = NULL;
    char session[PATH_MAX] = "";
    int code = me(call, session, sizeof session, &answer); /* what does not work is not kept */

    if (code != EXIT_OK)
        return code;
    if (keep(call, session, &why) != SP_OK) {
        json_free(answer);
        return command_fail(call, &(struct command_failure){.exit = EXIT_ERROR,
                                                            .code = "settings",
                                                            .what = "The settings can't be kept.",
                                                            .why = why.text});
    }
    return show_me(call, answer);
}

/* The session of a bootstrap token ends here and at the broker; where the broker can't be asked it
 * ends with its hour. */
static void end_session(const struct command_call *call)
{
    char path[PATH_MAX];
    struct settings s = {0};
    struct json *answer = NULL;
    struct buf where;
    struct broker b;

    buf_init(&where, 4096);
    bool ours = settings_path(&where) == SP_OK &&
                settings_read(buf_cstr(&where), &s, NULL) == SP_OK &&
                bootstrap_path(path, sizeof path) == SP_OK && strcmp(s.token_file, path) == 0;
    buf_deinit(&where);
    if (!ours)
        return;
    if (broker_open(call, &b) == EXIT_OK) {
        (void)broker_call(&b,
                          &(struct broker_request){.method = METHOD_DELETE,
                                                   .path = "/api/v1/bootstrap",
                                                   .quiet_not_found = true},
                          &answer, NULL); /* what failed was printed */
        json_free(answer);
        broker_close(&b);
    }
    sp_ignore(file_remove(path, NULL)); /* or it was gone */
}

int verb_logout(const struct command_call *call)
{
    struct sp_why why = {0};
    struct buf path;
    sp_error e;

    end_session(call);
    buf_init(&path, 4096);
    e = settings_path(&path);
    if (e == SP_OK)
        e = file_remove(buf_cstr(&path), &why);
    buf_deinit(&path);
    if (e != SP_OK && e != SP_ERR_NOT_FOUND)
        return command_fail(call,
                            &(struct command_failure){.exit = EXIT_ERROR,
                                                      .code = "settings",
                                                      .what = "The settings can't be removed.",
                                                      .why = why.text});
    if (call->json) {
        struct json *j = json_object();

        json_set_bool(j, "forgotten", e == SP_OK);
        return act_json(call, j);
    }
    puts(e == SP_OK ? "Broker, CA and token file are forgotten; the token file itself stays."
                    : "Nothing was kept.");
    return EXIT_OK;
}
