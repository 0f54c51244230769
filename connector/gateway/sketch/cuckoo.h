#ifndef SP_SKETCH_CUCKOO_H
#define SP_SKETCH_CUCKOO_H

/*
 * cuckoo: who was the first to use each of many objects, in four bytes an object.
 *
 * A cuckoo filter (Fan and others, 2014) whose entries are a fingerprint of 15 bits, the tag of the
 * first user (16 bits) and a mark "used by more than one". Buckets of four; two generations: when
 * the younger one is full, the older one is forgotten and they change places, so the newest objects
 * are never lost. An object is taken for another one with probability below 16 / 2^15, one in
 * 2,048; two users share a tag in one of 65,536 cases: what follows from an answer here is a score,
 * never a proof.
 *
 * Any bytes are a valid filter. One thread.
 */

#include "lib/base/view.h"

enum { CUCKOO_OBJECTS = 262144, CUCKOO_BYTES = 2 * 4 * CUCKOO_OBJECTS / 2 };

struct cuckoo;

/* For `objects` objects in both generations, rounded up to a power of two; at least 1,024.
 *   SP_ERR_LIMIT  more than CUCKOO_OBJECTS;  SP_ERR_NOMEM */
SP_MUST sp_error cuckoo_new(size_t objects, struct cuckoo **out);
void cuckoo_free(struct cuckoo *c); /* NULL is allowed */

struct cuckoo_use {
    bool known;          /* the object was there before */
    uint16_t first_user; /* its tag */
    bool shared;         /* more than one user, this one counted */
};

/* One use of `object` by the user with `tag`; the first one enters it. */
struct cuckoo_use cuckoo_use(struct cuckoo *c, uint64_t object, uint16_t tag);
struct cuckoo_use cuckoo_look(const struct cuckoo *c, uint64_t object);
size_t cuckoo_len(const struct cuckoo *c);

/* The whole state as it lies in memory, for snapshots. Loading needs the same length.
 *   SP_ERR_MALFORMED  another length */
struct view cuckoo_bytes(const struct cuckoo *c);
SP_MUST sp_error cuckoo_load(struct cuckoo *c, struct view bytes);

#endif
