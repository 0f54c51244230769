#ifndef SP_ADMIN_NAMES_H
#define SP_ADMIN_NAMES_H

/*
 * names: what people type (a name, or an id of 22 characters) to the id that the API wants.
 */

#include "client/admin/broker.h"

enum ref {
    REF_NONE = 0,
    REF_TEXT, /* no name of an object: goes as it is */
    REF_USER,
    REF_APP,
    REF_SITE,
    REF_DEVICE,
    REF_CONNECTOR,
    REF_RELAY
};

/* The kind as people call it: "user". */
const char *ref_word(enum ref kind);
/* The kind of a word in braces of a path: "user" → REF_USER, any other word → REF_TEXT. */
enum ref ref_of(struct view word);

/*
 * Appends the id, or for REF_TEXT `typed` itself. A name that is used beats an id of the same
 * letters. Exit code: EXIT_ERROR when there is none, or when several have that name: both are
 * printed, the second with the ids.
 */
int name_resolve(struct broker *b, enum ref kind, const char *typed, struct buf *id);

#endif
