/* The collectors against fixture trees, each made in a folder of its own under $TMPDIR. */
#include "client/posture/collect.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];
static struct signals seen;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/sp-posture.XXXXXX");
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int drop_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void full(char out[512], const char *path)
{
    snprintf(out, 512, "%s%s", root, path);
    for (char *slash = strchr(out + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(out, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
}

static void put(const char *path, const char *text)
{
    char name[512];
    FILE *f;

    full(name, path);
    f = fopen(name, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void put_bytes(const char *path, const char *bytes, size_t len)
{
    char name[512];
    FILE *f;

    full(name, path);
    f = fopen(name, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    fclose(f);
}

/* A program of the fixture: a shell script. */
static void program(const char *path, const char *script)
{
    char name[512], text[4096];

    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
    put(path, text);
    full(name, path);
    assert_int_equal(chmod(name, 0755), 0);
}

static void link_to(const char *path, const char *target)
{
    char name[512];

    full(name, path);
    assert_int_equal(symlink(target, name), 0);
}

static void folder(const char *path)
{
    char name[512];

    full(name, path);
    assert_true(mkdir(name, 0755) == 0 || errno == EEXIST);
}

static void age(const char *path, int days)
{
    char name[512];
    struct timeval t[2] = {{time(NULL) - days * 86400L, 0}, {time(NULL) - days * 86400L, 0}};

    full(name, path);
    assert_int_equal(utimes(name, t), 0);
}

static const struct signal *collect(const char *name)
{
    posture_collect(
        &(struct posture_ask){
            .root = root, .home = "/home/anna", .version = "0.1.0", .key = "software"},
        &seen);
    const struct signal *s = signals_find(&seen, name);
    assert_non_null(s);
    return s;
}

static void assert_state(const struct signal *s, enum signal_state state, const char *word)
{
    if (s->state != state ||
        (word != NULL && strstr(s->reason, word) == NULL && strstr(s->text, word) == NULL))
        fail_msg("%s: %s, text \"%s\", reason \"%s\"; wanted %s with \"%s\"", s->name,
                 signal_state_text(s->state), s->text, s->reason, signal_state_text(state),
                 word == NULL ? "" : word);
}

/* ---- C-015 ---- */

static void disks_of_c015(void)
{
    put("/proc/self/mountinfo",
        "29 1 253:1 / / rw,relatime shared:1 - ext4 /dev/mapper/vg0-root rw,errors=remount-ro\n");
    put("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
    put("/sys/dev/block/253:1/dm/uuid",
        "LVM-q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c2v3b4n5m6q7w8e9r0t1y2\n");
    link_to("/sys/dev/block/253:1/slaves/dm-0", "../../253:0");
    put("/sys/dev/block/253:0/dm/uuid",
        "CRYPT-LUKS2-0f1e2d3c4b5a69788796a5b4c3d2e1f0-dm_crypt-0\n");
    put("/sys/dev/block/253:0/uevent", "MAJOR=253\nMINOR=0\nDEVNAME=dm-0\nDEVTYPE=disk\n");
    link_to("/sys/dev/block/253:0/slaves/nvme0n1p3", "../../259:3");
    put("/sys/dev/block/259:3/partition", "3\n");
}

static void C_015_root_on_lvm_on_luks_is_encrypted(void **state)
{
    (void)state;
    disks_of_c015();
    assert_state(collect("disk_encryption"), SEEN_PASS, "LUKS2 (dm-0)");
    assert_true(strncmp(signals_find(&seen, "disk_encryption")->source, "fixture ", 8) == 0);
}

static void C_015_one_plain_path_down_is_not_encrypted(void **state)
{
    (void)state;
    disks_of_c015();
    link_to("/sys/dev/block/253:1/slaves/sdb1", "../../8:17");
    put("/sys/dev/block/8:17/uevent", "DEVNAME=sdb1\n");
    assert_state(collect("disk_encryption"), SEEN_FAIL, "sdb1 is not encrypted");
}

static void a_luks_device_beside_a_plain_root_is_no_proof(void **state)
{
    (void)state;
    disks_of_c015();
    put("/proc/self/mountinfo", "29 1 8:2 / / rw - ext4 /dev/sda2 rw\n"
                                "30 29 253:1 / /srv rw - ext4 /dev/mapper/vg0-root rw\n");
    put("/sys/dev/block/8:2/uevent", "DEVNAME=sda2\n");
    assert_state(collect("disk_encryption"), SEEN_FAIL, "sda2");
}

static void a_virtual_disk_is_unknown(void **state)
{
    (void)state;
    put("/proc/self/mountinfo", "29 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
    put("/proc/swaps", "Filename\n");
    put("/sys/dev/block/254:1/uevent", "DEVNAME=vda1\n");
    assert_state(collect("disk_encryption"), SEEN_UNKNOWN, "virtual disk vda1");
}

static void plain_swap_home_or_btrfs_member_decides(void **state)
{
    (void)state;
    disks_of_c015();
    put("/sys/class/block/sda3/uevent", "DEVNAME=sda3\n");
    put("/proc/swaps", "Filename\tType\n/dev/sda3                partition\t1\t0\t-2\n");
    assert_state(collect("disk_encryption"), SEEN_FAIL, "sda3 is not encrypted");

    put("/proc/swaps", "Filename\tType\n/dev/zram0 partition\t1\t0\t100\n");
    put("/sys/class/block/zram0/uevent", "DEVNAME=zram0\n");
    assert_state(collect("disk_encryption"), SEEN_PASS, NULL);

    put("/proc/self/mountinfo", "29 1 253:1 / / rw - ext4 /dev/mapper/vg0-root rw\n"
                                "31 29 8:3 / /home rw - ext4 /dev/sda3 rw\n");
    put("/sys/dev/block/8:3/uevent", "DEVNAME=sda3\n");
    assert_state(collect("disk_encryption"), SEEN_FAIL, "sda3 is not encrypted");

    /* btrfs: st_dev is anonymous; source and /sys/fs/btrfs tell. Two devices, one plain. */
    put("/proc/self/mountinfo", "29 1 0:27 /@ / rw - btrfs /dev/mapper/luks-1 rw\n");
    put("/sys/class/block/dm-5/dm/name", "luks-1\n");
    put("/sys/class/block/dm-5/dm/uuid", "CRYPT-LUKS2-aa-luks-1\n");
    put("/sys/fs/btrfs/1234/devices/dm-5/x", "");
    assert_state(collect("disk_encryption"), SEEN_PASS, "LUKS2");
    put("/sys/fs/btrfs/1234/devices/sda3/x", "");
    assert_state(collect("disk_encryption"), SEEN_FAIL, "sda3 is not encrypted");
}

static void a_container_root_is_unknown(void **state)
{
    (void)state;
    put("/proc/self/mountinfo", "29 1 0:50 / / rw - overlay overlay rw,lowerdir=/a\n");
    put("/proc/swaps", "Filename\n");
    assert_state(collect("disk_encryption"), SEEN_UNKNOWN, "overlay");
}

/* ---- C-016 ---- */

static void C_016_a_system_without_a_version_is_unknown_not_a_crash(void **state)
{
    (void)state;
    put("/etc/os-release",
        "NAME=\"Arch Linux\"\nPRETTY_NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n");
    assert_state(collect("os_version"), SEEN_UNKNOWN, "rolling release");
    assert_state(signals_find(&seen, "os"), SEEN_TEXT, "arch");

    put("/etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux forky/sid\"\nNAME=\"Debian GNU/Linux\"\n"
                           "ID=debian\nVERSION_CODENAME=forky\n");
    assert_state(collect("os_version"), SEEN_UNKNOWN, "rolling release");

    put("/etc/os-release", "\xef\xbb\xbfNAME='Own Spin'\r\n# comment\r\nID=ownspin\r\n"
                           "ID_LIKE=\"debian ubuntu\"\r\nVERSION_ID='12'\r\nVARIANT=\r\n");
    assert_state(collect("os_version"), SEEN_TEXT, NULL);
    assert_string_equal(signals_find(&seen, "os_version")->text, "12");
    assert_string_equal(signals_find(&seen, "os")->text, "ownspin");
    assert_state(signals_find(&seen, "os_supported"), SEEN_UNKNOWN, "end-of-life table");
}

static void end_of_life_is_judged_by_the_shipped_table(void **state)
{
    (void)state;
    put("/etc/os-release", "ID=debian\nVERSION_ID=\"10\"\n");
    assert_state(collect("os_supported"), SEEN_FAIL, "ended 2024-06-30");
    put("/etc/os-release", "ID=rocky\nVERSION_ID=\"10.1\"\n");
    assert_state(collect("os_supported"), SEEN_PASS, "2035-05-31");
}

/* ---- C-017 ---- */

static const char apt_speaks[] =
    "if [ \"$LC_ALL\" = C ]; then\n"
    "echo 'Inst openssl [3.0.11-1~deb12u2] (3.0.15-1~deb12u1 Debian-Security:12/stable-security "
    "[amd64])'\n"
    "echo '1 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.'\n"
    "else echo '75 aktualisiert, 0 neu installiert, 0 zu entfernen und 3 nicht aktualisiert.'; fi";

static void C_017_locale_changes_nothing(void **state)
{
    static struct signals plain;
    (void)state;
    put("/var/lib/apt/lists/deb.debian.org_dists_trixie_InRelease", "");
    program("/usr/bin/apt-get", apt_speaks);
    put("/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    collect("security_updates");
    plain = seen;
    setenv("LANG", "de_DE.UTF-8", 1);
    setenv("LANGUAGE", "fr", 1);
    setenv("LC_ALL", "tr_TR.UTF-8", 1);
    assert_state(collect("security_updates"), SEEN_NUMBER, NULL);
    assert_int_equal(signals_find(&seen, "security_updates")->number, 1);
    assert_false(posture_changed(&plain, &seen));
    unsetenv("LANG");
    unsetenv("LANGUAGE");
    unsetenv("LC_ALL");
}

static void C_017_text_that_does_not_parse_is_unknown_never_zero(void **state)
{
    (void)state;
    put("/var/lib/apt/lists/x_InRelease", "");
    program("/usr/bin/apt-get",
            "echo '75 aktualisiert, 0 neu installiert, 0 zu entfernen und 3 nicht aktualisiert.'");
    assert_state(collect("security_updates"), SEEN_UNKNOWN, "not understood");
    program("/usr/bin/apt-get",
            "echo '0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.'; exit 100");
    assert_state(collect("security_updates"), SEEN_UNKNOWN, "failed");
}

/* ---- C-018 ---- */

static const char active[] = "echo active";
static const char inactive[] = "echo inactive";

static void C_018_an_active_unit_alone_is_no_firewall(void **state)
{
    (void)state;
    program("/usr/bin/systemctl", active);
    put("/etc/ufw/ufw.conf", "# comment\nENABLED=no\nLOGLEVEL=low\n");
    assert_state(collect("firewall"), SEEN_FAIL, "ENABLED=no");
}

static void C_018_docker_chains_are_no_firewall(void **state)
{
    (void)state;
    program(
        "/usr/sbin/iptables-save",
        "cat <<E\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:DOCKER - [0:0]\nCOMMIT\nE");
    assert_state(collect("firewall"), SEEN_UNKNOWN, NULL); /* cat is not below the fixture root */
    program("/usr/sbin/iptables-save", "echo '*filter'; echo ':INPUT ACCEPT [0:0]';"
                                       "echo ':FORWARD DROP [0:0]'; echo ':DOCKER - [0:0]'");
    assert_state(collect("firewall"), SEEN_FAIL, "no rule drops");
}

static void C_018_ufw_that_is_enabled_and_drops_passes(void **state)
{
    (void)state;
    program("/usr/bin/systemctl", active);
    put("/etc/ufw/ufw.conf", "ENABLED=yes\n");
    put("/etc/default/ufw", "IPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\n");
    assert_state(collect("firewall"), SEEN_PASS, "ufw");
    put("/etc/default/ufw", "DEFAULT_INPUT_POLICY=\"ACCEPT\"\n");
    assert_state(collect("firewall"), SEEN_FAIL, "ACCEPT");
}

static void C_018_without_files_or_privilege_it_is_unknown(void **state)
{
    (void)state;
    program("/usr/bin/systemctl", inactive);
    program("/usr/sbin/nft", "exit 1");
    assert_state(collect("firewall"), SEEN_UNKNOWN, "root only");
}

static void firewalld_is_judged_by_its_default_zone(void **state)
{
    (void)state;
    program("/usr/bin/systemctl", active);
    put("/etc/firewalld/firewalld.conf", "DefaultZone=home\n");
    put("/usr/lib/firewalld/zones/home.xml", "<zone>\n<service name=\"ssh\"/></zone>\n");
    assert_state(collect("firewall"), SEEN_PASS, "firewalld");
    put("/etc/firewalld/zones/home.xml", "<zone target=\"ACCEPT\"></zone>\n");
    assert_state(collect("firewall"), SEEN_FAIL, "accepts everything");
    program("/usr/bin/systemctl", inactive);
    assert_state(collect("firewall"), SEEN_UNKNOWN, NULL);
}

static void rules_of_one_family_do_not_cover_the_other(void **state)
{
    (void)state;
    program(
        "/usr/sbin/nft",
        "echo '{\"nftables\":[{\"chain\":{\"family\":\"ip\",\"table\":\"filter\",\"name\":\"in\","
        "\"hook\":\"input\",\"policy\":\"drop\"}}]}'");
    assert_state(collect("firewall"), SEEN_PASS, NULL);
    put("/proc/net/if_inet6", "20010db8000000000000000000000001 02 40 00 80     eth0\n");
    assert_state(collect("firewall"), SEEN_FAIL, "IPv6 is not");
}

/* ---- C-019 ---- */

static void C_019_no_lists_means_nothing_is_known(void **state)
{
    (void)state;
    program("/usr/bin/apt-get", apt_speaks);
    assert_state(collect("security_updates"), SEEN_UNKNOWN, "no package lists");
    folder("/var/lib/apt/lists/partial/x");
    assert_state(collect("security_updates"), SEEN_UNKNOWN, "no package lists");
    assert_state(signals_find(&seen, "updates_age"), SEEN_UNKNOWN, "no package lists");
}

static void C_019_old_lists_give_the_number_with_its_age(void **state)
{
    (void)state;
    program("/usr/bin/apt-get", apt_speaks);
    put("/var/lib/apt/lists/x_InRelease", "");
    age("/var/lib/apt/lists", 40);
    assert_state(collect("security_updates"), SEEN_NUMBER, "40 days old");
    assert_int_equal(signals_find(&seen, "updates_age")->number, 40);
}

static void C_019_kept_back_kernels_count(void **state)
{
    (void)state;
    put("/var/lib/apt/lists/x_InRelease", "");
    program("/usr/bin/apt-get",
            "case \"$*\" in *--ignore-hold*dist-upgrade*)\n"
            "echo 'Inst linux-image-6.1.0-28-amd64 (6.1.119-1 Debian-Security:12/stable-security "
            "[amd64])'\n"
            "echo 'Inst linux-image-amd64 [6.1.112-1] (6.1.119-1 "
            "Debian-Security:12/stable-security [amd64])'\n"
            "echo 'Inst vim [1] (2 Debian:12.8/stable [amd64])'\n"
            "echo '2 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.';;\n"
            "*) echo 'The following packages have been kept back:'\n"
            "echo '0 upgraded, 0 newly installed, 0 to remove and 2 not upgraded.';; esac");
    assert_state(collect("security_updates"), SEEN_NUMBER, NULL);
    assert_int_equal(signals_find(&seen, "security_updates")->number, 2);
}

static size_t runs(void)
{
    char name[512];
    struct stat st;

    full(name, "/runs");
    return stat(name, &st) == 0 ? (size_t)st.st_size : 0;
}

static void the_simulation_runs_again_only_after_a_change(void **state)
{
    char script[512];

    (void)state;
    snprintf(script, sizeof script,
             "printf x >>%s/runs\n"
             "echo '0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.'",
             root);
    program("/usr/bin/apt-get", script);
    put("/var/lib/apt/lists/x_InRelease", "");
    put("/var/log/dpkg.log", "");
    for (int look = 0; look < 3; look++) {
        assert_int_equal(collect("security_updates")->number, 0);
        assert_int_equal(runs(), 1);
    }
    age("/var/log/dpkg.log", 1); /* a package came or went */
    collect("security_updates");
    assert_int_equal(runs(), 2);
    age("/var/lib/apt/lists", 3); /* the lists were fetched */
    assert_state(collect("security_updates"), SEEN_NUMBER, "3 days old");
    assert_int_equal(runs(), 3);
    put("/etc/apt/preferences", "Package: *\n");
    collect("security_updates");
    assert_int_equal(runs(), 4);
}

static void a_simulation_that_failed_is_tried_again(void **state)
{
    (void)state;
    put("/var/lib/apt/lists/x_InRelease", "");
    program("/usr/bin/apt-get", "if [ -e $0.once ]; then echo '0 upgraded, 0 newly installed, "
                                "0 to remove and 0 not upgraded.'; else : >$0.once; exit 100; fi");
    assert_state(collect("security_updates"), SEEN_UNKNOWN, "the simulation failed");
    assert_state(collect("security_updates"), SEEN_NUMBER, NULL);
}

/* ---- the rest ---- */

static void gsettings_defaults_without_a_desktop_are_no_fact(void **state)
{
    (void)state;
    program("/usr/bin/gsettings", "echo true");
    assert_state(collect("screen_lock"), SEEN_UNKNOWN, "logind");
    program("/usr/bin/loginctl", "case $1 in show-user) echo '3 c1';; show-session)"
                                 "echo Type=tty; echo Class=user; echo Desktop=;; esac");
    assert_state(collect("screen_lock"), SEEN_UNKNOWN, "no desktop login");
    program("/usr/bin/loginctl", "case $1 in show-user) echo '3 c1';; show-session)"
                                 "echo Type=wayland; echo Class=user; echo Desktop=GNOME;; esac");
    program("/usr/bin/gsettings",
            "case $3 in lock-enabled) echo true;; lock-delay) echo 'uint32 30';;"
            "idle-delay) echo 'uint32 300';; esac");
    assert_state(collect("screen_lock"), SEEN_PASS, "330 s");
    assert_int_equal(signals_find(&seen, "screen_lock_after")->number, 330);
    program("/usr/bin/gsettings",
            "case $3 in lock-enabled) echo true;; lock-delay) echo 'uint32 0';;"
            "idle-delay) echo 'uint32 0';; esac");
    assert_state(collect("screen_lock"), SEEN_FAIL, "never locks");
}

static void secure_boot_absent_is_unknown_and_setup_mode_fails(void **state)
{
    static const char secure[] =
        "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    static const char setup[] =
        "/sys/firmware/efi/efivars/SetupMode-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    (void)state;
    assert_state(collect("secure_boot"), SEEN_UNKNOWN, "not supported");
    put_bytes(secure, "\6\0\0\0\1", 5);
    assert_state(collect("secure_boot"), SEEN_UNKNOWN, "setup mode");
    put_bytes(setup, "\6\0\0\0\0", 5);
    assert_state(collect("secure_boot"), SEEN_PASS, NULL);
    put_bytes(setup, "\6\0\0\0\1", 5);
    assert_state(collect("secure_boot"), SEEN_FAIL, "setup mode");
    put_bytes(secure, "\6\0\0\0\0", 5);
    assert_state(collect("secure_boot"), SEEN_FAIL, "off");
    put_bytes(secure, "\6\0\0\0", 4);
    assert_state(collect("secure_boot"), SEEN_UNKNOWN, NULL);
}

static void C_020_placeholder_serials_are_unknown_and_machine_ids_are_hashed(void **state)
{
    (void)state;
    put("/sys/class/dmi/id/product_serial", "To be filled by O.E.M.\n");
    put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    assert_state(collect("serial"), SEEN_UNKNOWN, "the maker wrote none");
    assert_state(signals_find(&seen, "machine"), SEEN_TEXT, NULL);
    assert_int_equal(strlen(signals_find(&seen, "machine")->text), 32);
    assert_null(strstr(signals_find(&seen, "machine")->text, "0123456789abcdef"));
    put("/sys/class/dmi/id/product_serial", "PF2XY7\x1b[31m\n");
    assert_state(collect("serial"), SEEN_TEXT, "PF2XY7?[31m");
}

static void an_empty_machine_is_unknown_everywhere(void **state)
{
    (void)state;
    collect("os");
    for (size_t i = 0; i < seen.count; i++) {
        const struct signal *s = &seen.at[i];
        if (strcmp(s->name, "agent_version") != 0 && strcmp(s->name, "device_key") != 0)
            assert_state(s, SEEN_UNKNOWN, NULL);
    }
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, drop_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ROOT(C_015_root_on_lvm_on_luks_is_encrypted),
        IN_ROOT(C_015_one_plain_path_down_is_not_encrypted),
        IN_ROOT(a_luks_device_beside_a_plain_root_is_no_proof),
        IN_ROOT(a_virtual_disk_is_unknown),
        IN_ROOT(plain_swap_home_or_btrfs_member_decides),
        IN_ROOT(a_container_root_is_unknown),
        IN_ROOT(C_016_a_system_without_a_version_is_unknown_not_a_crash),
        IN_ROOT(end_of_life_is_judged_by_the_shipped_table),
        IN_ROOT(C_017_locale_changes_nothing),
        IN_ROOT(C_017_text_that_does_not_parse_is_unknown_never_zero),
        IN_ROOT(C_018_an_active_unit_alone_is_no_firewall),
        IN_ROOT(C_018_docker_chains_are_no_firewall),
        IN_ROOT(C_018_ufw_that_is_enabled_and_drops_passes),
        IN_ROOT(C_018_without_files_or_privilege_it_is_unknown),
        IN_ROOT(firewalld_is_judged_by_its_default_zone),
        IN_ROOT(rules_of_one_family_do_not_cover_the_other),
        IN_ROOT(C_019_no_lists_means_nothing_is_known),
        IN_ROOT(C_019_old_lists_give_the_number_with_its_age),
        IN_ROOT(C_019_kept_back_kernels_count),
        IN_ROOT(the_simulation_runs_again_only_after_a_change),
        IN_ROOT(a_simulation_that_failed_is_tried_again),
        IN_ROOT(gsettings_defaults_without_a_desktop_are_no_fact),
        IN_ROOT(secure_boot_absent_is_unknown_and_setup_mode_fails),
        IN_ROOT(C_020_placeholder_serials_are_unknown_and_machine_ids_are_hashed),
        IN_ROOT(an_empty_machine_is_unknown_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
