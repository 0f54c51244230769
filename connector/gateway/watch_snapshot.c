/* What was learned of an app on its way to the disk and back. The loop copies; workers read, write
 * and hash. */
#include "connector/gateway/watch_internal.h"
#include "lib/base/log.h"
#include "lib/os/file.h"
#include "lib/os/pool.h"
#include "lib/proto/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/banned.h"

enum { SNAPSHOT_MAX = 24 * 1024 * 1024, PATH_MAX_BYTES = 1200 };

/* "SPW1", length of the inventory's part (8), that part, the detectors' part. */
static const char magic[] = "SPW1";

/* Of the worker from pool_submit until `done`. */
struct saving {
    struct watch *watch; /* NULL: the watch is gone */
    char path[PATH_MAX_BYTES];
    struct buf text;
    size_t detectors; /* where in `text` their part begins; its seal is not there yet */
    sp_error e;
    struct sp_why why;
};

/* The same the other way. */
struct reading {
    struct watch *watch; /* NULL: the watch is gone */
    char path[PATH_MAX_BYTES];
    struct buf text;
    struct view inventory, detectors; /* in `text`, the seal of these off */
    sp_error e;
    struct sp_why why;
};

static void path_of(const struct watch *w, char *out)
{
    snprintf(out, PATH_MAX_BYTES, "%s/watch-%s", w->o.state, id_text(w->o.app).s);
}

/* ---- to the disk --------------------------------------------------------------------------- */

SP_MUST static sp_error write_state(const struct watch *w, struct buf *out, size_t *at)
{
    struct buf part;
    sp_error e;

    buf_init(&part, SNAPSHOT_MAX);
    if ((e = inventory_save(w->inventory, &part)) == SP_OK) {
        buf_add_str(out, magic);
        buf_add_uint(out, part.len, 8);
        buf_add(out, buf_view(&part));
        e = buf_error(out);
    }
    buf_deinit(&part);
    *at = out->len;
    return e != SP_OK ? e : detect_write(w->detect, out);
}

static void on_write(void *arg)
{
    struct saving *s = arg;

    if ((s->e = detect_seal(&s->text, s->detectors)) == SP_OK)
        s->e = file_write_secret(s->path, buf_view(&s->text), &s->why);
}

static void saving_end(struct saving *s)
{
    if (s->e != SP_OK)
        log_event(LOG_ERROR, "gateway.watch",
                  s->why.text[0] != '\0' ? s->why.text : sp_error_text(s->e), NULL);
    buf_deinit(&s->text);
    free(s);
}

static void on_written(void *arg)
{
    struct saving *s = arg;

    if (s->watch != NULL)
        s->watch->saving = NULL;
    saving_end(s);
}

static struct saving *saving_new(struct watch *w)
{
    struct saving *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->watch = w;
    path_of(w, s->path);
    buf_init(&s->text, SNAPSHOT_MAX);
    if ((s->e = write_state(w, &s->text, &s->detectors)) == SP_OK)
        return s;
    saving_end(s);
    return NULL;
}

void snapshot_save(struct watch *w)
{
    struct saving *s =
        w->saving != NULL || w->keep_file || w->o.pool == NULL ? NULL : saving_new(w);

    if (s == NULL)
        return;
    w->saving = s;
    if (pool_submit(w->o.pool, POOL_PLAIN, on_write, on_written, s) != SP_OK) {
        w->saving = NULL; /* the next one, in five minutes */
        saving_end(s);
    }
}

void snapshot_leave(struct watch *w)
{
    if (w->saving != NULL) {
        w->saving->watch = NULL;
    } else if (w->reading != NULL) {
        w->reading->watch = NULL;
    } else if (!w->keep_file) {
        struct saving *s = saving_new(w);
        if (s != NULL) {
            on_write(s);
            saving_end(s);
        }
    }
}

/* ---- and back ------------------------------------------------------------------------------ */

SP_MUST static sp_error split(struct reading *r)
{
    struct cursor c = cur_over(buf_view(&r->text), SP_ERR_MALFORMED);
    bool right = view_is(cur_take(&c, 4), magic);

    r->inventory = cur_take(&c, (size_t)cur_uint(&c, 8));
    r->detectors = c.rest;
    return c.err != SP_OK || !right ? SP_ERR_MALFORMED : detect_unseal(&r->detectors);
}

static void on_read(void *arg)
{
    struct reading *r = arg;

    if ((r->e = file_read_secret(r->path, SNAPSHOT_MAX, &r->text, &r->why)) == SP_OK)
        r->e = split(r);
}

/* What was expected meanwhile was hashed under another key. */
static void expect_now(struct watch *w)
{
    struct json *members = w->expected;
    struct api_expect e;
    struct sp_why why = {{0}, {0}, 0, 0};

    w->expected = NULL;
    if (members != NULL && fields_read(members, api_expect_fields, &why, &e) == SP_OK)
        watch_expect(w, &e, w->o.now);
    json_free(members);
}

static void take(struct watch *w, struct reading *r)
{
    sp_error e = r->e;

    /* A connector that ends before a worker came to it has learned nothing that is worth a file. */
    w->keep_file = e == SP_ERR_CLOSED;
    if (e == SP_OK && (e = inventory_load(w->inventory, r->inventory)) == SP_OK)
        e = detect_read(w->detect, r->detectors);
    if (e != SP_OK && e != SP_ERR_NOT_FOUND)
        log_event(LOG_WARN, "gateway.watch",
                  "what was learned of an app can't be read; it starts anew", "app",
                  LOG_ID(w->o.app), "reason", sp_error_text(e), NULL);
}

static void on_was_read(void *arg)
{
    struct reading *r = arg;
    struct watch *w = r->watch;

    if (w != NULL) {
        w->reading = NULL;
        take(w, r);
        expect_now(w);
    }
    buf_deinit(&r->text);
    free(r);
    if (w != NULL && w->ready != NULL)
        w->ready(w->ready_arg);
}

void snapshot_read(struct watch *w)
{
    struct reading *r = calloc(1, sizeof *r);

    if (r == NULL) {
        w->keep_file = true;
        return;
    }
    *r = (struct reading){.watch = w, .e = SP_ERR_CLOSED};
    path_of(w, r->path);
    buf_init(&r->text, SNAPSHOT_MAX);
    if (access(r->path, F_OK) != 0) { /* the usual first time */
        free(r);
        return;
    }
    w->reading = r;
    if (w->o.pool == NULL || pool_submit(w->o.pool, POOL_PLAIN, on_read, on_was_read, r) != SP_OK) {
        on_read(r);
        on_was_read(r);
    }
}
