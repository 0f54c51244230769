/* The command that makes the first administrator's token. */

#include "broker/identity/bootstrap.h"

#include "broker/commands.h"
#include "broker/offline.h"
#include "lib/os/file.h"

#include <stdio.h>

static int end(const struct command_call *call, const struct offline *o)
{
    struct sp_why why = {0};
    sp_error e = bootstrap_end(o->config.state, &why);

    if (e == SP_OK)
        puts("the token, or the session that it bought, is ended");
    return e == SP_OK ? EXIT_OK : offline_fail(call, e, "No token was ended.", &why);
}

/* The file first: a token that nobody can read must not live. */
static sp_error make(const char *state, const char *file, struct buf *line, struct sp_why *why)
{
    sp_error e = file_make_dir(state, why);

    if (e == SP_OK && (e = bootstrap_make(state, clock_unix(), line, why)) == SP_OK) {
        buf_add_byte(line, '\n');
        e = buf_error(line);
    }
    if (e != SP_OK || file == NULL)
        return e;
    if ((e = file_create_secret(file, buf_view(line), why)) != SP_OK)
        sp_ignore(bootstrap_end(state, NULL)); /* what is told is why the file was not made */
    return e;
}

static int tell(const struct command_call *call, const char *file, const struct buf *line)
{
    struct json *j;

    if (call->json) {
        j = json_object();
        if (file != NULL)
            json_set_cstr(j, "token_file", file);
        else
            json_set_str(j, "token", view_slice(buf_view(line), 0, BOOTSTRAP_TEXT));
        json_set_int(j, "life_ms", BOOTSTRAP_LIFE_MS);
        return command_json("broker.bootstrap", j);
    }
    if (file == NULL)
        printf("%.*s", (int)line->len, (const char *)line->at);
    else
        printf("%s\n", file);
    fprintf(stderr,
            "Good once, within the hour, for a session that ends with the hour. Next:\n"
            "    sallyport-admin login --broker URL --token-file %s\n"
            "Afterwards: sallyport-admin logout\n",
            file == NULL ? "FILE" : file);
    return EXIT_OK;
}

int cmd_bootstrap(const struct command_call *call)
{
    const char *file = command_value(call, "token-out");
    struct offline o;
    struct sp_why why = {0};
    struct buf line;
    int code = offline_open(call, OFFLINE_CONFIG, &o);
    sp_error e;

    buf_init(&line, 128);
    if (code == EXIT_OK && command_given(call, "end"))
        code = end(call, &o);
    else if (code == EXIT_OK && (e = make(o.config.state, file, &line, &why)) != SP_OK)
        code = offline_fail(call, e, "No token was made.", &why);
    else if (code == EXIT_OK)
        code = tell(call, file, &line);
    buf_wipe(&line);
    offline_close(&o);
    return code;
}
