#include "broker/control/minute.h"

enum { MINUTE_MS = 60 * 1000 };

bool minute_takes(struct minute *m, sp_boot_ms now, size_t more, unsigned max)
{
    if (now - m->since >= MINUTE_MS)
        *m = (struct minute){.since = now};
    if (more > max || m->taken > max - more)
        return false;
    m->taken += (unsigned)more;
    return true;
}
