#include "connector/refusals.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { EACH_MS = 1000 / REFUSALS_A_SECOND, AHEAD_MS = (REFUSALS_BURST - 1) * EACH_MS };

/* GCRA: `next` is when the next record is due; the burst lets it lie ahead. */
struct refused {
    sp_boot_ms next;
    struct edge_audit kept; /* the last that has no record; its detail is owned */
    int64_t count;          /* of those, this one included; 0: none */
};

static void drop_kept(struct refused *f)
{
    json_free(f->kept.detail);
    f->kept = (struct edge_audit){.detail = NULL};
    f->count = 0;
}

void refusals_deinit(struct refusals *r)
{
    struct refused *f;

    for (size_t at = 0; (f = map_next(&r->by_session, &at, NULL)) != NULL;) {
        drop_kept(f);
        free(f);
    }
    map_deinit(&r->by_session);
}

static struct refused *session_of(struct refusals *r, struct sp_id session)
{
    struct refused *f = map_get(&r->by_session, session);

    if (f != NULL || map_len(&r->by_session) == REFUSALS_SESSIONS_MAX ||
        (f = calloc(1, sizeof *f)) == NULL)
        return f;
    if (map_put(&r->by_session, session, f) == SP_OK)
        return f;
    free(f);
    return NULL;
}

static void keep(struct refused *f, const struct edge_audit *a)
{
    int64_t count = f->count + 1;

    drop_kept(f);
    f->kept = *a;
    f->kept.detail = json_ref(a->detail);
    f->count = count;
}

bool refusals_take(struct refusals *r, const struct edge_audit *a, sp_boot_ms now)
{
    struct refused *f = session_of(r, a->session);

    if (f == NULL)
        return true; /* no memory, or too many: rather one record too many than one too few */
    if (f->next < now)
        f->next = now;
    if (f->next - now > AHEAD_MS) {
        keep(f, a);
        return false;
    }
    f->next += EACH_MS;
    return true;
}

bool refusals_tell(struct refusals *r, sp_boot_ms now,
                   void (*tell)(void *arg, const struct edge_audit *a), void *arg)
{
    struct refused *f;
    struct sp_id session;

    for (size_t at = 0; (f = map_next(&r->by_session, &at, &session)) != NULL;) {
        if (f->count > 1)
            json_set_int(f->kept.detail, "left_out", f->count - 1);
        if (f->count > 0)
            tell(arg, &f->kept);
        drop_kept(f);
        if (f->next <= now) {
            map_remove(&r->by_session, session);
            free(f);
        }
    }
    return map_len(&r->by_session) > 0;
}
