#include "connector/segment.h"

#include "lib/crypto/hash.h"

#include "lib/base/banned.h"

static const char magic[] = "SPAUDIT1";

enum { MAGIC_BYTES = 8, SUM_BYTES = 8, FACTS_BYTES = SEGMENT_RECORD_HEAD_BYTES - SUM_BYTES };

static uint64_t sum_of(struct sp_id spool, struct view v)
{
    return hash_short(spool.bytes, v);
}

/* Of a record: its facts, then its text. The facts' own sum is mixed in, so nothing is copied. */
static uint64_t record_sum(struct sp_id spool, struct view facts, struct view text)
{
    uint64_t first = sum_of(spool, facts);
    struct sp_id key = spool;

    for (size_t i = 0; i < sizeof first; i++)
        key.bytes[i] ^= (uint8_t)(first >> (8 * i));
    return sum_of(key, text);
}

void segment_write_head(struct sp_id spool, struct buf *out)
{
    size_t from = out->len;

    buf_add_str(out, magic);
    buf_add(out, id_view(&spool));
    buf_add_uint(out, sum_of(spool, view_slice(buf_view(out), from, out->len)), SUM_BYTES);
}

void segment_write(struct sp_id spool, const struct segment_record *r, struct buf *out)
{
    size_t from = out->len;

    if (r->number < 1 || r->text.len == 0 || r->text.len > SEGMENT_TEXT_MAX) {
        out->err = out->err == SP_OK ? SP_ERR_INVALID : out->err;
        return;
    }
    buf_add_uint(out, r->text.len, 4);
    buf_add_uint(out, (uint64_t)r->number, 8);
    buf_add_uint(out, (uint64_t)r->at, 8);
    buf_add_uint(out, record_sum(spool, view_slice(buf_view(out), from, FACTS_BYTES), r->text),
                 SUM_BYTES);
    buf_add(out, r->text);
}

sp_error segment_read_head(struct view in, struct sp_id *spool)
{
    struct cursor c = cur_over(in, SP_ERR_CORRUPT);
    struct view name, word = cur_take(&c, MAGIC_BYTES);
    struct sp_id id;

    name = cur_take(&c, sizeof id);
    uint64_t sum = cur_uint(&c, SUM_BYTES);
    if (c.err != SP_OK || !view_is(word, magic))
        return SP_ERR_CORRUPT;
    memcpy(&id, name.at, sizeof id);
    if (sum != sum_of(id, view_slice(in, 0, MAGIC_BYTES + sizeof id)))
        return SP_ERR_CORRUPT;
    *spool = id;
    return SP_OK;
}

/* A whole record at the front of `in`. */
static bool read_one(struct segment_reader *r, struct view in, struct segment_record *out)
{
    struct cursor c = cur_over(in, SP_ERR_AGAIN);
    uint64_t len = cur_uint(&c, 4), number = cur_uint(&c, 8), at = cur_uint(&c, 8);
    uint64_t sum = cur_uint(&c, SUM_BYTES);

    if (len == 0 || len > SEGMENT_TEXT_MAX || number <= (uint64_t)r->number ||
        number > INT64_MAX / 2 || at > INT64_MAX)
        return false;
    struct view text = cur_take(&c, (size_t)len);
    if (c.err != SP_OK)
        return false;
    r->looked += text.len;
    if (sum != record_sum(r->spool, view_slice(in, 0, FACTS_BYTES), text))
        return false;
    *out = (struct segment_record){(int64_t)number, (sp_unix_ms)at, text};
    return true;
}

bool segment_next(struct segment_reader *r, struct segment_record *out)
{
    size_t looked = r->looked;

    for (size_t at = 0; at + SEGMENT_RECORD_HEAD_BYTES < r->rest.len; at++) {
        if (r->looked - looked > SEGMENT_LOOK_MAX)
            return false; /* made so that every byte looks like a beginning */
        if (read_one(r, view_slice(r->rest, at, r->rest.len), out)) {
            r->skipped += at;
            r->number = out->number;
            r->rest =
                view_slice(r->rest, at + SEGMENT_RECORD_HEAD_BYTES + out->text.len, r->rest.len);
            return true;
        }
    }
    return false;
}
