#include "connector/spool_internal.h"

#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/crypto/random.h"
#include "lib/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/banned.h"

void spool_batch_init(struct spool_batch *b)
{
    *b = (struct spool_batch){.count = 0};
    buf_init(&b->bytes, SPOOL_BATCH_BYTES + SEGMENT_TEXT_MAX);
}

void spool_batch_deinit(struct spool_batch *b)
{
    buf_deinit(&b->bytes);
    b->count = 0;
}

sp_error spool_open(const char *folder, int64_t max, struct sp_why *why, struct spool **out)
{
    struct spool *s = calloc(1, sizeof *s);
    sp_error e;

    if (s == NULL)
        return SP_ERR_NOMEM;
    s->fd = -1;
    s->max = max;
    s->file_max = max / SEGMENTS;
    if (s->file_max < SEGMENT_BYTES_MIN)
        s->file_max = SEGMENT_BYTES_MIN;
    if (s->file_max > SEGMENT_BYTES_MAX)
        s->file_max = SEGMENT_BYTES_MAX;
    s->id = random_id();
    buf_init(&s->loaded, 2 * SEGMENT_BYTES_MAX);
    snprintf(s->folder, sizeof s->folder, "%s", folder);
    e = strlen(folder) < sizeof s->folder ? file_make_dir(folder, why) : SP_ERR_LIMIT;
    if (e == SP_ERR_FULL)
        e = SP_OK; /* it is made with the first record that finds room */
    else if (e == SP_OK)
        e = spool_find_files(s, why);
    if (e != SP_OK) {
        spool_free(s);
        return e;
    }
    *out = s;
    return SP_OK;
}

struct sp_id spool_id(const struct spool *s)
{
    return s->id;
}

/* ---- appending ---------------------------------------------------------------------------- */

/* The first file goes. What it held is told, or can't be read. */
static void drop_oldest(struct spool *s)
{
    char path[PATH_BYTES];

    spool_path(s, s->files[0].index, path);
    if (s->count == 1 && s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
    if (unlink(path) != 0 && errno != ENOENT)
        log_event(LOG_WARN, "spool.drop", "a told segment can't be removed", "file", path, NULL);
    if (s->loaded_of == s->files[0].index) {
        s->loaded_of = 0;
        buf_deinit(&s->loaded);
    }
    s->count--;
    memmove(s->files, s->files + 1, s->count * sizeof *s->files);
}

static sp_error sync_folder(const struct spool *s)
{
    int fd = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sp_error e = fd < 0 || fsync(fd) != 0 ? spool_io_error(errno) : SP_OK;

    if (fd >= 0)
        close(fd);
    return e;
}

static sp_error write_at(int fd, struct view v, int64_t at)
{
    int number = FAILPOINT_ERRNO("spool:write");

    while (number == 0 && v.len > 0) {
        ssize_t n = pwrite(fd, v.at, FAILPOINT_SHORT("spool:short", v.len), at);
        if (n < 0 && errno != EINTR)
            number = errno;
        if (n > 0) {
            v = view_slice(v, (size_t)n, v.len);
            at += n;
        }
    }
    if (number == 0 && fdatasync(fd) != 0)
        number = errno;
    return number == 0 ? SP_OK : spool_io_error(number);
}

/* A new last file with its head. */
static sp_error begin_file(struct spool *s)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    char path[PATH_BYTES];
    struct buf head;
    sp_error e;

    if (s->count == SPOOL_SEGMENTS_MAX)
        return SP_ERR_LIMIT;
    if ((e = file_make_dir(s->folder, &why)) != SP_OK)
        return e;
    spool_path(s, s->index + 1, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return spool_io_error(errno);
    buf_init(&head, SEGMENT_HEAD_BYTES);
    segment_write_head(s->id, &head);
    if ((e = buf_error(&head)) == SP_OK && (e = write_at(fd, buf_view(&head), 0)) == SP_OK)
        e = sync_folder(s);
    buf_deinit(&head);
    if (e != SP_OK) {
        close(fd);
        unlink(path);
        return e;
    }
    if (s->fd >= 0)
        close(s->fd);
    s->fd = fd;
    s->index++;
    s->files[s->count++] =
        (struct spool_file){.index = s->index, .spool = s->id, .bytes = SEGMENT_HEAD_BYTES};
    return SP_OK;
}

static int64_t all_bytes(const struct spool *s)
{
    int64_t sum = 0;

    for (size_t i = 0; i < s->count; i++)
        sum += s->files[i].bytes;
    return sum;
}

static sp_error put(struct spool *s, struct view bytes, int64_t first, int64_t last, sp_unix_ms at)
{
    struct spool_file *f = s->count > 0 ? &s->files[s->count - 1] : NULL;
    int64_t len = (int64_t)bytes.len;
    sp_error e;

    if (all_bytes(s) + len + SEGMENT_HEAD_BYTES > s->max)
        return SP_ERR_LIMIT;
    if (s->fd < 0 || (f->last > 0 && f->bytes + len > s->file_max)) {
        if ((e = begin_file(s)) != SP_OK)
            return e;
        f = &s->files[s->count - 1];
    }
    if ((e = write_at(s->fd, bytes, f->bytes)) != SP_OK) {
        /* What came through lies behind the file's end, where the next append writes. */
        if (ftruncate(s->fd, f->bytes) != 0 || e == SP_ERR_IO) {
            close(s->fd); /* after a failed sync nobody knows what is there */
            s->fd = -1;
        }
        return e;
    }
    FAILPOINT("spool:kept");
    if (f->last == 0) {
        f->first = first;
        f->oldest = at;
    }
    f->last = last;
    f->bytes += len;
    return SP_OK;
}

sp_error spool_append(struct spool *s, int64_t first, sp_unix_ms at, const struct view *texts,
                      size_t count)
{
    struct buf bytes;

    if (count == 0)
        return SP_OK;
    buf_init(&bytes, 2 * SEGMENT_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct segment_record r = {first + (int64_t)i, at, texts[i]};
        segment_write(s->id, &r, &bytes);
    }
    sp_error e = buf_error(&bytes);
    if (e == SP_OK)
        e = put(s, buf_view(&bytes), first, first + (int64_t)count - 1, at);
    buf_deinit(&bytes);
    return e;
}

sp_error spool_probe(struct spool *s)
{
    static const uint8_t zeros[SPOOL_APPEND_BYTES];
    const struct view room = {zeros, sizeof zeros};
    sp_error e;

    if (all_bytes(s) + (int64_t)room.len > s->max)
        return SP_ERR_LIMIT;
    if (s->fd < 0 && (e = begin_file(s)) != SP_OK)
        return e;
    const struct spool_file *f = &s->files[s->count - 1];
    e = write_at(s->fd, room, f->bytes);
    if (ftruncate(s->fd, f->bytes) != 0 && e == SP_OK)
        e = spool_io_error(errno);
    return e;
}

/* ---- telling ------------------------------------------------------------------------------ */

void spool_told(struct spool *s, struct sp_id spool, int64_t number)
{
    if (!id_equal(s->told_id, spool) || number > s->told) {
        s->told_id = spool;
        s->told = number;
    }
    while (s->count > 0 && id_equal(s->files[0].spool, spool) && s->files[0].last <= number) {
        bool written = s->count == 1 && s->fd >= 0;
        if (written && s->files[0].bytes < SEGMENT_BYTES_MIN)
            return;
        drop_oldest(s);
    }
}

/* What the oldest file holds now, behind what was read of it. */
static sp_error load(struct spool *s)
{
    const struct spool_file *f = &s->files[0];
    char path[PATH_BYTES];
    sp_error e = SP_OK;

    if (s->loaded_of != f->index) {
        buf_deinit(&s->loaded);
        s->loaded_of = f->index;
        s->passed = SEGMENT_HEAD_BYTES;
    }
    spool_path(s, f->index, path);
    if ((int64_t)s->loaded.len < f->bytes)
        e = spool_read_file(path, (int64_t)s->loaded.len, &s->loaded);
    if (e != SP_OK)
        s->loaded_of = 0; /* anew, the next time */
    return e;
}

/* Takes what belongs into one batch from the loaded file. */
static void fill(struct spool *s, int64_t told, struct spool_batch *out)
{
    struct view all = view_slice(buf_view(&s->loaded), 0, (size_t)s->files[0].bytes);
    struct segment_reader r = {.spool = s->files[0].spool,
                               .rest = view_slice(all, s->passed, all.len)};
    struct segment_record record;

    while (out->count < SPOOL_BATCH_MAX && segment_next(&r, &record)) {
        if (record.number > told) {
            if (out->count > 0 && (out->bytes.len + record.text.len > SPOOL_BATCH_BYTES ||
                                   record.number != out->first + (int64_t)out->count))
                return; /* it begins the next batch */
            if (out->count == 0) {
                out->first = record.number;
                out->oldest = record.at;
            }
            out->texts[out->count++] =
                (struct view){out->bytes.at + out->bytes.len, record.text.len};
            buf_add(&out->bytes, record.text);
        }
        s->passed = all.len - r.rest.len;
    }
}

sp_error spool_read(struct spool *s, struct spool_batch *out)
{
    sp_error e;

    buf_reset(&out->bytes);
    out->count = 0;
    if ((e = buf_reserve(&out->bytes, SPOOL_BATCH_BYTES + SEGMENT_TEXT_MAX)) != SP_OK)
        return e;
    while (s->count > 0) {
        const struct spool_file *f = &s->files[0];
        int64_t told = id_equal(s->told_id, f->spool) ? s->told : 0;

        if (f->last <= told && s->count == 1 && s->fd >= 0)
            return SP_OK; /* the next records join it */
        if (f->last > told && (e = load(s)) != SP_OK)
            return e;
        out->spool = f->spool;
        if (f->last > told)
            fill(s, told, out);
        if (out->count > 0)
            return SP_OK;
        if (f->last > told) { /* damaged since the start */
            s->unread += f->bytes - (int64_t)s->passed;
            log_event(LOG_ERROR, "spool.unread", "records of the audit spool can't be read", "from",
                      LOG_INT(told + 1), "to", LOG_INT(f->last), NULL);
        }
        drop_oldest(s);
    }
    return SP_OK;
}

void spool_look(const struct spool *s, struct spool_facts *out)
{
    *out = (struct spool_facts){.bytes = all_bytes(s), .unread = s->unread};
    for (size_t i = 0; i < s->count; i++) {
        const struct spool_file *f = &s->files[i];
        int64_t told = id_equal(s->told_id, f->spool) ? s->told : 0;
        int64_t left = f->last - (told >= f->first ? told : f->first - 1);

        if (f->last > told && out->records == 0)
            out->oldest = f->oldest;
        out->records += left > 0 && f->last > 0 ? left : 0;
    }
}

void spool_free(struct spool *s)
{
    if (s == NULL)
        return;
    /* A start that finds nothing asks nothing. */
    if (s->count == 1 && id_equal(s->told_id, s->files[0].spool) && s->files[0].last <= s->told)
        drop_oldest(s);
    if (s->fd >= 0)
        close(s->fd);
    buf_deinit(&s->loaded);
    free(s);
}
