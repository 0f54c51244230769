#include "connector/gateway/renew.h"

#include "lib/base/log.h"
#include "lib/os/pool.h"
#include "lib/tls/expiry.h"
#include "lib/trust/apprec.h"

#include <stdlib.h>

#include "lib/base/banned.h"

enum { CHAIN_MAX = 64 * 1024 };

/* Of the worker from pool_submit until its `done`. */
struct errand {
    struct certs_spec files;
    struct file_mark loaded[CERTS_FILES], seen[CERTS_FILES];
    bool first;
    bool due; /* others than those that were loaded rest there */
    sp_error e;
    struct sp_why why;
    struct certs certs; /* due, and SP_OK */
    struct renew_ends ends;
};

struct renew {
    unsigned holders;
    struct errand errand;
    bool busy; /* the errand is a worker's */
    bool ready, changed;
    unsigned generation;
    char app[APPREC_NAME_MAX + 1];
    struct certs certs;
    struct renew_ends ends;
    sp_boot_ms looked;
    struct pool *pool;
    renew_ready *told; /* NULL: nobody waits */
    void *arg;
};

/* ---- on a worker --------------------------------------------------------------------------- */

static void look(const struct certs_spec *files, struct file_mark out[CERTS_FILES])
{
    for (size_t i = 0; i < CERTS_FILES; i++)
        out[i] = files->paths[i][0] != '\0' ? file_mark(files->paths[i]) : (struct file_mark){0};
}

/* Of the first certificate in the file; 0: it can't be read. */
static sp_unix_ms end_of(const char *path)
{
    sp_unix_ms until = 0;
    struct buf pem;

    if (path[0] == '\0')
        return 0;
    buf_init(&pem, CHAIN_MAX);
    if (file_read(path, CHAIN_MAX, &pem, NULL) != SP_OK ||
        tls_expires(buf_view(&pem), &until) != SP_OK)
        until = 0;
    buf_deinit(&pem);
    return until;
}

static bool is_due(struct errand *w)
{
    struct file_mark marks[CERTS_FILES];

    look(&w->files, marks);
    bool rest = w->first || memcmp(marks, w->seen, sizeof marks) == 0;
    memcpy(w->seen, marks, sizeof marks);
    if (!rest || (!w->first && memcmp(marks, w->loaded, sizeof marks) == 0))
        return false;
    memcpy(w->loaded, marks, sizeof marks);
    return true;
}

static void on_work(void *arg)
{
    struct errand *w = &((struct renew *)arg)->errand;

    w->e = SP_OK;
    w->due = is_due(w);
    if (w->due && (w->e = certs_load(&w->files, &w->certs, &w->why)) == SP_OK)
        w->ends = (struct renew_ends){.front = end_of(w->files.paths[CERTS_FRONT_CHAIN]),
                                      .app = end_of(w->files.paths[CERTS_APP_CHAIN])};
}

/* ---- on the loop --------------------------------------------------------------------------- */

static void destroy(struct renew *r)
{
    certs_free(&r->errand.certs);
    certs_free(&r->certs);
    free(r);
}

static void take(struct renew *r)
{
    struct errand *w = &r->errand;

    if (w->e != SP_OK || !w->due)
        return;
    certs_free(&r->certs); /* who uses them keeps a share */
    r->certs = w->certs;
    w->certs = (struct certs){NULL, NULL};
    r->ends = w->ends;
    r->changed = r->ready = true;
}

static void tell_renewed(const struct renew *r)
{
    const struct errand *w = &r->errand;

    if (w->due && w->e == SP_OK)
        log_event(LOG_INFO, "gateway.certificate", "certificates of this app were read anew", "app",
                  r->app, NULL);
    else if (w->due)
        log_event(LOG_ERROR, "gateway.certificate",
                  w->why.text[0] != '\0' ? w->why.text : sp_error_text(w->e), "app", r->app,
                  "in_force", "those before", NULL);
}

static void on_done(void *arg)
{
    struct renew *r = arg;
    renew_ready *told = r->told;
    struct sp_why why = r->errand.why;
    sp_error e = r->errand.e;

    r->busy = false;
    r->told = NULL;
    if (r->holders == 0) {
        destroy(r);
        return;
    }
    take(r);
    if (told != NULL)
        told(r->arg, e, &why); /* r may be gone from here on */
    else
        tell_renewed(r);
}

SP_MUST static sp_error send(struct renew *r, bool first)
{
    struct errand *w = &r->errand;

    w->first = first;
    w->due = false;
    w->e = SP_ERR_CLOSED; /* where the pool ends before a worker comes to it */
    w->why = (struct sp_why){{0}, {0}, 0, 0};
    sp_error e = pool_submit(r->pool, POOL_PLAIN, on_work, on_done, r);
    r->busy = e == SP_OK;
    return e;
}

sp_error renew_new(const struct renew_source *from, struct renew **out)
{
    struct renew *r = calloc(1, sizeof *r);

    if (r == NULL)
        return SP_ERR_NOMEM;
    r->holders = 1;
    r->errand.files = *from->files;
    r->pool = from->pool;
    r->generation = from->generation;
    view_copy(r->app, sizeof r->app, view_str(from->app));
    *out = r;
    return SP_OK;
}

struct renew *renew_hold(struct renew *r)
{
    r->holders++;
    return r;
}

void renew_free(struct renew *r)
{
    if (r == NULL || --r->holders > 0)
        return;
    if (!r->busy) /* else on_done() does it */
        destroy(r);
}

bool renew_is(const struct renew *r, const struct renew_source *from)
{
    const struct certs_spec *a = &r->errand.files, *b = from->files;
    bool same = r->generation == from->generation && a->front == b->front &&
                a->front_http2 == b->front_http2 && a->app == b->app &&
                a->app_http2 == b->app_http2 && a->pinned == b->pinned &&
                memcmp(a->pin, b->pin, sizeof a->pin) == 0;

    for (size_t i = 0; i < CERTS_FILES && same; i++)
        same = strcmp(a->paths[i], b->paths[i]) == 0;
    return same;
}

bool renew_is_ready(const struct renew *r)
{
    return r->ready;
}

sp_error renew_load(struct renew *r, renew_ready *ready, void *arg)
{
    sp_error e = send(r, true);

    if (e == SP_OK) {
        r->told = ready;
        r->arg = arg;
    }
    return e;
}

bool renew_tick(struct renew *r, sp_boot_ms now)
{
    bool changed = r->changed;

    r->changed = false;
    if (!r->busy && now - r->looked >= RENEW_LOOK_MS) {
        r->looked = now;
        sp_ignore(send(r, false)); /* the pool is full: at the next look */
    }
    return changed;
}

struct renew_ends renew_ends(const struct renew *r)
{
    return r->ends;
}

const struct certs *renew_certs(const struct renew *r)
{
    return &r->certs;
}
