#include "lib/tunnel/thread_internal.h"

#include <stdlib.h>

/* In a sanitized build, whoever still uses a block that went back is told (HRD-6). */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POISONED 1
#endif
#ifdef POISONED
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#endif

_Static_assert(offsetof(struct tunnel_thread, stage) ==
                   offsetof(struct tunnel_thread, stage_head) + FRAME_HEADER_MAX,
               "a frame's header is written right before its payload");

sp_error tunnel_thread_new(struct tunnel_thread **out)
{
    struct tunnel_thread *t = malloc(sizeof *t);

    if (t == NULL)
        return SP_ERR_NOMEM;
    t->free_blocks = NULL;
    t->free_count = t->live = 0;
    *out = t;
    return SP_OK;
}

void tunnel_thread_free(struct tunnel_thread *t)
{
    if (t == NULL)
        return;
    while (t->free_blocks != NULL) {
        struct block *b = t->free_blocks;
        t->free_blocks = b->next;
        ASAN_UNPOISON_MEMORY_REGION(b->at, sizeof b->at);
        free(b);
    }
    free(t);
}

/* The size lies at malloc's mmap threshold, where malloc and free of every batch cost page
 * faults: so a list. */
struct block *thread_block(struct tunnel_thread *t)
{
    struct block *b = t->free_blocks;

    if (b != NULL) {
        t->free_blocks = b->next;
        t->free_count--;
        ASAN_UNPOISON_MEMORY_REGION(b->at, sizeof b->at);
    } else if ((b = malloc(sizeof *b)) == NULL) {
        return NULL;
    }
    t->live++;
    return b;
}

void thread_block_back(struct tunnel_thread *t, struct block *b)
{
    if (b == NULL)
        return;
    t->live--;
    if (t->free_count == BLOCKS_KEPT_MAX) {
        free(b);
        return;
    }
    b->next = t->free_blocks;
    t->free_blocks = b;
    t->free_count++;
    ASAN_POISON_MEMORY_REGION(b->at, sizeof b->at);
}
