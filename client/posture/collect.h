#ifndef SP_CLIENT_POSTURE_COLLECT_H
#define SP_CLIENT_POSTURE_COLLECT_H

/*
 * collect: asks the machine, through one table of collectors, what posture it is in.
 *
 * Linux. Each collector is a small file that reads files below a root, and runs a program only
 * where no file tells: with LC_ALL=C, an empty environment and a fixed PATH below the same root.
 * SALLYPORT_POSTURE_ROOT names another root (fixtures); every source then begins with "fixture ".
 * Nothing is written, no privilege is needed; what only root may read is unknown for others.
 *
 * posture_collect() takes up to some seconds (package manager): a worker's call, never the loop's.
 */

#include "client/posture/signal.h"

#include <stdatomic.h>

struct buf;
struct host;

struct posture_ask {
    const char *root;        /* borrowed; NULL: SALLYPORT_POSTURE_ROOT, else "/" */
    const char *home;        /* borrowed; NULL: $HOME, else the passwd entry */
    const char *version;     /* borrowed; of the agent */
    const char *key;         /* borrowed; "software" or "hardware": where the device key lives */
    const atomic_bool *stop; /* borrowed; once true it ends soon, whatever was found; NULL: never */
};

/* Fills `out` with every signal of the table; never fails: what goes wrong is an unknown. */
void posture_collect(const struct posture_ask *ask, struct signals *out);

/* true when a value, state or text differs: the agent then reports at once. Times don't count. */
bool posture_changed(const struct signals *before, const struct signals *now);

/* The table, for `sallyport posture --explain`: NULL past its end. Static storage. */
struct posture_field {
    const char *name;   /* "disk_encryption" */
    const char *title;  /* "Disk encryption" */
    const char *reads;  /* which files and programs */
    const char *why;    /* what a policy can do with it */
    const char *unit;   /* of numbers: "packages", "days"; else NULL */
    const char *remedy; /* what the person does about a failing one; NULL: nothing here */
};
const struct posture_field *posture_field(size_t index);

#endif
