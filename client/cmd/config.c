/* config: the files by which other programs find apps: ssh's, a browser's, kubectl's. Each can be
 * taken away again. */
#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"
#include "lib/os/file.h"
#include "lib/os/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_PATH_MAX = 1200, CONFIG_BYTES_MAX = 1024 * 1024 };

/* ---- ssh --------------------------------------------------------------------------------- */

/* ~/.ssh/config without our line; gone when nothing else was in it. */
static sp_error drop_include(const char *file, struct buf *whole, const char *include,
                             struct sp_why *why)
{
    const uint8_t *at =
        whole->len == 0 ? NULL : memmem(whole->at, whole->len, include, strlen(include));
    size_t before = at == NULL ? 0 : (size_t)(at - whole->at), len = strlen(include);

    if (at == NULL)
        return SP_OK;
    memmove(whole->at + before, whole->at + before + len, whole->len - before - len);
    whole->len -= len;
    return whole->len == 0 ? file_remove(file, why) : file_write(file, buf_view(whole), 0600, why);
}

static sp_error ssh_undo(const char *part, const char *folder, const char *main_file,
                         const char *include, struct buf *whole, struct sp_why *why)
{
    sp_error e = file_remove(part, why);

    if (e == SP_OK || e == SP_ERR_NOT_FOUND)
        e = drop_include(main_file, whole, include, why);
    sp_ignore(rmdir(folder) == 0 ? SP_OK : SP_ERR_IO); /* others' parts may be there */
    return e;
}

static sp_error ssh(bool undo, const char *home, char part[CONFIG_PATH_MAX], struct sp_why *why)
{
    static const char include[] = "Include config.d/sallyport\n";
    char self[4096], folder[1024], main_file[1024];
    struct buf text, whole;
    sp_error e;

    if (!talk_self(self))
        return sp_why_say(why, SP_ERR_INVALID, "the path of this program means more to a shell");
    buf_init(&text, CONFIG_BYTES_MAX + 64);
    buf_init(&whole, CONFIG_BYTES_MAX);
    snprintf(folder, sizeof folder, "%s/.ssh/config.d", home);
    snprintf(part, CONFIG_PATH_MAX, "%s/sallyport", folder);
    snprintf(main_file, sizeof main_file, "%s/.ssh/config", home);
    buf_addf(&text, "Host *.sallyport.internal\n    ProxyCommand %s connect --stdio %%h %%p\n",
             self);
    e = file_read(main_file, CONFIG_BYTES_MAX, &whole, why);
    if (e == SP_ERR_NOT_FOUND)
        e = SP_OK;
    bool has = whole.len > 0 && memmem(whole.at, whole.len, include, strlen(include)) != NULL;
    if (e == SP_OK && undo) {
        e = ssh_undo(part, folder, main_file, include, &whole, why);
    } else if (e == SP_OK && (e = file_make_dir(folder, why)) == SP_OK &&
               (e = file_write(part, buf_view(&text), 0600, why)) == SP_OK && !has) {
        buf_reset(&text);
        buf_add_str(&text, include); /* first: an Include after a Host line is scoped to it */
        if ((e = buf_append(&text, buf_view(&whole))) == SP_OK)
            e = file_write(main_file, buf_view(&text), 0600, why);
    }
    buf_deinit(&text);
    buf_deinit(&whole);
    return e;
}

/* ---- one file of our own ------------------------------------------------------------------ */

static sp_error put(bool undo, const char *folder, const char *path, const struct buf *text,
                    struct sp_why *why)
{
    sp_error e;

    if (undo) {
        e = file_remove(path, why);
        sp_ignore(rmdir(folder) == 0 ? SP_OK : SP_ERR_IO); /* other files may be there */
        return e == SP_ERR_NOT_FOUND ? SP_OK : e;
    }
    if ((e = file_make_dir(folder, why)) == SP_OK)
        e = file_write(path, buf_view(text), 0600, why);
    return e;
}

static sp_error pac(const struct command_call *call, const char *home, const char *address,
                    char path[CONFIG_PATH_MAX], struct sp_why *why)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    char folder[1024];
    struct buf text;
    sp_error e;

    if (base != NULL && base[0] == '/')
        snprintf(folder, sizeof folder, "%s/sallyport", base);
    else
        snprintf(folder, sizeof folder, "%s/.config/sallyport", home);
    snprintf(path, CONFIG_PATH_MAX, "%s/proxy.pac", folder);
    buf_init(&text, 4096);
    proxy_pac(address, &text);
    e = put(command_given(call, "undo"), folder, path, &text, why);
    buf_deinit(&text);
    return e;
}

/* A context of its own, beside the person's: names are resolved at the far end, and who one is
 * there stays with the user entry of ~/.kube/config that --user names. */
static sp_error kube(const struct command_call *call, const char *home, const char *address,
                     char path[CONFIG_PATH_MAX], struct sp_why *why)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const char *app = call->count > 1 ? call->args[1] : "", *user = command_value(call, "user");
    char folder[1024];
    struct buf text;
    sp_error e;

    user = user != NULL ? user : app;
    if (app[0] == '\0' || app[0] == '.' || strlen(app) > 63 || strspn(app, safe) != strlen(app) ||
        strlen(user) > 63 || strspn(user, safe) != strlen(user))
        return sp_why_say(why, SP_ERR_INVALID,
                          "config kube needs the name of an app: letters, digits, '.', '_', '-'");
    snprintf(folder, sizeof folder, "%s/.kube", home);
    snprintf(path, CONFIG_PATH_MAX, "%s/sallyport-%s.yaml", folder, app);
    buf_init(&text, 4096);
    buf_addf(&text,
             "apiVersion: v1\nkind: Config\n"
             "clusters:\n  - name: sallyport-%s\n    cluster:\n"
             "      server: https://%s.sallyport.internal\n      proxy-url: socks5://%s\n"
             "contexts:\n  - name: sallyport-%s\n    context:\n"
             "      cluster: sallyport-%s\n      user: \"%s\"\n"
             "current-context: sallyport-%s\n",
             app, app, address, app, app, user, app);
    e = put(command_given(call, "undo"), folder, path, &text, why);
    buf_deinit(&text);
    return e;
}

/* ---- the command -------------------------------------------------------------------------- */

static void say_next(const struct command_call *call, const char *path)
{
    const char *what = call->args[0];

    printf("%s\n", path);
    if (command_given(call, "undo"))
        fputs("Gone.\n", stderr);
    else if (strcmp(what, "pac") == 0)
        fprintf(stderr, "Name it in the browser as file://%s, and run: sallyport proxy\n", path);
    else if (strcmp(what, "kube") == 0)
        fprintf(stderr,
                "Next: sallyport proxy, and\n      KUBECONFIG=%s:~/.kube/config kubectl …\n", path);
    if (!command_given(call, "undo"))
        printf("Undo: sallyport config %s%s%s --undo\n", what, call->count > 1 ? " " : "",
               call->count > 1 ? call->args[1] : "");
}

int cmd_config(const struct command_call *call)
{
    const char *home = getenv("HOME"), *what = call->args[0],
               *listen = command_value(call, "listen");
    char path[CONFIG_PATH_MAX] = "";
    struct sp_why why = {0};
    struct settings settings;
    struct address at;
    int code = talk_settings(call, &settings);
    sp_error e;

    if (code != EXIT_OK)
        return code;
    if (listen == NULL)
        listen = settings_value(&settings, SETTING_LISTEN);
    if (home == NULL || home[0] != '/' || strlen(home) > 900)
        e = sp_why_say(&why, SP_ERR_INVALID, "HOME names no folder");
    else if (address_parse(view_str(listen), &at) != SP_OK ||
             address_class(&at) != ADDRESS_LOOPBACK)
        e = sp_why_say(&why, SP_ERR_INVALID, "--listen needs a loopback ADDRESS:PORT");
    else if (strcmp(what, "ssh") == 0)
        e = ssh(command_given(call, "undo"), home, path, &why);
    else if (strcmp(what, "pac") == 0)
        e = pac(call, home, listen, path, &why);
    else if (strcmp(what, "kube") == 0)
        e = kube(call, home, listen, path, &why);
    else
        e = sp_why_say(&why, SP_ERR_INVALID, "config writes ssh, pac or kube");
    if (e != SP_OK)
        return command_fail(
            call, &(struct command_failure){.exit = e == SP_ERR_INVALID ? EXIT_USAGE : EXIT_ERROR,
                                            .code = "config",
                                            .what = "The configuration was not written.",
                                            .why = why.text,
                                            .next = "sallyport help config"});
    if (call->json) {
        struct json *j = json_object();

        json_set_cstr(j, "file", path);
        return command_json("config", j);
    }
    say_next(call, path);
    return EXIT_OK;
}
