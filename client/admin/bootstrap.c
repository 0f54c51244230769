#include "client/admin/bootstrap.h"

#include "lib/os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEARER = sizeof "Bearer " - 1 };

static const char file_name[] = "admin.session";

bool bootstrap_is_token(const struct broker *b)
{
    struct view v = view_slice(buf_view(&b->authorization), BEARER, b->authorization.len);

    return view_is(view_slice(v, 0, 4), "spt_");
}

/* Beside the settings. */
static sp_error folder(struct buf *out)
{
    sp_error e = settings_path(out);

    while (e == SP_OK && out->len > 0 && out->at[out->len - 1] != '/')
        out->len--;
    return e;
}

sp_error bootstrap_path(char *path, size_t room)
{
    struct buf dir, whole;
    sp_error e;

    buf_init(&dir, 4096);
    buf_init(&whole, room - 1);
    if ((e = folder(&dir)) == SP_OK) {
        buf_add(&whole, buf_view(&dir));
        buf_add_str(&whole, file_name);
        if ((e = buf_error(&whole)) == SP_OK)
            view_copy(path, room, buf_view(&whole));
    }
    buf_deinit(&whole);
    buf_deinit(&dir);
    return e;
}

static int not_kept(struct broker *b, const struct sp_why *why, const char *next)
{
    return command_fail(b->call, &(struct command_failure){.exit = EXIT_ERROR,
                                                           .code = "settings",
                                                           .what = "The session can't be kept.",
                                                           .why = why->text,
                                                           .next = next});
}

/* An empty file where the session will stand. */
static sp_error make_room(char *path, size_t room, struct sp_why *why)
{
    struct buf dir;
    sp_error e;

    buf_init(&dir, 4096);
    if ((e = folder(&dir)) == SP_OK && (e = bootstrap_path(path, room)) == SP_OK &&
        (e = file_make_dir(buf_cstr(&dir), why)) == SP_OK)
        e = file_write_secret(path, view_str(""), why);
    buf_deinit(&dir);
    return e;
}

static int take(struct broker *b, const struct json *answer, const char *path)
{
    const char *session = json_cstr(json_get(answer, "session"));
    struct sp_why why = {0};
    struct buf line;
    sp_error e;

    if (session == NULL)
        return command_fail(b->call,
                            &(struct command_failure){.exit = EXIT_UNREACHABLE,
                                                      .code = "unreachable",
                                                      .what = "The broker gave no session."});
    buf_init(&line, 256);
    buf_addf(&line, "%s\n", session);
    if ((e = buf_error(&line)) == SP_OK)
        e = file_write_secret(path, buf_view(&line), &why);
    buf_wipe(&line);
    buf_wipe(&b->authorization);
    buf_addf(&b->authorization, "Bearer %s", session);
    return e == SP_OK ? EXIT_OK : not_kept(b, &why, "sallyport-broker bootstrap makes another");
}

int bootstrap_spend(struct broker *b, char *path, size_t room)
{
    struct sp_why why = {0};
    struct json *answer = NULL, *q = json_object();
    int code;

    if (make_room(path, room, &why) != SP_OK) {
        json_free(q);
        return not_kept(b, &why, NULL);
    }
    json_set_str(q, "token", view_slice(buf_view(&b->authorization), BEARER, b->authorization.len));
    code = broker_call(
        b, &(struct broker_request){.method = METHOD_POST, .path = "/api/v1/bootstrap", .body = q},
        &answer, NULL);
    if (code == EXIT_OK)
        code = take(b, answer, path);
    else
        sp_ignore(file_remove(path, NULL)); /* it is empty */
    json_free(answer);
    return code;
}
