#ifndef SP_REGISTRY_CHANGE_H
#define SP_REGISTRY_CHANGE_H

/*
 * change: what every change of this room shares: its audit record. Inside of the room.
 */

#include "broker/registry/registry.h"

enum { CHANGE_TEXT_MAX = 640 };

/* A record on its way; lives as long as the job that appends it. */
struct change_record {
    struct audit_record r;
    char text[CHANGE_TEXT_MAX];
};

/*
 * `by` (NULL: the system) with event, object and a sentence: `what`, and after it the reason that
 * came with `by`. Borrows `by`'s texts and `name`.
 */
void change_record(struct change_record *out, const struct audit_record *by, enum audit_event event,
                   const char *kind, struct sp_id id, const char *name, const char *what);

#endif
