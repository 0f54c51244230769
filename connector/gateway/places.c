#include "connector/gateway/places.h"

#include <stdlib.h>

/* Of one key; there while somebody holds a place of it or waits. */
struct place_line {
    struct sp_id key;
    size_t held, waiting;
    struct place *first, **end;
};

void places_init(struct places *p, struct loop *loop)
{
    *p = (struct places){.loop = loop};
}

void places_deinit(struct places *p)
{
    size_t at = 0;

    for (struct place_line *l; (l = map_next(&p->lines, &at, NULL)) != NULL;)
        free(l);
    map_deinit(&p->lines);
}

struct sp_id places_key(struct sp_id app, struct sp_id user)
{
    for (size_t i = 0; i < sizeof app.bytes; i++)
        app.bytes[i] ^= user.bytes[i]; /* both are random */
    return app;
}

SP_MUST static sp_error line_of(struct places *p, struct sp_id key, struct place_line **out)
{
    struct place_line *l = map_get(&p->lines, key);
    sp_error e = SP_ERR_NOMEM;

    if (l == NULL) {
        if ((l = calloc(1, sizeof *l)) == NULL || (e = map_put(&p->lines, key, l)) != SP_OK) {
            free(l);
            return e;
        }
        l->key = key;
        l->end = &l->first;
    }
    *out = l;
    return SP_OK;
}

static void on_news(void *arg)
{
    struct place *place = arg;

    place->turn(place->arg);
}

sp_error place_enter(struct places *p, const struct place_limit *of, void (*turn)(void *arg),
                     void *arg, struct place *place)
{
    struct place_line *l;
    sp_error e;

    if ((e = line_of(p, of->key, &l)) != SP_OK)
        return e;
    *place = (struct place){.line = l, .turn = turn, .arg = arg};
    deferred_init(&place->news, on_news, place);
    if (l->held < of->max && l->waiting == 0) {
        l->held++;
        place->held = true;
        return SP_OK;
    }
    if (l->waiting >= of->line_max) {
        *place = (struct place){0};
        return SP_ERR_FULL;
    }
    place->at = l->end;
    *l->end = place;
    l->end = &place->next;
    l->waiting++;
    return SP_ERR_AGAIN;
}

static void leave_line(struct place *place)
{
    struct place_line *l = place->line;

    *place->at = place->next;
    if (place->next != NULL)
        place->next->at = place->at;
    else
        l->end = place->at;
    place->next = NULL;
    place->at = NULL;
    l->waiting--;
}

void place_leave(struct places *p, struct place *place)
{
    struct place_line *l = place->line;

    if (l == NULL)
        return;
    deferred_cancel(p->loop, &place->news);
    if (!place->held) {
        leave_line(place);
    } else if (l->first != NULL) {
        struct place *next = l->first; /* it changes hands */
        leave_line(next);
        next->held = true;
        deferred_queue(p->loop, &next->news);
    } else {
        l->held--;
    }
    *place = (struct place){0};
    if (l->held == 0 && l->waiting == 0) {
        map_remove(&p->lines, l->key);
        free(l);
    }
}

size_t places_held(const struct places *p, struct sp_id key)
{
    const struct place_line *l = map_get(&p->lines, key);

    return l == NULL ? 0 : l->held;
}

void *place_first(const struct place *place)
{
    return place->line == NULL || place->line->first == NULL ? NULL : place->line->first->arg;
}
