#include "client/posture/collect.h"

#include "client/posture/host.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Every signal once, in the order in which people read them. */
static const struct posture_field fields[] = {
    {"os", "System", "/etc/os-release: ID", "rules by distribution", NULL, NULL},
    {"os_version", "System version", "/etc/os-release: VERSION_ID, BUILD_ID",
     "rules by version; unknown on rolling releases", NULL, NULL},
    {"os_supported", "System still gets fixes",
     "/etc/os-release and the end-of-life table of this program", "systems without updates", NULL,
     "Upgrade the system to a version that still gets fixes."},
    {"kernel", "Kernel", "uname(2): release", "rules by kernel version", NULL, NULL},
    {"kernel_lockdown", "Kernel lockdown", "/sys/kernel/security/lockdown", "hardened machines",
     NULL, NULL},
    {"lsm", "Mandatory access control",
     "/sys/fs/selinux/enforce, /sys/module/apparmor/parameters/enabled", "hardened machines", NULL,
     "Turn AppArmor or SELinux on."},
    {"security_updates", "Pending security updates",
     "apt-get -s dist-upgrade, held packages included", "machines that fall behind", "packages",
     "Install the pending updates."},
    {"updates_age", "Age of the package lists", "/var/lib/apt/lists: modification time",
     "whether the number above means anything", "days", "Refresh the package lists."},
    {"reboot_required", "Restart after updates", "/run/reboot-required",
     "updates that are installed but not running", NULL, "Restart the machine."},
    {"disk_encryption", "Disk encryption",
     "/proc/self/mountinfo, /proc/swaps, /sys/dev/block, DMI vendor",
     "root, home and swap unreadable for a thief", NULL,
     "Encrypt root, home and swap, or use a machine where they are."},
    {"firewall", "Firewall",
     "/etc/ufw, /etc/firewalld, unit states; the rules themselves where this program may see them",
     "whether unsolicited inbound traffic is dropped", NULL,
     "Turn the firewall on, with unsolicited inbound traffic dropped."},
    {"screen_lock", "Screen lock",
     "logind sessions of this user; GNOME or KDE settings of the desktop session",
     "an unattended screen", NULL, "Turn the screen lock of your desktop on."},
    {"screen_lock_after", "Screen locks after", "as screen_lock", "rules by delay", "seconds",
     "Let the screen lock sooner."},
    {"secure_boot", "Secure boot", "/sys/firmware/efi/efivars: SecureBoot, SetupMode",
     "a boot chain that was tampered with", NULL, "Turn secure boot on in the firmware."},
    {"tpm", "TPM", "/sys/class/tpm/tpm0/tpm_version_major", "where a hardware key could live", NULL,
     NULL},
    {"device_key", "Device key", "the agent's own state", "software or hardware keys", NULL, NULL},
    {"serial", "Serial number", "/sys/class/dmi/id (mostly readable by root only)",
     "joins with a device inventory", NULL, NULL},
    {"machine", "Machine", "/etc/machine-id, hashed", "cloned images are noticed", NULL, NULL},
    {"agent_version", "Agent version", "this program", "rules by version", NULL,
     "Upgrade Sallyport on this machine."},
};

enum { FIELDS = sizeof fields / sizeof *fields };
_Static_assert((int)FIELDS <= (int)SIGNALS_MAX, "struct signals holds every field");

static void (*const collectors[])(const struct host *h, struct signals *all) = {
    collect_os,         collect_kernel,     collect_updates,  collect_disk, collect_firewall,
    collect_screenlock, collect_secureboot, collect_hardware, collect_agent};

const struct posture_field *posture_field(size_t index)
{
    return index < FIELDS ? &fields[index] : NULL;
}

static const char *home_of_user(void)
{
    const char *home = getenv("HOME");
    const struct passwd *pw;

    if (home != NULL && home[0] == '/')
        return home;
    pw = getpwuid(getuid());
    return pw == NULL ? "" : pw->pw_dir;
}

static void mark_fixture(struct signals *out)
{
    for (size_t i = 0; i < out->count; i++) {
        char marked[SIGNAL_SOURCE_MAX + 16];

        snprintf(marked, sizeof marked, "fixture %s", out->at[i].source);
        snprintf(out->at[i].source, SIGNAL_SOURCE_MAX, "%.*s", SIGNAL_SOURCE_MAX - 1, marked);
    }
}

void posture_collect(const struct posture_ask *ask, struct signals *out)
{
    const char *root = ask->root != NULL ? ask->root : getenv("SALLYPORT_POSTURE_ROOT");
    struct host h = {.root = root == NULL || strcmp(root, "/") == 0 ? "" : root,
                     .home = ask->home != NULL ? ask->home : home_of_user(),
                     .version = ask->version,
                     .key = ask->key,
                     .stop = ask->stop,
                     .now = clock_unix()};

    h.fixture = h.root[0] != '\0';
    memset(out, 0, sizeof *out);
    out->count = FIELDS;
    for (size_t i = 0; i < FIELDS; i++) {
        out->at[i].name = fields[i].name;
        out->at[i].observed = h.now;
        snprintf(out->at[i].reason, SIGNAL_REASON_MAX, "not collected on this system");
    }
    for (size_t i = 0; i < sizeof collectors / sizeof *collectors; i++)
        collectors[i](&h, out);
    if (h.fixture)
        mark_fixture(out);
}

bool posture_changed(const struct signals *before, const struct signals *now)
{
    if (before->count != now->count)
        return true;
    for (size_t i = 0; i < now->count; i++) {
        const struct signal *a = &before->at[i], *b = &now->at[i];

        if (a->state != b->state || a->number != b->number || strcmp(a->text, b->text) != 0)
            return true;
    }
    return false;
}
