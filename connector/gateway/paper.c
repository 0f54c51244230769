#include "connector/gateway/paper.h"

#include "lib/base/log.h"
#include "lib/crypto/hash.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/banned.h"

enum { PATH_BYTES = 4096 };

/* What makes two papers the same, with texts of its own. */
struct source {
    char path[PATH_BYTES];
    char *prefix;
    uint8_t sha256[HASH_BYTES];
    bool named; /* by sha256 */
    bool assert_formats;
    unsigned generation;
};

/* Of the worker from pool_submit until `done`. */
struct reading {
    struct paper *paper; /* borrowed; NULL: nobody waits any more */
    struct source from;
    struct api_document *api;
    struct routes *routes;
    sp_error e;
    struct sp_why why;
    int64_t took_us;
    struct hash sha256;
};

struct paper {
    unsigned holders;
    struct source from;
    struct reading *reading; /* NULL: it was read */
    struct api_document *api;
    struct routes *routes; /* NULL: not ready */
    struct hash sha256;    /* of its text */
    int64_t took_us;
    paper_ready *ready;
    void *arg;
};

/* ---- on a worker --------------------------------------------------------------------------- */

/* The first error is what a person mends first. */
SP_MUST static sp_error say_fault(struct reading *r, sp_error e, const struct api_notes *notes)
{
    const char *name = strrchr(r->from.path, '/') + 1;

    for (size_t i = 0; i < notes->count; i++) {
        if (notes->items[i].error)
            return sp_why_say(&r->why, e, "%s: %s: %s (%zu errors)", name, notes->items[i].pointer,
                              notes->items[i].text, notes->errors);
    }
    return sp_why_say(&r->why, e, "%s: %s", name, sp_error_text(e));
}

static void log_loaded(const struct reading *r, const struct api_notes *notes)
{
    log_event(LOG_INFO, "gateway.document", "an API document was compiled", "file",
              strrchr(r->from.path, '/') + 1, "operations",
              LOG_INT((int64_t)api_operation_count(r->api)), "warnings",
              LOG_INT((int64_t)notes->warnings), "bytes", LOG_INT((int64_t)api_bytes(r->api)), "us",
              LOG_INT(r->took_us), NULL);
}

/* A document by its hash. What lies under its name and is not it goes, to be fetched anew. */
SP_MUST static sp_error load_named(struct reading *r, const struct api_options *o,
                                   struct api_notes *notes)
{
    struct buf text;
    sp_error e;

    buf_init(&text, PAPER_DOCUMENT_MAX);
    if ((e = file_read(r->from.path, PAPER_DOCUMENT_MAX, &text, NULL)) == SP_OK) {
        r->sha256 = hash_sha256(buf_view(&text));
        if (memcmp(r->sha256.bytes, r->from.sha256, HASH_BYTES) != 0) {
            log_event(LOG_WARN, "gateway.document",
                      "a kept document is damaged: it is fetched anew", "file",
                      strrchr(r->from.path, '/') + 1, NULL);
            sp_ignore(file_remove(r->from.path, NULL)); /* else the next fetch replaces it */
            e = SP_ERR_NOT_FOUND;
        } else {
            e = api_load(buf_view(&text), o, notes, &r->api);
        }
    }
    buf_deinit(&text);
    return e;
}

/* A file of the administrator's, and its hash: records name by it what a request was held to. */
SP_MUST static sp_error load_file(struct reading *r, const struct api_options *o,
                                  struct api_notes *notes)
{
    struct buf text;
    sp_error e;

    buf_init(&text, API_BYTES_MAX);
    if ((e = api_load_file(r->from.path, o, notes, &r->api)) == SP_OK &&
        (e = file_read(r->from.path, API_BYTES_MAX, &text, NULL)) == SP_OK)
        r->sha256 = hash_sha256(buf_view(&text));
    buf_deinit(&text);
    return e;
}

static void read_it(struct reading *r)
{
    struct api_options o = {.ignore_formats = !r->from.assert_formats};
    struct api_notes notes = {0};
    int64_t began = clock_boot_us();

    r->e = r->from.named ? load_named(r, &o, &notes) : load_file(r, &o, &notes);
    if (r->e == SP_OK)
        r->e = routes_new(r->api, view_str(r->from.prefix), &r->routes);
    r->took_us = clock_boot_us() - began;
    if (r->e == SP_OK)
        log_loaded(r, &notes);
    else
        r->e = say_fault(r, r->e, &notes);
    api_notes_deinit(&notes);
}

static void on_work(void *arg)
{
    read_it(arg);
}

/* ---- on the loop --------------------------------------------------------------------------- */

static void source_deinit(struct source *s)
{
    free(s->prefix);
}

SP_MUST static sp_error source_copy(const struct paper_source *from, struct source *to)
{
    int n = snprintf(to->path, sizeof to->path, "%s/%s", from->folder, from->name);

    if (n <= 0 || (size_t)n >= sizeof to->path)
        return SP_ERR_LIMIT;
    to->prefix = calloc(1, from->prefix.len + 1);
    if (to->prefix == NULL)
        return SP_ERR_NOMEM;
    view_copy(to->prefix, from->prefix.len + 1, from->prefix);
    to->named = from->sha256 != NULL;
    if (to->named)
        memcpy(to->sha256, from->sha256, HASH_BYTES);
    to->assert_formats = from->assert_formats;
    to->generation = from->generation;
    return SP_OK;
}

static void reading_free(struct reading *r)
{
    routes_free(r->routes);
    api_free(r->api);
    source_deinit(&r->from);
    free(r);
}

static void on_read(void *arg)
{
    struct reading *r = arg;
    struct paper *p = r->paper;
    sp_error e = r->e;
    struct sp_why why = r->why;

    if (p != NULL) {
        p->reading = NULL;
        p->api = r->api;
        p->routes = r->routes;
        p->sha256 = r->sha256;
        p->took_us = r->took_us;
        r->api = NULL;
        r->routes = NULL;
    }
    reading_free(r);
    if (p != NULL)
        p->ready(p->arg, e, &why); /* p may be gone from here on */
}

sp_error paper_load(struct pool *pool, const struct paper_source *from, paper_ready *ready,
                    void *arg, struct paper **out)
{
    struct paper *p = calloc(1, sizeof *p);
    struct reading *r = calloc(1, sizeof *r);
    sp_error e = SP_ERR_NOMEM;

    if (p != NULL)
        *p = (struct paper){.holders = 1, .ready = ready, .arg = arg};
    if (p != NULL && r != NULL) {
        *r = (struct reading){.paper = p, .e = SP_ERR_CLOSED};
        if ((e = source_copy(from, &p->from)) == SP_OK &&
            (e = source_copy(from, &r->from)) == SP_OK)
            e = pool_submit(pool, POOL_PLAIN, on_work, on_read, r);
    }
    if (e == SP_OK) {
        p->reading = r;
        *out = p;
        return SP_OK;
    }
    if (r != NULL)
        reading_free(r);
    paper_free(p);
    return e;
}

struct paper *paper_hold(struct paper *p)
{
    p->holders++;
    return p;
}

void paper_free(struct paper *p)
{
    if (p == NULL || --p->holders > 0)
        return;
    if (p->reading != NULL)
        p->reading->paper = NULL; /* the worker's end is nobody's */
    routes_free(p->routes);
    api_free(p->api);
    source_deinit(&p->from);
    free(p);
}

bool paper_is(const struct paper *p, const struct paper_source *from)
{
    const struct source *s = &p->from;
    size_t folder = strlen(from->folder);

    if (strncmp(s->path, from->folder, folder) != 0 || s->path[folder] != '/' ||
        strcmp(s->path + folder + 1, from->name) != 0 || !view_is(from->prefix, s->prefix) ||
        s->named != (from->sha256 != NULL) || s->assert_formats != from->assert_formats)
        return false;
    return s->named ? memcmp(s->sha256, from->sha256, HASH_BYTES) == 0
                    : s->generation == from->generation;
}

bool paper_is_ready(const struct paper *p)
{
    return p->routes != NULL;
}

const struct api_document *paper_api(const struct paper *p)
{
    return p->api;
}

const struct routes *paper_routes(const struct paper *p)
{
    return p->routes;
}

int64_t paper_load_us(const struct paper *p)
{
    return p->took_us;
}

const uint8_t *paper_sha256(const struct paper *p)
{
    return p->sha256.bytes;
}
