#include "connector/gateway/detect/usual_internal.h"

#include <stdlib.h>

enum { HEAD_BYTES = 16 + 8, ENTRY_HEAD_BYTES = 1 + 2 + 8 };

/* The number of a kind is its place here, from 1 on. */
static const struct usual_kind *const kinds[NOTES] = {
    [NOTE_WINDOWS] = &usual_windows, [NOTE_HOURS] = &usual_hours,
    [NOTE_PRIVATE] = &usual_private, [NOTE_FUNCTIONS] = &usual_functions,
    [NOTE_FLOWS] = &usual_flows,
};

/* A record of any kind. */
union any_note {
    uint64_t aligned;
    uint8_t bytes[USUAL_NOTE_MAX];
};

sp_error usual_new(struct detect *d)
{
    sp_error e = SP_OK;

    for (size_t u = 0; u < NOTES && e == SP_OK; u++)
        e = kinds[u]->bytes > USUAL_NOTE_MAX
                ? SP_ERR_LIMIT
                : slots_new(kinds[u]->entries, kinds[u]->bytes, &d->usual.notes[u]);
    return e;
}

void usual_free(struct detect *d)
{
    for (size_t u = 0; u < NOTES; u++)
        slots_free(d->usual.notes[u]);
}

size_t usual_bytes(const struct detect *d)
{
    size_t bytes = 0;

    for (size_t u = 0; u < NOTES && d->options.shared; u++)
        bytes += slots_bytes(d->usual.notes[u]);
    return bytes;
}

void *usual_note(struct detect *d, enum note n, uint64_t key, sp_unix_ms now)
{
    return d->options.shared ? slots_take(d->usual.notes[n], key, now, NULL) : NULL;
}

/* Telling ---------------------------------------------------------------------------------- */

/* The tables one after the other, each as it lies: what a message holds are the first so many. */
struct walk_over {
    size_t kind, at;
    uint64_t key;
};

static void *next(const struct detect *d, struct walk_over *w)
{
    void *note = NULL;

    while (w->kind < NOTES &&
           (note = slots_next(d->usual.notes[w->kind], &w->at, &w->key)) == NULL) {
        w->kind++;
        w->at = 0;
    }
    return note;
}

/* false: it does not fit any more. */
static bool add_entry(struct buf *out, size_t room, const struct walk_over *w, struct buf *body)
{
    if (body->len > UINT16_MAX || ENTRY_HEAD_BYTES + body->len > room)
        return false;
    buf_add_uint(out, w->kind + 1, 1);
    buf_add_uint(out, body->len, 2);
    buf_add_uint(out, w->key, 8);
    buf_add(out, buf_view(body));
    return true;
}

sp_error usual_tell(struct detect *d, sp_unix_ms now, struct buf *out, bool *more)
{
    struct usual_state *s = &d->usual;
    struct walk_over w = {0};
    size_t from = out->len;
    sp_error e = SP_OK;
    struct buf body;

    if (!d->options.shared)
        return SP_ERR_DENIED;
    s->number_next = now > s->number ? now : s->number + (s->number < INT64_MAX);
    buf_add(out, (struct view){d->options.self.bytes, sizeof d->options.self.bytes});
    buf_add_uint(out, (uint64_t)s->number_next, 8);
    buf_init(&body, USUAL_NOTE_MAX * 2);
    s->telling = 0;
    *more = false;
    for (const void *note; e == SP_OK && !*more && (note = next(d, &w)) != NULL;) {
        buf_reset(&body);
        kinds[w.kind]->write(note, &body);
        e = buf_error(&body);
        *more = e == SP_OK && !add_entry(out, USUAL_BYTES_MAX - (out->len - from), &w, &body);
        s->telling += !*more;
    }
    buf_deinit(&body);
    return e != SP_OK ? e : buf_error(out);
}

void usual_told(struct detect *d)
{
    struct usual_state *s = &d->usual;
    struct walk_over w = {0};

    for (; s->telling > 0 && next(d, &w) != NULL; s->telling--)
        slots_drop(s->notes[w.kind], w.key);
    s->telling = 0;
    s->number = s->number_next;
}

/* Hearing ---------------------------------------------------------------------------------- */

/* The next entry: its record to `note`. NULL: of a kind that is not known, or the cursor failed. */
static const struct usual_kind *take_entry(struct cursor *c, uint64_t *key, union any_note *note)
{
    uint64_t kind = cur_uint(c, 1);
    size_t len = (size_t)cur_uint(c, 2);

    *key = cur_uint(c, 8);
    struct cursor body = cur_over(cur_take(c, len), SP_ERR_MALFORMED);
    if (kind == 0)
        cur_fail(c, SP_ERR_MALFORMED);
    if (c->err != SP_OK || kind > NOTES)
        return NULL;
    const struct usual_kind *k = kinds[kind - 1];
    memset(note, 0, k->bytes);
    k->read(&body, note);
    if (body.err != SP_OK || body.rest.len != 0)
        cur_fail(c, SP_ERR_MALFORMED);
    return c->err == SP_OK ? k : NULL;
}

static struct teller *teller_of(struct usual_state *s, struct sp_id id)
{
    for (size_t i = 0; i < s->teller_count; i++)
        if (id_equal(s->tellers[i].id, id))
            return &s->tellers[i];
    return NULL;
}

/* Whoever is forgotten leaves its number: nobody new may tell what is not newer, so that a message
 * of the forgotten one is still known when it comes again. */
static struct teller *place_for(struct usual_state *s)
{
    struct teller *oldest = &s->tellers[0];

    if (s->teller_count < USUAL_TELLERS_MAX)
        return &s->tellers[s->teller_count++];
    for (size_t i = 1; i < s->teller_count; i++)
        if (s->tellers[i].at < oldest->at)
            oldest = &s->tellers[i];
    if (oldest->number > s->floor)
        s->floor = oldest->number;
    return oldest;
}

SP_MUST static sp_error check(struct detect *d, struct view message, sp_unix_ms now,
                              struct teller *out)
{
    struct cursor c = cur_over(message, SP_ERR_MALFORMED);
    struct view id = cur_take(&c, sizeof out->id.bytes);
    uint64_t number = cur_uint(&c, 8), key;
    union any_note note;

    while (c.err == SP_OK && c.rest.len > 0)
        (void)take_entry(&c, &key, &note);
    if (c.err != SP_OK || number > INT64_MAX || message.len > USUAL_BYTES_MAX)
        return SP_ERR_MALFORMED;
    *out = (struct teller){.number = (int64_t)number, .at = now};
    memcpy(out->id.bytes, id.at, id.len);
    const struct teller *before = teller_of(&d->usual, out->id);
    if (id_equal(out->id, d->options.self) ||
        out->number <= (before != NULL ? before->number : d->usual.floor))
        return SP_ERR_REPLAY;
    return since(out->number, now) > USUAL_AHEAD_MS ? SP_ERR_EXPIRED : SP_OK;
}

sp_error usual_hear(struct detect *d, struct view message, sp_unix_ms now)
{
    struct teller teller;
    union any_note note;
    uint64_t key;
    sp_error e = d->options.shared ? check(d, message, now, &teller) : SP_ERR_DENIED;

    if (e != SP_OK)
        return e;
    struct teller *t = teller_of(&d->usual, teller.id);
    *(t != NULL ? t : place_for(&d->usual)) = teller;
    struct cursor c = cur_over(view_slice(message, HEAD_BYTES, message.len), SP_ERR_MALFORMED);
    while (c.rest.len > 0 && c.err == SP_OK) {
        const struct usual_kind *k = take_entry(&c, &key, &note);
        if (k != NULL)
            k->merge(d, key, &note, now);
    }
    return SP_OK;
}

size_t usual_heard(const struct detect *d, sp_unix_ms now)
{
    size_t n = 0;

    for (size_t i = 0; i < d->usual.teller_count; i++)
        n += since(now, d->usual.tellers[i].at) < USUAL_HEARD_MS;
    return n;
}

/* The end of the snapshot: notes, numbers, tellers ----------------------------------------- */

void usual_save(const struct detect *d, struct buf *out)
{
    const struct usual_state *s = &d->usual;

    if (!d->options.shared)
        return;
    for (size_t u = 0; u < NOTES; u++)
        buf_add(out, slots_state(s->notes[u]));
    buf_add_uint(out, (uint64_t)s->number, 8);
    buf_add_uint(out, (uint64_t)s->floor, 8);
    for (size_t i = 0; i < s->teller_count; i++) {
        buf_add(out, (struct view){s->tellers[i].id.bytes, sizeof s->tellers[i].id.bytes});
        buf_add_uint(out, (uint64_t)s->tellers[i].number, 8);
        buf_add_uint(out, (uint64_t)s->tellers[i].at, 8);
    }
}

sp_error usual_load(struct detect *d, struct view state)
{
    struct cursor c = cur_over(state, SP_ERR_MALFORMED);
    struct usual_state *s = &d->usual;
    sp_error e = SP_OK;

    if (!d->options.shared) /* it was, and is no more: nobody is told */
        return SP_OK;
    for (size_t u = 0; u < NOTES && e == SP_OK; u++)
        e = slots_load(s->notes[u], cur_take(&c, slots_bytes(s->notes[u])));
    s->number = (int64_t)cur_uint(&c, 8);
    s->floor = (int64_t)cur_uint(&c, 8);
    for (s->teller_count = 0; c.rest.len > 0 && c.err == SP_OK;) {
        struct teller t = {0};
        struct view id = cur_take(&c, sizeof t.id.bytes);
        t.number = (int64_t)cur_uint(&c, 8);
        t.at = (int64_t)cur_uint(&c, 8);
        if (s->teller_count == USUAL_TELLERS_MAX)
            cur_fail(&c, SP_ERR_MALFORMED);
        if (c.err == SP_OK) {
            memcpy(t.id.bytes, id.at, id.len);
            s->tellers[s->teller_count++] = t;
        }
    }
    return e != SP_OK ? e : c.err;
}

void usual_forget(struct detect *d)
{
    struct walk_over w = {0};

    if (d->options.shared)
        while (next(d, &w) != NULL)
            slots_drop(d->usual.notes[w.kind], w.key);
    d->usual.number = d->usual.floor = 0;
    d->usual.teller_count = 0;
}
