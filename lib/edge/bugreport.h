#ifndef SP_EDGE_BUGREPORT_H
#define SP_EDGE_BUGREPORT_H

/*
 * bugreport: the verb of that name, for relay and connector: about the program and the machine,
 * what doctor found, what the running program says of itself, and what `more` adds; listed on
 * stderr, then written to --output, without secrets (parcel.h).
 */

#include "lib/edge/checks.h"
#include "lib/edge/parcel.h"

struct bugreport {
    const char *program; /* "sallyport-relay" */
    const char *schema;  /* of --json: "relay.bugreport" */
    const struct checks *checks;
    const struct json *status; /* NULL: none runs */
    void (*more)(void *arg, struct parcel *p);
    void *arg;
};

/* The verb's exit code; says what went wrong. */
int bugreport_write(const struct command_call *call, const struct bugreport *b);

#endif
