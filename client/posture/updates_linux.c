#include "client/posture/updates.h"

#include <stdio.h>
#include <string.h>

/*
 * Pending security updates, by a simulation of the package manager: no lock, no root, no network.
 * dist-upgrade and --ignore-hold, because `upgrade` keeps back exactly the kernel that has the
 * fix, and a held package is as vulnerable as any (C-019).
 */

static const char *const simulation[] = {
    "/usr/bin/apt-get", "-s",           "-q", "-o", "Debug::NoLocking=true",
    "--ignore-hold",    "dist-upgrade", NULL};
static const char apt_source[] = "apt-get -s dist-upgrade";
static const char lists[] = "/var/lib/apt/lists";

/*
 * The simulation takes seconds of a core, and the agent looks every minute: an answer counts while
 * nothing that apt reads has changed, for at most an hour (a file edited in place shows in no
 * folder). That a package came or went is in dpkg's log: its database is its own.
 */
static const char *const apt_reads[] = {"/usr/bin/apt-get",
                                        lists,
                                        "/var/log/dpkg.log",
                                        "/var/lib/apt/extended_states",
                                        "/etc/apt",
                                        "/etc/apt/sources.list",
                                        "/etc/apt/sources.list.d",
                                        "/etc/apt/preferences",
                                        "/etc/apt/preferences.d",
                                        "/etc/apt/apt.conf.d"};

enum {
    HOUR_MS = 3600 * 1000,
    DAY_MS = 24 * HOUR_MS,
    APT_READS = sizeof apt_reads / sizeof apt_reads[0]
};

struct simulated {
    char root[HOST_PATH_MAX];
    sp_unix_ms changed[APT_READS]; /* 0: not there */
    sp_unix_ms at;                 /* 0: never */
    int64_t count;
};

static bool has(struct view v, const char *word)
{
    return v.len >= strlen(word) && memmem(v.at, v.len, word, strlen(word)) != NULL;
}

/*
 * "Inst openssl [3.0.11] (3.0.15 Debian-Security:12/stable-security [amd64])": the last bracket
 * names version, then one or more origins LABEL:RELEASE/ARCHIVE, and the architecture.
 */
static bool from_security(struct view line)
{
    const uint8_t *open = memrchr(line.at, '(', line.len);

    if (open == NULL)
        return false;
    struct view origins = view_slice(line, (size_t)(open - line.at), line.len);
    return has(origins, "Debian-Security:") || has(origins, "-security ") ||
           has(origins, "-security,") || has(origins, "/security ");
}

/*
 * Counts; false when the text is not a whole simulation: its summary line in the C locale is the
 * proof that we read what we think we read (C-017).
 */
bool updates_count(struct view output, int64_t *count)
{
    struct view rest = output, line;
    bool summary = false;
    int64_t n = 0;

    while (host_next_line(&rest, &line)) {
        if (line.len > 5 && memcmp(line.at, "Inst ", 5) == 0 && from_security(line))
            n++;
        summary = summary || (has(line, " upgraded, ") && has(line, " newly installed, ") &&
                              has(line, " to remove and "));
    }
    if (summary)
        *count = n;
    return summary;
}

/* When the lists were last brought up to date; false: there are none. */
static bool lists_time(const struct host *h, sp_unix_ms *out)
{
    static struct host_names names; /* too large for a stack; one run at a time */
    sp_unix_ms stamp;
    bool any = false;

    sp_error e = host_list(h, lists, &names);

    /* SP_ERR_LIMIT: more lists than we look at, so there are some. */
    if ((e != SP_OK && e != SP_ERR_LIMIT) || host_mtime(h, lists, out) != SP_OK)
        return false;
    for (size_t i = 0; i < names.count; i++)
        any = any || strstr(names.at[i], "Release") != NULL ||
              strstr(names.at[i], "Packages") != NULL;
    if (!any)
        return false;
    if (host_mtime(h, "/var/lib/apt/periodic/update-success-stamp", &stamp) == SP_OK &&
        stamp > *out)
        *out = stamp;
    return true;
}

/* What the simulation would stand on now. */
static void stand_on(const struct host *h, struct simulated *out)
{
    *out = (struct simulated){.at = h->now};
    snprintf(out->root, sizeof out->root, "%s", h->root);
    for (size_t i = 0; i < APT_READS; i++)
        if (host_mtime(h, apt_reads[i], &out->changed[i]) != SP_OK)
            out->changed[i] = 0;
}

static bool still_counts(const struct simulated *then, const struct simulated *now)
{
    return then->at != 0 && now->at >= then->at && now->at - then->at < HOUR_MS &&
           strcmp(then->root, now->root) == 0 &&
           memcmp(then->changed, now->changed, sizeof now->changed) == 0;
}

/* Counts by a simulation. SP_ERR_MALFORMED: its output is not understood; errors of host_run. */
static sp_error simulate(const struct host *h, int64_t *count)
{
    struct buf output;

    buf_init(&output, HOST_OUTPUT_BYTES_MAX);
    sp_error e = host_run(h, simulation, false, &output);

    if (e == SP_OK && !updates_count(buf_view(&output), count))
        e = SP_ERR_MALFORMED;
    buf_deinit(&output);
    return e;
}

/* As simulate(), from the last answer where it still counts. */
static sp_error count_updates(const struct host *h, int64_t *count)
{
    static struct simulated last; /* one run at a time */
    struct simulated now;

    stand_on(h, &now);
    if (!still_counts(&last, &now)) {
        sp_error e = simulate(h, &now.count);

        if (e != SP_OK)
            return e;
        last = now;
    }
    *count = last.count;
    return SP_OK;
}

static void collect_apt(const struct host *h, struct signals *all)
{
    sp_unix_ms fetched;
    int64_t count;
    sp_error e;

    if (!lists_time(h, &fetched)) {
        signal_unknown(all, "security_updates", lists,
                       "no package lists: never fetched, or removed");
        signal_unknown(all, "updates_age", lists, "no package lists: never fetched, or removed");
        return;
    }
    int64_t days = (h->now - fetched) / DAY_MS;
    signal_number(all, "updates_age", lists, days < 0 ? 0 : days);

    e = count_updates(h, &count);
    if (e == SP_ERR_MALFORMED)
        signal_unknown(all, "security_updates", apt_source, "its output is not understood");
    else if (e != SP_OK)
        signal_unknown(all, "security_updates", apt_source, "the simulation failed: %s",
                       sp_error_text(e));
    else {
        signal_number(all, "security_updates", apt_source, count);
        signal_seen(all, "security_updates", "lists are %lld days old",
                    (long long)(days < 0 ? 0 : days));
    }
}

static void collect_reboot(const struct host *h, struct signals *all)
{
    static const char flag[] = "/run/reboot-required";

    /* Without a tool that writes the flag, its absence says nothing. */
    if (host_exists(h, flag) || host_exists(h, "/var/run/reboot-required"))
        signal_verdict(all, "reboot_required", false, flag, "an update waits for a restart");
    else if (host_exists(h, "/usr/share/update-notifier/notify-reboot-required") ||
             host_exists(h, "/etc/kernel/postinst.d/unattended-upgrades"))
        signal_verdict(all, "reboot_required", true, flag, "no restart is asked for");
    else
        signal_unknown(all, "reboot_required", flag, "nothing on this system would tell");
}

void collect_updates(const struct host *h, struct signals *all)
{
    if (host_exists(h, simulation[0])) {
        collect_apt(h, all);
    } else {
        signal_unknown(all, "security_updates", "package manager",
                       "no apt here; other package managers are not read yet");
        signal_unknown(all, "updates_age", "package manager",
                       "no apt here; other package managers are not read yet");
    }
    collect_reboot(h, all);
}
