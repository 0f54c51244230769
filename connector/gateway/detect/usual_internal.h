#ifndef SP_DETECT_USUAL_INTERNAL_H
#define SP_DETECT_USUAL_INTERNAL_H

/*
 * What a detector says of itself, so that usual.c can tell and hear it: the record of what it has
 * seen since it told last (a note), and how that is written, read and merged. Each stands in the
 * file of its detector, beside what it learns by itself.
 */

#include "connector/gateway/detect/detect_internal.h"
#include "lib/base/buf.h"

enum { USUAL_NOTE_MAX = 1536 }; /* bytes of a note; its body is at most twice that */

struct usual_kind {
    size_t entries, bytes; /* of the table of notes */
    /* Any note, also one that a damaged snapshot brought, is written so that it can be read. */
    void (*write)(const void *note, struct buf *out);
    /* Pure; `note` is zeroed before. Fails the cursor where the body is none. */
    void (*read)(struct cursor *body, void *note);
    void (*merge)(struct detect *d, uint64_t key, const void *note, sp_unix_ms now);
};

extern const struct usual_kind usual_windows, usual_hours, usual_private, usual_functions,
    usual_flows;

/* The note of `key`, to be added to; NULL: nobody is told. */
void *usual_note(struct detect *d, enum note n, uint64_t key, sp_unix_ms now);

static inline uint32_t add_sat(uint32_t a, uint32_t b)
{
    uint32_t sum;

    return __builtin_add_overflow(a, b, &sum) ? UINT32_MAX : sum;
}

#endif
