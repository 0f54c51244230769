/* What collectors read: the first byte chooses the reader. */
#include "client/posture/disk.h"
#include "client/posture/firewall.h"
#include "client/posture/updates.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {data, size};
    struct firewall_rules rules;
    struct disk_mount mount;
    char value[32] = "";
    int64_t count;
    bool drops;

    if (size == 0)
        return 0;
    text = view_slice(text, 1, size);
    switch (data[0] % 6) {
    case 0:
        sp_ignore(host_assigned(text, "ID", value, sizeof value));
        break;
    case 1:
        sp_ignore(host_ini(text, "Daemon", "Timeout", value, sizeof value));
        break;
    case 2:
        sp_ignore(disk_mount_parse(text, &mount));
        break;
    case 3:
        sp_ignore(firewall_nft(text, &rules));
        break;
    case 4:
        sp_ignore(firewall_iptables(text, &drops));
        break;
    default:
        if (updates_count(text, &count) && count < 0)
            abort();
    }
    if (memchr(value, '\0', sizeof value) == NULL)
        abort();
    return 0;
}
