/*
 * relay: sallyport-relay with a traitor in its byte path: the product's own program, linked so that
 * the frames which it forwards pass through here (--wrap of the linker). What it does to them
 * stands in the file that SALLYPORT_EVIL names, read again for each frame: "MODE AFTER", where
 * AFTER is the number of frames of a direction that pass untouched.
 *
 *   honest  nothing              flip    one bit of the frame    drop  the frame is left out
 *   double  the frame twice      swap    it and the next change places
 *   cut     its last byte is missing     replay  the direction's first frame in its place
 */
#include "lib/tunnel/forward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECTIONS = 64, KEPT_MAX = FRAME_PAYLOAD_MAX };

struct direction {
    const struct outer *to;
    unsigned frames;
    size_t first_len, held_len; /* held_len 0: nothing is held back */
    uint8_t first[KEPT_MAX], held[KEPT_MAX];
};

static struct direction *directions[DIRECTIONS]; /* the newest of this process; the oldest goes */
static size_t made;

sp_error __real_outer_frame(struct outer *o, enum frame_op op, uint8_t *payload, size_t len);
sp_error __wrap_outer_frame(struct outer *o, enum frame_op op, uint8_t *payload, size_t len);
void __real_forward_init(struct forward *f, struct outer *from, struct wire *from_wire,
                         struct outer *to, struct wire *to_wire, bool bare);
void __wrap_forward_init(struct forward *f, struct outer *from, struct wire *from_wire,
                         struct outer *to, struct wire *to_wire, bool bare);

void __wrap_forward_init(struct forward *f, struct outer *from, struct wire *from_wire,
                         struct outer *to, struct wire *to_wire, bool bare)
{
    struct direction **d = &directions[made++ % DIRECTIONS];

    if (*d == NULL && (*d = malloc(sizeof **d)) == NULL)
        abort();
    (*d)->to = to;
    (*d)->frames = 0;
    (*d)->first_len = (*d)->held_len = 0;
    __real_forward_init(f, from, from_wire, to, to_wire, bare);
}

static struct direction *direction_of(const struct outer *to)
{
    for (size_t n = 1; n <= DIRECTIONS && n <= made; n++)
        if (directions[(made - n) % DIRECTIONS]->to == to)
            return directions[(made - n) % DIRECTIONS];
    return NULL;
}

static unsigned read_mode(char mode[16])
{
    const char *path = getenv("SALLYPORT_EVIL");
    FILE *f = path == NULL ? NULL : fopen(path, "r");
    unsigned after = 0;

    memcpy(mode, "honest", 7);
    if (f != NULL && fscanf(f, "%15s %u", mode, &after) != 2)
        memcpy(mode, "honest", 7);
    if (f != NULL)
        fclose(f);
    return after;
}

/* A frame's header goes before its payload, and a mask over it: each is sent from a copy. */
static sp_error put(struct outer *o, const uint8_t *payload, size_t len)
{
    static uint8_t room[FRAME_HEADER_MAX + KEPT_MAX];

    memcpy(room + FRAME_HEADER_MAX, payload, len);
    return __real_outer_frame(o, FRAME_BIN, room + FRAME_HEADER_MAX, len);
}

static sp_error swap(struct direction *d, struct outer *o, const uint8_t *payload, size_t len)
{
    sp_error e;

    if (d->held_len == 0) {
        memcpy(d->held, payload, len);
        d->held_len = len;
        return SP_OK;
    }
    if ((e = put(o, payload, len)) == SP_OK)
        e = put(o, d->held, d->held_len);
    d->held_len = 0;
    return e;
}

sp_error __wrap_outer_frame(struct outer *o, enum frame_op op, uint8_t *payload, size_t len)
{
    struct direction *d = op == FRAME_BIN ? direction_of(o) : NULL;
    char mode[16];
    sp_error e;

    if (d == NULL || len == 0 || len > KEPT_MAX)
        return __real_outer_frame(o, op, payload, len);
    if (d->frames++ == 0) {
        memcpy(d->first, payload, len);
        d->first_len = len;
    }
    unsigned lie = read_mode(mode) + 1;
    if (strcmp(mode, "honest") == 0 || (d->frames != lie && d->held_len == 0))
        return put(o, payload, len);
    if (strcmp(mode, "drop") == 0)
        return SP_OK;
    if (strcmp(mode, "swap") == 0)
        return swap(d, o, payload, len);
    if (strcmp(mode, "flip") == 0)
        payload[len / 2] ^= 1;
    if (strcmp(mode, "cut") == 0)
        len--;
    if (strcmp(mode, "replay") == 0)
        return put(o, d->first, d->first_len);
    if (len > 0 && (e = put(o, payload, len)) != SP_OK)
        return e;
    return strcmp(mode, "double") == 0 ? put(o, payload, len) : SP_OK;
}
