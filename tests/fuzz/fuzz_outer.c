#include "lib/tunnel/outer.h"
#include "lib/tunnel/thread_internal.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

/* FUZ-5. What a stranger can send to a relay's port: raw bytes into the outer TLS of a server,
 * whole and in pieces. Nobody is open after it, and every block goes back. */
static void feed(struct tunnel_thread *thread, struct tls_context *tls, const uint8_t *data,
                 size_t size, size_t piece)
{
    struct outer *o;
    struct wire wire;

    wire_init(&wire, thread);
    if (outer_server(&wire, tls, &o) != SP_OK)
        abort();
    for (size_t at = 0; at < size && outer_state(o) != OUTER_CLOSED; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        if (wire_waiting(&wire) + n > TUNNEL_READ_BYTES)
            break;
        wire_feed(&wire, (struct view){data + at, n});
        sp_ignore(outer_advance(o));
        if (wire_keep(&wire) != SP_OK)
            abort();
        wire_sent(&wire, wire_unsent(&wire));
    }
    if (outer_state(o) == OUTER_OPEN || outer_state(o) == OUTER_ASKED)
        abort();
    outer_free(o);
    wire_deinit(&wire);
    if (thread->live != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tunnel_thread *thread;
    static struct key_secret *key;
    static struct tls_context *tls;

    if (thread == NULL &&
        (tunnel_thread_new(&thread) != SP_OK || key_secret_new(KEY_P256, &key) != SP_OK ||
         tls_pinned_server(key, "sallyport-tunnel/1", &tls) != SP_OK))
        abort();
    feed(thread, tls, data, size, size + 1);
    feed(thread, tls, data, size, 1 + size / 7);
    return 0;
}
