#include "client/posture/host.h"

#include "lib/base/num.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * gsettings prints the schema's default `true` on a machine where nobody ever had a desktop: a
 * default is no fact. So first a graphical session of this user must exist, then its desktop's
 * settings count.
 */

static sp_error run_line(const struct host *h, const char *const argv[], bool bus, char *out,
                         size_t size)
{
    struct view rest, line = {0};
    struct buf b;
    sp_error e;

    buf_init(&b, 16 * 1024);
    e = host_run(h, argv, bus, &b);
    rest = buf_view(&b);
    if (e == SP_OK && !host_next_line(&rest, &line))
        e = SP_ERR_NOT_FOUND;
    if (e == SP_OK && line.len >= size)
        e = SP_ERR_LIMIT;
    if (e == SP_OK)
        snprintf(out, size, "%.*s", VIEW_ARG(line));
    buf_deinit(&b);
    return e;
}

static bool session_is_graphical(const struct host *h, const char *id, char *desktop, size_t size)
{
    const char *argv[] = {"/usr/bin/loginctl",
                          "show-session",
                          id,
                          "-p",
                          "Type",
                          "-p",
                          "Class",
                          "-p",
                          "Desktop",
                          NULL};
    char type[32] = "", class[32] = "", name[64] = "";
    struct buf b;
    bool graphical;

    buf_init(&b, 16 * 1024);
    if (host_run(h, argv, false, &b) == SP_OK) {
        sp_ignore(host_assigned(buf_view(&b), "Type", type, sizeof type));
        sp_ignore(host_assigned(buf_view(&b), "Class", class, sizeof class));
        sp_ignore(host_assigned(buf_view(&b), "Desktop", name, sizeof name));
    }
    buf_deinit(&b);
    graphical =
        strcmp(class, "user") == 0 &&
        (strcmp(type, "x11") == 0 || strcmp(type, "wayland") == 0 || strcmp(type, "mir") == 0);
    if (graphical)
        snprintf(desktop, size, "%s", name);
    return graphical;
}

/* The desktop's name of this user's graphical session into `desktop` ("" when it has none).
 *   SP_ERR_UNKNOWN    logind does not answer
 *   SP_ERR_NOT_FOUND  no graphical session */
static sp_error graphical_session(const struct host *h, char *desktop, size_t size)
{
    char uid[24], sessions[512], *save = NULL;
    const char *argv[] = {"/usr/bin/loginctl", "show-user", uid, "-p", "Sessions", "--value", NULL};

    snprintf(uid, sizeof uid, "%u", getuid());
    if (run_line(h, argv, false, sessions, sizeof sessions) != SP_OK)
        return SP_ERR_UNKNOWN;
    for (char *id = strtok_r(sessions, " ", &save); id != NULL; id = strtok_r(NULL, " ", &save))
        if (session_is_graphical(h, id, desktop, size))
            return SP_OK;
    return SP_ERR_NOT_FOUND;
}

static void judge(struct signals *all, const char *source, const char *desktop, bool locks,
                  int64_t idle_s, int64_t delay_s)
{
    if (!locks || idle_s <= 0) {
        signal_verdict(all, "screen_lock", false, source, "%s never locks by itself (%s)", desktop,
                       !locks ? "locking is off" : "idle delay is 0");
        signal_unknown(all, "screen_lock_after", source, "it never locks");
    } else {
        signal_verdict(all, "screen_lock", true, source, "%s locks after %lld s", desktop,
                       (long long)num_add_sat(idle_s, delay_s));
        signal_number(all, "screen_lock_after", source, num_add_sat(idle_s, delay_s));
    }
    signal_seen(all, "screen_lock", "%s", desktop);
}

/* "uint32 300" or "300". */
static bool gnome_number(const char *text, int64_t *out)
{
    const char *digits = strncmp(text, "uint32 ", 7) == 0 ? text + 7 : text;

    return num_int(view_str(digits), 0, INT32_MAX, out) == SP_OK;
}

static void judge_gnome(const struct host *h, struct signals *all)
{
    static const char source[] = "gsettings org.gnome.desktop";
    static const char *const enabled[] = {"/usr/bin/gsettings", "get",
                                          "org.gnome.desktop.screensaver", "lock-enabled", NULL};
    static const char *const delay[] = {"/usr/bin/gsettings", "get",
                                        "org.gnome.desktop.screensaver", "lock-delay", NULL};
    static const char *const idle[] = {"/usr/bin/gsettings", "get", "org.gnome.desktop.session",
                                       "idle-delay", NULL};
    char lock[32], wait[32], after[32];
    int64_t delay_s, idle_s;

    if (run_line(h, enabled, true, lock, sizeof lock) != SP_OK ||
        run_line(h, delay, true, wait, sizeof wait) != SP_OK ||
        run_line(h, idle, true, after, sizeof after) != SP_OK || !gnome_number(wait, &delay_s) ||
        !gnome_number(after, &idle_s) ||
        (strcmp(lock, "true") != 0 && strcmp(lock, "false") != 0)) {
        signal_unknown(all, "screen_lock", source, "the desktop's settings can't be read");
        signal_unknown(all, "screen_lock_after", source, "the desktop's settings can't be read");
        return;
    }
    judge(all, source, "GNOME", strcmp(lock, "true") == 0, idle_s, delay_s);
}

/* kscreenlockerrc holds only what differs from Plasma's defaults: locks after 5 min. */
static void judge_kde(const struct host *h, struct signals *all)
{
    static const char name[] = ".config/kscreenlockerrc";
    char path[HOST_PATH_MAX], text[32];
    struct buf file;
    bool locks = true;
    int64_t minutes = 5, grace = 5;
    sp_error e;

    buf_init(&file, HOST_FILE_BYTES_MAX);
    snprintf(path, sizeof path, "%s/%s", h->home, name);
    e = host_read(h, path, &file);
    if (e != SP_OK && e != SP_ERR_NOT_FOUND) {
        signal_unknown(all, "screen_lock", name, "can't be read: %s", sp_error_text(e));
        signal_unknown(all, "screen_lock_after", name, "can't be read: %s", sp_error_text(e));
        buf_deinit(&file);
        return;
    }
    struct view v = buf_view(&file);
    if (host_ini(v, "Daemon", "Autolock", text, sizeof text) == SP_OK)
        locks = strcmp(text, "true") == 0;
    if (host_ini(v, "Daemon", "Timeout", text, sizeof text) == SP_OK &&
        num_int(view_str(text), 0, 100000, &minutes) != SP_OK)
        minutes = 0;
    if (host_ini(v, "Daemon", "LockGrace", text, sizeof text) == SP_OK &&
        num_int(view_str(text), 0, 100000, &grace) != SP_OK)
        grace = 0;
    buf_deinit(&file);
    judge(all, "~/.config/kscreenlockerrc", "Plasma", locks, minutes * 60, grace);
}

void collect_screenlock(const struct host *h, struct signals *all)
{
    char desktop[64] = "", lower[64] = "";
    sp_error e = graphical_session(h, desktop, sizeof desktop);

    if (e != SP_OK) {
        const char *reason = e == SP_ERR_NOT_FOUND ? "no desktop login" : "logind does not answer";
        signal_unknown(all, "screen_lock", "loginctl", "%s", reason);
        signal_unknown(all, "screen_lock_after", "loginctl", "%s", reason);
        return;
    }
    for (size_t i = 0; desktop[i] != '\0'; i++)
        lower[i] = (char)(desktop[i] >= 'A' && desktop[i] <= 'Z' ? desktop[i] + 32 : desktop[i]);
    if (strstr(lower, "kde") != NULL || strstr(lower, "plasma") != NULL)
        judge_kde(h, all);
    else if (strstr(lower, "gnome") != NULL || strstr(lower, "ubuntu") != NULL ||
             strstr(lower, "unity") != NULL)
        judge_gnome(h, all);
    else {
        signal_unknown(all, "screen_lock", "loginctl", "desktop \"%s\" is not known here", desktop);
        signal_unknown(all, "screen_lock_after", "loginctl", "desktop \"%s\" is not known here",
                       desktop);
    }
}
