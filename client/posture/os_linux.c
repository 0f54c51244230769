#include "client/posture/host.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/*
 * End of security support by (ID, first version part or whole version), from the distributions'
 * own calendars as known at the release of this program. Debian: end of LTS.
 */
static const struct {
    const char *id, *version;
    sp_unix_ms until;
} support[] = {
    {"debian", "10", 1719705600000},    /* 2024-06-30 */
    {"debian", "11", 1788134400000},    /* 2026-08-31 */
    {"debian", "12", 1845936000000},    /* 2028-06-30 */
    {"debian", "13", 1909008000000},    /* 2030-06-30 */
    {"ubuntu", "18.04", 1685491200000}, /* 2023-05-31 */
    {"ubuntu", "20.04", 1748649600000}, /* 2025-05-31 */
    {"ubuntu", "22.04", 1811721600000}, /* 2027-05-31 */
    {"ubuntu", "24.04", 1874880000000}, /* 2029-05-31 */
    {"fedora", "41", 1765756800000},    /* 2025-12-15 */
    {"fedora", "42", 1778630400000},    /* 2026-05-13 */
    {"fedora", "43", 1796083200000},    /* 2026-12-01 */
    {"rhel", "8", 1874880000000},       /* 2029-05-31 */
    {"rhel", "9", 1969574400000},       /* 2032-05-31 */
    {"rhel", "10", 2064182400000},      /* 2035-05-31 */
    {"almalinux", "8", 1874880000000},  {"almalinux", "9", 1969574400000},
    {"almalinux", "10", 2064182400000}, {"rocky", "8", 1874880000000},
    {"rocky", "9", 1969574400000},      {"rocky", "10", 2064182400000},
};

static const char source[] = "/etc/os-release";

static bool same_release(const char *version, const char *row)
{
    size_t len = strlen(row);

    return strncmp(version, row, len) == 0 && (version[len] == '\0' || version[len] == '.');
}

static void judge_support(const struct host *h, struct signals *all, const char *id,
                          const char *version)
{
    for (size_t i = 0; i < sizeof support / sizeof *support; i++)
        if (strcmp(support[i].id, id) == 0 && same_release(version, support[i].version)) {
            bool pass = h->now < support[i].until;
            signal_verdict(all, "os_supported", pass, source, "security support %s %.10s",
                           pass ? "until" : "ended", clock_text(support[i].until).s);
            return;
        }
    signal_unknown(all, "os_supported", source, "%s %s is not in the end-of-life table", id,
                   version);
}

/* The machine below a container is not what its os-release tells. */
static const char *container(const struct host *h)
{
    static const struct {
        const char *path, *name;
    } marks[] = {{"/.dockerenv", "Docker"},
                 {"/run/.containerenv", "Podman"},
                 {"/run/systemd/container", "a container"}};

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (host_exists(h, marks[i].path))
            return marks[i].name;
    return NULL;
}

static void no_version(const struct host *h, struct signals *all, const char *id, const char *build)
{
    bool rolling = strcmp(build, "rolling") == 0 || strcmp(id, "arch") == 0 ||
                   strcmp(id, "gentoo") == 0 || strcmp(id, "void") == 0 ||
                   strcmp(id, "opensuse-tumbleweed") == 0 || strcmp(id, "debian") == 0;

    (void)h;
    signal_unknown(all, "os_version", source, "%s",
                   rolling ? "rolling release: it has no version" : "no VERSION_ID");
    signal_unknown(all, "os_supported", source, "%s",
                   rolling ? "rolling release: judge it by the age of its updates"
                           : "no VERSION_ID");
}

void collect_os(const struct host *h, struct signals *all)
{
    static const char *const names[] = {"os", "os_version", "os_supported"};
    char id[64], version[64], build[64] = "";
    const char *inside = container(h);
    struct buf file;
    sp_error e;

    buf_init(&file, HOST_FILE_BYTES_MAX);
    if ((e = host_read(h, source, &file)) != SP_OK)
        e = host_read(h, "/usr/lib/os-release", &file);
    if (e != SP_OK) {
        for (size_t i = 0; i < 3; i++)
            signal_unknown(all, names[i], source, "can't be read: %s", sp_error_text(e));
        buf_deinit(&file);
        return;
    }
    /* os-release(5): ID defaults to "linux". */
    if (host_assigned(buf_view(&file), "ID", id, sizeof id) != SP_OK || id[0] == '\0')
        snprintf(id, sizeof id, "linux");
    sp_ignore(host_assigned(buf_view(&file), "BUILD_ID", build, sizeof build)); /* optional */
    signal_text(all, "os", source, "%s%s%s", id, inside == NULL ? "" : " in ",
                inside == NULL ? "" : inside);
    e = host_assigned(buf_view(&file), "VERSION_ID", version, sizeof version);
    if (e != SP_OK || version[0] == '\0') {
        no_version(h, all, id, build);
    } else {
        signal_text(all, "os_version", source, "%s", version);
        judge_support(h, all, id, version);
    }
    buf_deinit(&file);
}

static void collect_lsm(const struct host *h, struct signals *all)
{
    char word[32];
    bool selinux = host_line(h, "/sys/fs/selinux/enforce", word, sizeof word) == SP_OK;

    if (selinux) {
        signal_verdict(all, "lsm", word[0] == '1', "/sys/fs/selinux/enforce", "SELinux %s",
                       word[0] == '1' ? "enforces" : "is permissive");
        signal_seen(all, "lsm", "selinux");
    } else if (host_line(h, "/sys/module/apparmor/parameters/enabled", word, sizeof word) ==
               SP_OK) {
        signal_verdict(all, "lsm", word[0] == 'Y', "/sys/module/apparmor/parameters/enabled",
                       "AppArmor is %s", word[0] == 'Y' ? "on" : "off");
        signal_seen(all, "lsm", "apparmor");
    } else {
        signal_unknown(all, "lsm", "/sys", "neither SELinux nor AppArmor shows itself");
    }
}

void collect_kernel(const struct host *h, struct signals *all)
{
    struct utsname name;
    char release[sizeof name.release], lock[64];

    /* A fixture says what uname(2) would: the file has the same text on a real machine. */
    if (host_line(h, "/proc/sys/kernel/osrelease", release, sizeof release) == SP_OK &&
        release[0] != '\0')
        signal_text(all, "kernel", "/proc/sys/kernel/osrelease", "%s", release);
    else if (!h->fixture && uname(&name) == 0)
        signal_text(all, "kernel", "uname(2)", "%s", name.release);
    else
        signal_unknown(all, "kernel", "/proc/sys/kernel/osrelease", "can't be read");

    if (host_line(h, "/sys/kernel/security/lockdown", lock, sizeof lock) == SP_OK) {
        bool pass =
            strstr(lock, "[integrity]") != NULL || strstr(lock, "[confidentiality]") != NULL;
        signal_verdict(all, "kernel_lockdown", pass, "/sys/kernel/security/lockdown", "%s", lock);
    } else {
        signal_unknown(all, "kernel_lockdown", "/sys/kernel/security/lockdown",
                       "this kernel does not show it");
    }
    collect_lsm(h, all);
}
