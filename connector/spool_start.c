/* What a start finds in the folder of the spool: segments of earlier ones, whole or not. */
#include "connector/spool_internal.h"

#include "lib/base/encode.h"
#include "lib/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/banned.h"

void spool_path(const struct spool *s, uint64_t index, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/%016llx.log", s->folder, (unsigned long long)index);
}

sp_error spool_io_error(int number)
{
    return number == ENOSPC || number == EDQUOT  ? SP_ERR_FULL
           : number == EACCES || number == EPERM ? SP_ERR_PERMISSION
           : number == EROFS                     ? SP_ERR_PERMISSION
                                                 : SP_ERR_IO;
}

/* All bytes from `from`, appended to `out`. */
sp_error spool_read_file(const char *path, int64_t from, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint8_t part[16 * 1024];
    ssize_t n = 0;
    sp_error e = fd < 0 ? spool_io_error(errno) : SP_OK;

    while (e == SP_OK && (n = pread(fd, part, sizeof part, from)) > 0) {
        e = buf_append(out, (struct view){part, (size_t)n});
        from += n;
    }
    if (e == SP_OK && n < 0)
        e = spool_io_error(errno);
    if (fd >= 0)
        close(fd);
    return e;
}

/* The numbers that stand in it. */
static void count_records(struct spool *s, struct spool_file *f, struct view bytes)
{
    struct segment_reader r = {.spool = f->spool,
                               .rest = view_slice(bytes, SEGMENT_HEAD_BYTES, bytes.len)};
    struct segment_record record;

    while (segment_next(&r, &record)) {
        if (f->last == 0) {
            f->first = record.number;
            f->oldest = record.at;
        }
        f->last = record.number;
    }
    s->unread += (int64_t)(r.skipped + r.rest.len);
}

/* A file without a head is kept once, for people; one without a record is of no use. */
static void take_file(struct spool *s, uint64_t index)
{
    char path[PATH_BYTES], aside[PATH_BYTES];
    struct spool_file f = {.index = index};
    struct buf bytes;

    spool_path(s, index, path);
    buf_init(&bytes, 2 * SEGMENT_BYTES_MAX);
    sp_error e = spool_read_file(path, 0, &bytes);
    if (e == SP_OK)
        e = segment_read_head(buf_view(&bytes), &f.spool);
    f.bytes = (int64_t)bytes.len;
    if (e == SP_OK)
        count_records(s, &f, buf_view(&bytes));
    else
        s->unread += f.bytes;
    buf_deinit(&bytes);
    snprintf(aside, sizeof aside, "%s/broken", s->folder);
    if (e == SP_OK && f.last > 0) {
        s->files[s->count++] = f;
    } else if (e == SP_OK) {
        unlink(path);
    } else {
        log_event(LOG_ERROR, "spool.broken", sp_error_text(e), "file", path, "kept_as", aside,
                  NULL);
        if (rename(path, aside) != 0)
            unlink(path);
    }
}

static int by_index(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* "0000000000000001.log": 1; 0: another file. */
static uint64_t index_of(const char *name)
{
    uint8_t bytes[8];
    uint64_t index = 0;

    if (strlen(name) != 20 || strcmp(name + 16, ".log") != 0 ||
        decode_hex_exact((struct view){(const uint8_t *)name, 16}, bytes, sizeof bytes) != SP_OK)
        return 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        index = index << 8 | bytes[i];
    return index;
}

sp_error spool_find_files(struct spool *s, struct sp_why *why)
{
    DIR *folder = opendir(s->folder);
    uint64_t names[SPOOL_SEGMENTS_MAX] = {0};
    const struct dirent *entry;
    size_t count = 0;

    if (folder == NULL)
        return sp_why_say(why, spool_io_error(errno), "can't read %s", s->folder);
    while ((entry = readdir(folder)) != NULL) {
        uint64_t index = index_of(entry->d_name);
        s->index = index > s->index ? index : s->index;
        if (index > 0 && count < SPOOL_SEGMENTS_MAX)
            names[count++] = index;
    }
    closedir(folder);
    qsort(names, count, sizeof *names, by_index);
    for (size_t i = 0; i < count; i++)
        take_file(s, names[i]);
    if (s->unread > 0)
        log_event(LOG_ERROR, "spool.unread", "a part of the audit spool can't be read", "bytes",
                  LOG_INT(s->unread), NULL);
    return SP_OK;
}
