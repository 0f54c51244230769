#ifndef SP_GATEWAY_PAPER_H
#define SP_GATEWAY_PAPER_H

/*
 * paper: an OpenAPI document compiled for requests: read, checked, compiled and laid out in a trie
 * by a worker, so that no other stream waits for it. Immutable once it is ready; versions of an app
 * that name the same document share one. Loop thread.
 *
 * Files      openapi.file: a file of the administrator's in the gateway folder, with those beside
 * it. Documents  openapi.document: named by the SHA-256 of its bytes, which are compared each time
 * it is read; nothing lies beside it. Files of the folder DOCUMENTS of the connector's state are a
 * cache of what the broker keeps: one that holds other bytes is removed.
 */

#include "connector/gateway/route.h"
#include "lib/os/pool.h"

enum { PAPER_DOCUMENT_MAX = 16 * 1024 * 1024 /* of openapi.document */ };

struct paper;

struct paper_source {
    const char *folder;
    const char *name;      /* of the file in it */
    const uint8_t *sha256; /* 32 bytes that its content must have; NULL: a file as it is */
    struct view prefix;    /* app_prefix() */
    unsigned generation;   /* of files: rises when they may have changed */
    bool assert_formats;
};

/* On the loop, once, unless the paper was given back before. `why` names the first fault with its
 * JSON pointer.
 *   SP_ERR_NOT_FOUND  no such file, or one with another content
 *   SP_ERR_CLOSED     the pool ends
 *   and what api_load and file_read say */
typedef void paper_ready(void *arg, sp_error e, const struct sp_why *why);

/* Begins to read it. One share for the caller.   SP_ERR_NOMEM, SP_ERR_BUSY */
SP_MUST sp_error paper_load(struct pool *pool, const struct paper_source *from, paper_ready *ready,
                            void *arg, struct paper **out);
struct paper *paper_hold(struct paper *p);
void paper_free(struct paper *p); /* gives back one share; NULL is allowed */

bool paper_is(const struct paper *p, const struct paper_source *from); /* of the same content */
bool paper_is_ready(const struct paper *p);
/* Once it is ready. */
const struct api_document *paper_api(const struct paper *p);
const struct routes *paper_routes(const struct paper *p);
int64_t paper_load_us(const struct paper *p); /* how long a worker took for it */
/* Of the bytes of the document, not of files beside it. */
const uint8_t *paper_sha256(const struct paper *p);

#endif
