#include "lib/edge/parcel.h"

#include "lib/base/clock.h"
#include "lib/edge/places.h"
#include "lib/edge/redact.h"
#include "lib/edge/tarball.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { PARCEL_MAX = PARCEL_FILES_MAX * (PARCEL_FILE_MAX + 1024) + 64 * 1024 };

struct parcel {
    bool anonymize;
    struct places places;
    size_t count;
    struct {
        char name[64];
        struct buf text;
    } files[PARCEL_FILES_MAX];
};

/* ---- what is in it ------------------------------------------------------------------------ */

sp_error parcel_new(bool anonymize, struct parcel **out)
{
    struct parcel *p = calloc(1, sizeof *p);

    if (p == NULL)
        return SP_ERR_NOMEM;
    p->anonymize = anonymize;
    *out = p;
    return SP_OK;
}

void parcel_free(struct parcel *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->count; i++)
        buf_deinit(&p->files[i].text);
    free(p);
}

/* Without secrets, and without places where that was asked for. */
static void clean(struct parcel *p, struct view text, struct buf *out)
{
    struct buf safe;

    if (!p->anonymize) {
        redact(text, NULL, 0, out);
        return;
    }
    buf_init(&safe, PARCEL_FILE_MAX);
    redact(text, NULL, 0, &safe);
    if (buf_error(&safe) == SP_OK)
        places_hide(&p->places, buf_view(&safe), out);
    else
        out->err = SP_ERR_LIMIT;
    buf_wipe(&safe);
}

void parcel_add(struct parcel *p, const char *name, struct view text)
{
    if (p->count == PARCEL_FILES_MAX)
        return;
    struct buf *out = &p->files[p->count].text;

    snprintf(p->files[p->count].name, sizeof p->files[0].name, "%s", name);
    p->count++;
    buf_init(out, PARCEL_FILE_MAX);
    clean(p, text, out);
    if (buf_error(out) == SP_OK && out->len > 0)
        return;
    bool empty = buf_error(out) == SP_OK;
    buf_deinit(out);
    buf_init(out, PARCEL_FILE_MAX);
    buf_add_str(out, empty ? "(empty)\n" : "(left out: too long)\n");
}

void parcel_add_json(struct parcel *p, const char *name, const struct json *j)
{
    struct buf text;

    buf_init(&text, PARCEL_FILE_MAX);
    if (json_write_pretty(j, &text) != SP_OK)
        buf_reset(&text);
    parcel_add(p, name, buf_view(&text));
    buf_wipe(&text);
}

void parcel_add_file(struct parcel *p, const char *name, const char *path)
{
    struct sp_why why = {0};
    struct buf text;

    buf_init(&text, PARCEL_FILE_MAX);
    if (file_read(path, PARCEL_FILE_MAX, &text, &why) != SP_OK) {
        buf_reset(&text);
        buf_addf(&text, "(not read: %s)\n", why.text);
    }
    parcel_add(p, name, buf_view(&text));
    buf_wipe(&text);
}

void parcel_list(const struct parcel *p, struct buf *out)
{
    for (size_t i = 0; i < p->count; i++)
        buf_addf(out, "%-16s %6zu bytes\n", p->files[i].name, p->files[i].text.len);
}

/* ---- as a file ----------------------------------------------------------------------- */

sp_error parcel_write(const struct parcel *p, const char *path, struct sp_why *why)
{
    struct buf tar, packed;
    sp_error e = SP_OK;

    buf_init(&tar, PARCEL_MAX);
    buf_init(&packed, PARCEL_MAX + PARCEL_MAX / 1000);
    for (size_t i = 0; e == SP_OK && i < p->count; i++) {
        char name[100];
        (void)snprintf(name, sizeof name, "sallyport-bugreport/%s", p->files[i].name);
        e = tarball_add(&tar, name, buf_view(&p->files[i].text), clock_unix());
    }
    tarball_end(&tar);
    tarball_gzip(buf_view(&tar), &packed);
    if (e == SP_OK && (e = buf_error(&tar)) == SP_OK && (e = buf_error(&packed)) == SP_OK)
        e = file_create_secret(path, buf_view(&packed), why);
    buf_deinit(&packed);
    buf_deinit(&tar);
    return e;
}
