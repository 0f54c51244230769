/* What a sibling is said to have seen: any bytes behind the seal change nothing or count, what was
 * heard is never told again, and what was seen, or lies in a snapshot as notes of any content, is
 * told so that another one hears it. */
#include "connector/gateway/detect/usual.h"
#include "lib/base/buf.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#define NOW ((sp_unix_ms)1764000000000)

enum { HEAD = 24, MESSAGES = 1000, STATE_MAX = 32 * 1024 * 1024 };

static struct detect *new_detect(uint8_t self)
{
    struct detect_options o = {.key = "fuzz", .shared = self != 0, .self = {{self}}};
    struct detect *d = NULL;

    for (size_t i = 0; i < DETECTORS; i++)
        o.modes[i] = GW_BLOCK;
    if (detect_new(&o, &d) != SP_OK)
        exit(0);
    return d;
}

/* All that `from` says; gives the bytes of it that are entries. */
static size_t tell(struct detect *from, struct detect *to, bool any_number)
{
    size_t entries = 0;
    bool more = true;

    for (int i = 0; more && i < MESSAGES; i++) {
        struct buf m;
        buf_init(&m, USUAL_BYTES_MAX);
        if (usual_tell(from, NOW, &m, &more) != SP_OK)
            abort();
        entries += m.len - HEAD;
        sp_error e = usual_hear(to, buf_view(&m), NOW);
        if (e != SP_OK && !(any_number && e != SP_ERR_DENIED))
            abort();
        usual_told(from);
        buf_deinit(&m);
    }
    if (more)
        abort();
    return entries;
}

static void use(struct detect *d, const uint8_t *data, size_t size)
{
    const uint64_t groups[] = {3, 4};

    for (size_t i = 0; i < 16; i++) {
        uint64_t pick = i < size ? data[i] : i;
        struct observation seen = {.at = NOW + (sp_unix_ms)(i << (pick % 24)),
                                   .user = pick % 3 + 1,
                                   .group_count = pick % 3,
                                   .groups = groups,
                                   .method = GW_GET,
                                   .endpoint = pick % 5,
                                   .object = pick,
                                   .sensitive = true,
                                   .bytes = pick << 20,
                                   .status = 200};
        detect_see(d, &seen);
    }
}

static void hear(struct detect *d, const uint8_t *data, size_t size)
{
    struct buf m;

    sp_ignore(usual_hear(d, (struct view){data, size}, NOW)); /* as it is, */
    buf_init(&m, (size_t)HEAD + size);                        /* and with a right head */
    buf_add_uint(&m, 7, 8);
    buf_add_uint(&m, 7, 8);
    buf_add_uint(&m, (uint64_t)NOW, 8);
    buf_add(&m, (struct view){data, size});
    sp_ignore(usual_hear(d, buf_view(&m), NOW));
    buf_deinit(&m);
}

/* The end of the snapshot, which the key's owner alone has, filled with the input. */
static void load(struct detect *d, const uint8_t *data, size_t size)
{
    struct detect *plain = new_detect(0);
    struct buf state, without;

    buf_init(&state, STATE_MAX);
    buf_init(&without, STATE_MAX);
    if (detect_write(d, &state) != SP_OK || detect_write(plain, &without) != SP_OK)
        abort();
    for (size_t i = without.len; i < state.len; i++)
        state.at[i] = data[i % size];
    sp_ignore(detect_read(d, buf_view(&state))); /* refused or taken */
    buf_deinit(&state);
    buf_deinit(&without);
    detect_free(plain);
}

/* The first byte says whether the rest is a message or a snapshot's end: a detector is much memory.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool message = data[0] % 2 == 0;
    struct detect *a = new_detect(1), *b = new_detect(2);

    data++;
    size--;
    if (message) {
        hear(a, data, size);
        if (tell(a, b, false) != 0)
            abort();
    } else {
        load(a, data, size);
    }
    use(a, data, size);
    tell(a, b, !message); /* of a snapshot its number is any, so the other may find it too new */
    detect_free(a);
    detect_free(b);
    return 0;
}
