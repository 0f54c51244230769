/* What an app's memory tells the site's other connectors, and what it takes from them. */
#include "connector/gateway/detect/usual.h"
#include "connector/gateway/siblings.h"
#include "connector/gateway/watch_internal.h"
#include "lib/base/log.h"

/* Each connector has its own moment in the hour for each app: they don't tell all at once. */
static int64_t hour_of(const struct watch *w, sp_unix_ms now)
{
    uint8_t who[2 * sizeof w->o.app.bytes];

    memcpy(who, w->o.self.bytes, sizeof w->o.self.bytes);
    memcpy(who + sizeof w->o.self.bytes, w->o.app.bytes, sizeof w->o.app.bytes);
    uint64_t moment = detect_hash(w->detect, (struct view){who, sizeof who}) % WATCH_MERGE_MS;
    return (now + (int64_t)moment) / WATCH_MERGE_MS;
}

void siblings_begin(struct watch *w, sp_unix_ms now)
{
    w->hour = hour_of(w, now);
}

/* Best effort: what is lost on the way is one object that nobody there knows. */
static void tell_objects(struct watch *w)
{
    uint64_t objects[DETECT_FRESH_MAX];
    size_t n = detect_fresh(w->detect, objects);
    struct json *m = n == 0 ? NULL : siblings_write(w->o.site, w->o.app, n, objects);

    if (m != NULL)
        (void)w->o.siblings(w->o.arg, API_OBJECTS, m);
}

/* One message a second, until all is told. */
static void tell_usual(struct watch *w, sp_unix_ms now)
{
    struct json *m = NULL;
    struct buf told;
    bool more;

    buf_init(&told, USUAL_BYTES_MAX);
    if (usual_tell(w->detect, now, &told, &more) == SP_OK)
        m = siblings_seal(w->o.site, API_USUAL, w->o.app, buf_view(&told));
    if (m != NULL && w->o.siblings(w->o.arg, API_USUAL, m)) {
        usual_told(w->detect);
        w->merging = more;
        if (!more)
            w->saved = 0; /* a connector that is killed must not tell it once more */
    }
    buf_deinit(&told);
}

void siblings_news(struct watch *w, sp_unix_ms now)
{
    if (w->o.site == NULL)
        return;
    tell_objects(w);
    if (hour_of(w, now) != w->hour) {
        w->hour = hour_of(w, now);
        w->merging = true;
    }
    if (w->merging)
        tell_usual(w, now);
}

static sp_error learn_objects(struct watch *w, const struct api_sealed *m)
{
    uint64_t objects[DETECT_FRESH_MAX];
    size_t n = 0;
    sp_error e = siblings_read(w->o.site, m, &n, objects);

    if (e == SP_OK)
        detect_learn(w->detect, n, objects);
    return e;
}

static sp_error learn_usual(struct watch *w, const struct api_sealed *m, sp_unix_ms now)
{
    struct buf told;
    sp_error e;

    buf_init(&told, USUAL_BYTES_MAX);
    if ((e = siblings_open(w->o.site, API_USUAL, m, &told)) == SP_OK)
        e = usual_hear(w->detect, buf_view(&told), now);
    buf_deinit(&told);
    return e;
}

void watch_learn(struct watch *w, enum api_sealed_kind kind, const struct api_sealed *m,
                 sp_unix_ms now)
{
    bool deaf = w->o.site == NULL || w->reading != NULL;
    sp_error e = deaf ? SP_OK : kind == API_OBJECTS ? learn_objects(w, m) : learn_usual(w, m, now);

    if (e != SP_OK)
        log_event(LOG_WARN, "gateway.siblings",
                  e == SP_ERR_SIGNATURE ? "another connector of the site has another " SIBLINGS_FILE
                                        : sp_error_text(e),
                  "app", LOG_ID(w->o.app), NULL);
}
