#include "client/login/browser.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const struct {
    const char *program, *verb; /* verb: an argument before the address, or NULL */
} openers[] = {{"xdg-open", NULL},
               {"gio", "open"},
               {"sensible-browser", NULL},
               {"x-www-browser", NULL},
               {"wslview", NULL}};

enum { OPENERS = sizeof openers / sizeof *openers, PATH_BYTES = 1024 };

const char *browser_getenv(const char *name)
{
    return getenv(name);
}

/* `name` on PATH, or itself when it is absolute; false: nowhere. */
static bool locate(const char *path, const char *name, size_t len, char out[PATH_BYTES])
{
    if (len == 0)
        return false;
    if (name[0] == '/') {
        int n = snprintf(out, PATH_BYTES, "%.*s", (int)len, name);
        return n > 0 && n < PATH_BYTES && access(out, X_OK) == 0;
    }
    for (const char *at = path == NULL ? "" : path; *at != '\0';) {
        size_t part = strcspn(at, ":");
        int n = snprintf(out, PATH_BYTES, "%.*s/%.*s", (int)part, at, (int)len, name);

        /* A relative part of PATH is never searched: it would be the current folder's program. */
        if (at[0] == '/' && n > 0 && n < PATH_BYTES && access(out, X_OK) == 0)
            return true;
        at += part + (at[part] == ':');
    }
    return false;
}

/* The opener into `program`, its verb into `*verb`. $BROWSER is a list of names; entries with
 * arguments or %s are for shells and are passed over. */
static bool find(const char *(*get)(const char *name), char program[PATH_BYTES], const char **verb)
{
    const char *path = get("PATH"), *list = get("BROWSER");

    *verb = NULL;
    for (const char *at = list == NULL ? "" : list; *at != '\0';) {
        size_t len = strcspn(at, ":");

        if (memchr(at, ' ', len) == NULL && memchr(at, '%', len) == NULL &&
            locate(path, at, len, program))
            return true;
        at += len + (at[len] == ':');
    }
    for (size_t i = 0; i < OPENERS; i++)
        if (locate(path, openers[i].program, strlen(openers[i].program), program)) {
            *verb = openers[i].verb;
            return true;
        }
    return false;
}

static bool set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

enum browser_advice browser_advise(const char *(*get)(const char *name), uid_t uid)
{
    char program[PATH_BYTES];
    const char *verb;

    if (uid == 0 || set(get("SUDO_UID")))
        return BROWSER_ROOT;
    if (!set(get("DISPLAY")) && !set(get("WAYLAND_DISPLAY")) && !set(get("BROWSER")) &&
        !set(get("WSL_DISTRO_NAME")))
        return BROWSER_NONE;
    return find(get, program, &verb) ? BROWSER_TRY : BROWSER_NONE;
}

static bool may_open(const char *url)
{
    for (const char *p = url; *p != '\0'; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
            return false;
    return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://127.0.0.1:", 17) == 0;
}

sp_error browser_open(const char *url, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char program[PATH_BYTES], address[4096];
    const char *verb;
    char *argv[4] = {0};
    size_t n = 0;
    int error;

    if (!may_open(url) || strlen(url) >= sizeof address)
        return SP_ERR_INVALID;
    if (!find(browser_getenv, program, &verb))
        return SP_ERR_NOT_FOUND;
    snprintf(address, sizeof address, "%s", url);
    argv[n++] = program;
    if (verb != NULL)
        argv[n++] = (char[]){"open"};
    argv[n] = address;

    if (posix_spawn_file_actions_init(&files) != 0)
        return SP_ERR_IO;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return SP_ERR_IO;
    }
    error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
    error = error != 0 ? error : posix_spawn_file_actions_adddup2(&files, 0, 1);
    error = error != 0 ? error : posix_spawn_file_actions_adddup2(&files, 0, 2);
    error = error != 0 ? error : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    error = error != 0 ? error : posix_spawn(pid, program, &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error == 0 ? SP_OK : SP_ERR_IO;
}

bool browser_failed(pid_t *pid)
{
    int status;
    pid_t done;

    if (*pid <= 0)
        return false;
    do {
        done = waitpid(*pid, &status, WNOHANG);
    } while (done < 0 && errno == EINTR);
    if (done == 0)
        return false;
    *pid = 0;
    return done < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}
