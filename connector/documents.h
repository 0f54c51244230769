#ifndef SP_CONNECTOR_DOCUMENTS_H
#define SP_CONNECTOR_DOCUMENTS_H

/*
 * documents: OpenAPI documents that app records name by their SHA-256, fetched from the broker
 * (blob.get) into a folder of the state, where each is a file of its hash in hex, 0600.
 *
 * One at a time, piece by piece. What comes is whole and has that hash, or is not kept: a broker
 * can't pass off another. The folder is a cache: beyond its bounds the files go that came first,
 * and who needs one of them asks again. Loop thread; a worker compares and writes.
 */

#include "lib/os/pool.h"

#include <stdint.h>

struct channel;
struct documents;

enum {
    DOCUMENTS_BYTES_MAX = 16 * 1024 * 1024,
    DOCUMENTS_WAITING_MAX = 64,
    DOCUMENTS_KEPT_MAX = 256,                    /* files */
    DOCUMENTS_KEPT_BYTES_MAX = 256 * 1024 * 1024 /* of all of them */
};

struct documents_options {
    struct pool *pool;  /* borrowed */
    const char *folder; /* exists; borrowed */
    void (*came)(void *arg, const uint8_t sha256[32]);
    void *arg;
};

SP_MUST sp_error documents_new(const struct documents_options *o, struct documents **out);
void documents_free(struct documents *d);                       /* NULL is allowed */
void documents_channel(struct documents *d, struct channel *c); /* c NULL: lost; d may be NULL */
/* Asks for it, unless it is asked for already. One that can't be had is logged; ask again. */
void documents_want(struct documents *d, const uint8_t sha256[32]);
/* The same, where no file has its name: what a record names is here before its first session. */
void documents_foresee(struct documents *d, const uint8_t sha256[32]); /* d may be NULL */

#endif
