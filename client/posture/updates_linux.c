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

enum { DAY_MS = 24 * 3600 * 1000 };

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

static void collect_apt(const struct host *h, struct signals *all)
{
    sp_unix_ms fetched;
    struct buf output;
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

    buf_init(&output, HOST_OUTPUT_BYTES_MAX);
    e = host_run(h, simulation, false, &output);
    if (e != SP_OK)
        signal_unknown(all, "security_updates", apt_source, "the simulation failed: %s",
                       sp_error_text(e));
    else if (!updates_count(buf_view(&output), &count))
        signal_unknown(all, "security_updates", apt_source, "its output is not understood");
    else {
        signal_number(all, "security_updates", apt_source, count);
        signal_seen(all, "security_updates", "lists are %lld days old",
                    (long long)(days < 0 ? 0 : days));
    }
    buf_deinit(&output);
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
