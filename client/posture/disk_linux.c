#include "client/posture/disk.h"

#include "lib/base/num.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char source[] = "/proc/self/mountinfo, /proc/swaps, /sys/dev/block";

static struct disk_answer answer(enum disk_state state, const char *format, ...) SP_PRINTF(2, 3);

static struct disk_answer answer(enum disk_state state, const char *format, ...)
{
    struct disk_answer d = {.state = state};
    va_list values;

    va_start(values, format);
    vsnprintf(d.what, sizeof d.what, format, values);
    va_end(values);
    return d;
}

/* All must be encrypted: one plain path makes the whole plain, one unknown makes it unknown. */
static struct disk_answer both(struct disk_answer a, struct disk_answer b)
{
    if (a.state == DISK_PLAIN || b.state == DISK_PLAIN)
        return a.state == DISK_PLAIN ? a : b;
    return a.state == DISK_UNKNOWN ? a : b;
}

static struct view next_word(struct view *rest)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->at, ' ', rest->len);
    struct view word = {rest->at, end == NULL ? rest->len : (size_t)(end - rest->at)};

    *rest = view_slice(*rest, word.len + 1, rest->len);
    return word;
}

/* mountinfo writes blank, tab, newline and backslash as \ooo. */
static sp_error unescape(struct view word, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < word.len; i++) {
        unsigned c = word.at[i];

        if (c == '\\') {
            if (i + 3 >= word.len)
                return SP_ERR_MALFORMED;
            c = 0;
            for (size_t k = 1; k <= 3; k++) {
                if (word.at[i + k] < '0' || word.at[i + k] > '7')
                    return SP_ERR_MALFORMED;
                c = c * 8 + (unsigned)(word.at[i + k] - '0');
            }
            i += 3;
        }
        if (n + 1 >= size || c == 0 || c > 255)
            return SP_ERR_LIMIT;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return SP_OK;
}

static sp_error device_number(struct view word, unsigned *major, unsigned *minor)
{
    const uint8_t *colon = word.len == 0 ? NULL : memchr(word.at, ':', word.len);
    uint64_t a, b;
    sp_error e;

    if (colon == NULL)
        return SP_ERR_MALFORMED;
    if ((e = num_uint((struct view){word.at, (size_t)(colon - word.at)}, 4095, &a)) != SP_OK ||
        (e = num_uint(view_slice(word, (size_t)(colon - word.at) + 1, word.len), 1048575, &b)) !=
            SP_OK)
        return e;
    *major = (unsigned)a;
    *minor = (unsigned)b;
    return SP_OK;
}

sp_error disk_mount_parse(struct view line, struct disk_mount *out)
{
    struct disk_mount m;
    struct view rest = line, word;
    sp_error e;

    next_word(&rest); /* mount id */
    next_word(&rest); /* parent */
    if ((e = device_number(next_word(&rest), &m.major, &m.minor)) != SP_OK)
        return e;
    next_word(&rest); /* root within the file system */
    if ((e = unescape(next_word(&rest), m.point, sizeof m.point)) != SP_OK)
        return e;
    do { /* options, then optional fields up to "-" */
        if (rest.len == 0)
            return SP_ERR_MALFORMED;
        word = next_word(&rest);
    } while (!view_is(word, "-"));
    if ((e = unescape(next_word(&rest), m.type, sizeof m.type)) != SP_OK ||
        (e = unescape(next_word(&rest), m.source, sizeof m.source)) != SP_OK)
        return e;
    *out = m;
    return SP_OK;
}

/* ---- the walk ---- */

static bool virtual_machine(const struct host *h)
{
    static const char *const words[] = {"QEMU",   "KVM",       "VMware",      "VirtualBox",
                                        "Xen",    "innotek",   "Bochs",       "Amazon EC2",
                                        "Google", "OpenStack", "DigitalOcean"};
    char vendor[128] = "", product[128] = "";

    sp_ignore(host_line(h, "/sys/class/dmi/id/sys_vendor", vendor, sizeof vendor));
    sp_ignore(host_line(h, "/sys/class/dmi/id/product_name", product, sizeof product));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(vendor, words[i]) != NULL || strstr(product, words[i]) != NULL)
            return true;
    return strstr(product, "Virtual Machine") != NULL || host_exists(h, "/sys/hypervisor/type");
}

static void name_of(const struct host *h, const char *path, char out[DISK_NAME_BYTES])
{
    char file[HOST_PATH_MAX], line[DISK_NAME_BYTES];
    struct buf uevent;
    int n = snprintf(file, sizeof file, "%s/uevent", path);

    snprintf(out, DISK_NAME_BYTES, "%.*s", DISK_NAME_BYTES - 1, strrchr(path, '/') + 1);
    buf_init(&uevent, 4096);
    if (n > 0 && (size_t)n < sizeof file && host_read(h, file, &uevent) == SP_OK &&
        host_assigned(buf_view(&uevent), "DEVNAME", line, sizeof line) == SP_OK)
        snprintf(out, DISK_NAME_BYTES, "%s", line);
    buf_deinit(&uevent);
}

/* Nothing below: a disk, a partition of one, or something that hides what is below. */
static struct disk_answer judge_leaf(const struct host *h, const char *path)
{
    char name[DISK_NAME_BYTES], file[HOST_PATH_MAX];

    name_of(h, path, name);
    int n = snprintf(file, sizeof file, "%s/loop/backing_file", path);
    if (n > 0 && (size_t)n < sizeof file && host_exists(h, file))
        return answer(DISK_UNKNOWN, "%s is a file on another disk", name);
    if (strncmp(name, "vd", 2) == 0 || strncmp(name, "xvd", 3) == 0 || virtual_machine(h))
        return answer(DISK_UNKNOWN, "virtual disk %s: what is below it can't be seen", name);
    if (strncmp(name, "zram", 4) == 0)
        return answer(DISK_ENCRYPTED, "%s is memory", name);
    return answer(DISK_PLAIN, "%s is not encrypted", name);
}

static struct disk_answer crypt_layer(const struct host *h, const char *path, const char *uuid)
{
    char name[DISK_NAME_BYTES], kind[24];
    const char *type = uuid + strlen("CRYPT-");

    name_of(h, path, name);
    snprintf(kind, sizeof kind, "%.*s", (int)strcspn(type, "-"), type);
    return answer(DISK_ENCRYPTED, "%s (%s)", kind, name);
}

struct disk_answer disk_walk(const struct host *h, const char *path, unsigned depth)
{
    char uuid[160], next[HOST_PATH_MAX];
    struct host_names slaves;
    struct disk_answer all = {0};
    int n;

    if (depth > DISK_DEPTH_MAX)
        return answer(DISK_UNKNOWN, "more than %d layers", DISK_DEPTH_MAX);
    if (!host_exists(h, path))
        return answer(DISK_UNKNOWN, "%s is not there", path);
    n = snprintf(next, sizeof next, "%s/dm/uuid", path);
    if (n > 0 && (size_t)n < sizeof next && host_line(h, next, uuid, sizeof uuid) == SP_OK &&
        strncmp(uuid, "CRYPT-", 6) == 0)
        return crypt_layer(h, path, uuid);
    n = snprintf(next, sizeof next, "%s/slaves", path);
    if (n < 0 || (size_t)n >= sizeof next || host_list(h, next, &slaves) != SP_OK ||
        slaves.count == 0)
        return judge_leaf(h, path);
    for (size_t i = 0; i < slaves.count; i++) {
        struct disk_answer one;

        n = snprintf(next, sizeof next, "%s/slaves/%s", path, slaves.at[i]);
        if (n < 0 || (size_t)n >= sizeof next)
            return answer(DISK_UNKNOWN, "a path is too long");
        one = disk_walk(h, next, depth + 1);
        all = i == 0 ? one : both(all, one);
    }
    return all;
}

static struct disk_answer by_number(const struct host *h, unsigned major, unsigned minor)
{
    char path[64];

    snprintf(path, sizeof path, "/sys/dev/block/%u:%u", major, minor);
    return disk_walk(h, path, 0);
}

/* "/dev/mapper/vg0-root" or "/dev/sda2": found by name, since a fixture has no device nodes. */
static struct disk_answer by_device(const struct host *h, const char *device)
{
    struct host_names names;
    char path[HOST_PATH_MAX], name[DISK_NAME_BYTES];
    bool mapped = strncmp(device, "/dev/mapper/", 12) == 0;

    if (strncmp(device, "/dev/", 5) != 0)
        return answer(DISK_UNKNOWN, "%s is no device of this machine", device);
    if (!mapped && strchr(device + 5, '/') == NULL) {
        snprintf(path, sizeof path, "/sys/class/block/%s", device + 5);
        return disk_walk(h, path, 0);
    }
    if (mapped && host_list(h, "/sys/class/block", &names) == SP_OK)
        for (size_t i = 0; i < names.count; i++) {
            snprintf(path, sizeof path, "/sys/class/block/%s/dm/name", names.at[i]);
            if (host_line(h, path, name, sizeof name) == SP_OK && strcmp(name, device + 12) == 0) {
                snprintf(path, sizeof path, "/sys/class/block/%s", names.at[i]);
                return disk_walk(h, path, 0);
            }
        }
    return answer(DISK_UNKNOWN, "%s can't be followed", device);
}

/* btrfs: one file system, several devices; each must be encrypted. */
static struct disk_answer btrfs(const struct host *h, const char *device)
{
    struct host_names systems, devices;
    struct disk_answer all = by_device(h, device);
    char path[HOST_PATH_MAX], first[DISK_NAME_BYTES];

    snprintf(first, sizeof first, "%s",
             strrchr(device, '/') == NULL ? "" : strrchr(device, '/') + 1);
    if (host_list(h, "/sys/fs/btrfs", &systems) != SP_OK)
        return all;
    for (size_t i = 0; i < systems.count; i++) {
        struct disk_answer here = {.state = DISK_ENCRYPTED};
        bool ours = false;

        snprintf(path, sizeof path, "/sys/fs/btrfs/%s/devices", systems.at[i]);
        if (host_list(h, path, &devices) != SP_OK)
            continue;
        for (size_t k = 0; k < devices.count; k++) {
            char mapped[DISK_NAME_BYTES] = "";

            snprintf(path, sizeof path, "/sys/class/block/%s/dm/name", devices.at[k]);
            sp_ignore(host_line(h, path, mapped, sizeof mapped)); /* only mapped ones have it */
            ours = ours || strcmp(devices.at[k], first) == 0 || strcmp(mapped, first) == 0;
            snprintf(path, sizeof path, "/sys/class/block/%s", devices.at[k]);
            here = both(here, disk_walk(h, path, 0));
        }
        if (ours)
            return devices.count > 1 ? both(all, here) : all;
    }
    return all;
}

static struct disk_answer zfs(const struct host *h, const char *dataset)
{
    const char *argv[] = {"/usr/sbin/zfs", "get", "-H", "-o", "value", "encryption", dataset, NULL};
    struct buf out;
    struct disk_answer a;
    sp_error e;

    buf_init(&out, 256);
    if ((e = host_run(h, argv, false, &out)) == SP_ERR_NOT_FOUND) {
        argv[0] = "/sbin/zfs";
        e = host_run(h, argv, false, &out);
    }
    struct view rest = buf_view(&out), line = {0};
    if (e != SP_OK || !host_next_line(&rest, &line) || line.len == 0)
        a = answer(DISK_UNKNOWN, "zfs says nothing about %s", dataset);
    else if (view_is(line, "off"))
        a = answer(DISK_PLAIN, "zfs %s is not encrypted", dataset);
    else if (line.len > 3 && memcmp(line.at, "aes", 3) == 0)
        a = answer(DISK_ENCRYPTED, "ZFS %.*s", VIEW_ARG(line));
    else
        a = answer(DISK_UNKNOWN, "zfs answers \"%.*s\"", VIEW_ARG(line));
    buf_deinit(&out);
    return a;
}

static bool below(const char *path, const char *point)
{
    size_t len = strlen(point);

    if (strcmp(point, "/") == 0)
        return path[0] == '/';
    return strncmp(path, point, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

struct disk_answer disk_of_path(const struct host *h, struct view mountinfo, const char *path)
{
    struct disk_mount m, found = {.point = ""};
    struct view rest = mountinfo, line;
    bool any = false;

    /* The longest mount point wins; of equal ones the last, which covers the earlier. */
    while (host_next_line(&rest, &line))
        if (disk_mount_parse(line, &m) == SP_OK && below(path, m.point) &&
            strlen(m.point) >= strlen(found.point)) {
            found = m;
            any = true;
        }
    if (!any)
        return answer(DISK_UNKNOWN, "no mount holds %s", path);
    if (strcmp(found.type, "btrfs") == 0)
        return btrfs(h, found.source);
    if (strcmp(found.type, "zfs") == 0)
        return zfs(h, found.source);
    if (strcmp(found.type, "ecryptfs") == 0)
        return answer(DISK_ENCRYPTED, "eCryptfs");
    if (found.major == 0)
        return answer(DISK_UNKNOWN, "%s lies on %s, not on a disk", path, found.type);
    return by_number(h, found.major, found.minor);
}

struct disk_answer disk_of_swap(const struct host *h, struct view mountinfo, bool *any)
{
    struct disk_answer all = {.state = DISK_ENCRYPTED};
    struct view rest, line, word;
    struct buf swaps;
    char device[HOST_PATH_MAX];
    sp_error e;

    *any = false;
    buf_init(&swaps, 64 * 1024);
    e = host_read(h, "/proc/swaps", &swaps);
    rest = buf_view(&swaps);
    if (e == SP_OK && host_next_line(&rest, &line)) /* headings */
        while (host_next_line(&rest, &line)) {
            word = next_word(&line);
            if (unescape(word, device, sizeof device) != SP_OK || device[0] != '/')
                continue;
            *any = true;
            all = both(all, strncmp(device, "/dev/", 5) == 0 ? by_device(h, device)
                                                             : disk_of_path(h, mountinfo, device));
        }
    buf_deinit(&swaps);
    return e == SP_OK ? all : answer(DISK_UNKNOWN, "/proc/swaps can't be read");
}

void collect_disk(const struct host *h, struct signals *all)
{
    struct disk_answer root, home, swap, whole;
    struct buf mounts;
    bool any_swap;
    sp_error e;

    buf_init(&mounts, HOST_FILE_BYTES_MAX);
    if ((e = host_read(h, "/proc/self/mountinfo", &mounts)) != SP_OK) {
        signal_unknown(all, "disk_encryption", source, "mountinfo can't be read: %s",
                       sp_error_text(e));
        buf_deinit(&mounts);
        return;
    }
    root = disk_of_path(h, buf_view(&mounts), "/");
    home = h->home[0] == '/' ? disk_of_path(h, buf_view(&mounts), h->home) : root;
    swap = disk_of_swap(h, buf_view(&mounts), &any_swap);
    whole = both(root, home);
    if (any_swap || swap.state == DISK_UNKNOWN)
        whole = both(whole, swap);
    if (whole.state == DISK_UNKNOWN)
        signal_unknown(all, "disk_encryption", source, "%s", whole.what);
    else
        signal_verdict(all, "disk_encryption", whole.state == DISK_ENCRYPTED, source, "%s",
                       whole.what);
    signal_seen(all, "disk_encryption", "root: %.36s; home: %.36s; swap: %.32s", root.what,
                home.what, any_swap ? swap.what : "none");
    buf_deinit(&mounts);
}
