#include "client/posture/host.h"

#include "lib/crypto/hash.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What boards say when nobody wrote a serial number: it would join strangers (C-020). */
static bool placeholder(const char *serial)
{
    static const char *const words[] = {"To be filled by O.E.M.",
                                        "Default string",
                                        "Not Specified",
                                        "System Serial Number",
                                        "None",
                                        "N/A",
                                        "0",
                                        "00000000",
                                        "123456789",
                                        "0123456789",
                                        "Chassis Serial Number",
                                        "Not Applicable",
                                        "INVALID",
                                        "Unknown",
                                        "xxxxxxxx"};

    if (serial[0] == '\0' || strspn(serial, "0 .-") == strlen(serial))
        return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(serial, words[i]) == 0)
            return true;
    return false;
}

static void collect_serial(const struct host *h, struct signals *all)
{
    static const char *const files[] = {
        "/sys/class/dmi/id/product_serial", "/sys/class/dmi/id/board_serial",
        "/sys/class/dmi/id/chassis_serial", "/sys/firmware/devicetree/base/serial-number"};
    sp_error worst = SP_ERR_NOT_FOUND;
    char serial[SIGNAL_TEXT_MAX];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        sp_error e = host_line(h, files[i], serial, sizeof serial);

        if (e == SP_OK && !placeholder(serial)) {
            signal_text(all, "serial", files[i], "%s", serial);
            return;
        }
        if (e == SP_OK && worst == SP_ERR_NOT_FOUND)
            worst = SP_ERR_INVALID;
        if (e == SP_ERR_PERMISSION)
            worst = e;
    }
    signal_unknown(all, "serial", "/sys/class/dmi/id", "%s",
                   worst == SP_ERR_PERMISSION ? "readable by root only"
                   : worst == SP_ERR_INVALID  ? "the maker wrote none"
                                              : "this machine has no DMI");
}

/* Hashed with a domain of our own, as machine-id(5) asks: the id itself leaves no machine. */
static void collect_machine(const struct host *h, struct signals *all)
{
    static const char file[] = "/etc/machine-id";
    char id[64], salted[128];
    struct hash digest;
    struct buf text;

    if (host_line(h, file, id, sizeof id) != SP_OK || strlen(id) != 32 ||
        strspn(id, "0123456789abcdef") != 32) {
        signal_unknown(all, "machine", file, "no machine id");
        return;
    }
    snprintf(salted, sizeof salted, "sallyport/machine/1 %s", id);
    digest = hash_sha256(view_str(salted));
    buf_init(&text, 64);
    for (size_t i = 0; i < 16; i++)
        buf_addf(&text, "%02x", digest.bytes[i]);
    signal_text(all, "machine", file, "%s", buf_cstr(&text));
    buf_deinit(&text);
}

static void collect_tpm(const struct host *h, struct signals *all)
{
    static const char file[] = "/sys/class/tpm/tpm0/tpm_version_major";
    char version[8];

    if (host_line(h, file, version, sizeof version) == SP_OK &&
        (strcmp(version, "2") == 0 || strcmp(version, "1") == 0))
        signal_text(all, "tpm", file, "%s", version);
    else if (host_exists(h, "/sys/class/tpm/tpm0"))
        signal_unknown(all, "tpm", file, "a TPM that does not tell its version");
    else if (host_exists(h, "/sys/class"))
        signal_text(all, "tpm", "/sys/class/tpm", "none");
    else
        signal_unknown(all, "tpm", "/sys/class/tpm", "sysfs can't be read");
}

void collect_hardware(const struct host *h, struct signals *all)
{
    collect_serial(h, all);
    collect_machine(h, all);
    collect_tpm(h, all);
}

void collect_agent(const struct host *h, struct signals *all)
{
    signal_text(all, "agent_version", "this program", "%s", h->version);
    if (h->key != NULL)
        signal_text(all, "device_key", "the agent's state", "%s", h->key);
    else
        signal_unknown(all, "device_key", "the agent's state", "no key yet");
}
