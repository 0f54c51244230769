#include "client/posture/host.h"

/* An EFI variable file is 4 bytes of attributes, then the value: one byte here. */
static sp_error efi_byte(const struct host *h, const char *path, uint8_t *out)
{
    struct buf b;
    sp_error e;

    buf_init(&b, 64);
    if ((e = host_read(h, path, &b)) == SP_OK) {
        if (b.len == 5 && b.at[4] <= 1)
            *out = b.at[4];
        else
            e = SP_ERR_MALFORMED;
    }
    buf_deinit(&b);
    return e;
}

void collect_secureboot(const struct host *h, struct signals *all)
{
    static const char secure[] =
        "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    static const char setup[] =
        "/sys/firmware/efi/efivars/SetupMode-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    static const char source[] = "efivars SecureBoot, SetupMode";
    uint8_t on, open;
    sp_error e;

    if (!host_exists(h, "/sys/firmware/efi"))
        signal_unknown(all, "secure_boot", source, "not supported: started by BIOS, or a VM");
    else if ((e = efi_byte(h, secure, &on)) != SP_OK)
        signal_unknown(all, "secure_boot", source,
                       e == SP_ERR_NOT_FOUND ? "not supported by this firmware"
                                             : "the variable can't be read");
    else if (on == 0)
        signal_verdict(all, "secure_boot", false, source, "off");
    else if (efi_byte(h, setup, &open) != SP_OK)
        signal_unknown(all, "secure_boot", source, "on, but its setup mode can't be read");
    else
        signal_verdict(all, "secure_boot", open == 0, source,
                       open == 0 ? "on" : "on, but in setup mode: anyone may enrol keys");
}
