#ifndef SP_CLIENT_POSTURE_UPDATES_H
#define SP_CLIENT_POSTURE_UPDATES_H

/* updates: reads a package manager's simulation. Pure, apart from the collector for its tests. */

#include "client/posture/host.h"

/* Packages from a security archive that `apt-get -s dist-upgrade` (C locale) would install.
 * false: the text is no whole simulation, so that nothing is known (C-017). */
SP_MUST bool updates_count(struct view output, int64_t *count);

#endif
