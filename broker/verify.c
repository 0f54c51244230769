/* Commands on the audit chain: verify, head. */

#include "broker/audit/chain.h"
#include "broker/commands.h"
#include "broker/offline.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHARDS_MAX = 256 };

static void hex(const uint8_t hash[32], char out[65])
{
    struct buf b;

    buf_init(&b, 64);
    encode_hex((struct view){hash, 32}, &b);
    snprintf(out, 65, "%.*s", VIEW_ARG(buf_view(&b)));
    buf_deinit(&b);
}

static int tell(const struct command_call *call, const struct audit_verdict *v)
{
    char expected[65], found[65];
    struct json *j;

    hex(v->expected, expected);
    hex(v->found, found);
    if (!call->json) {
        printf("%llu records checked: %s\n", (unsigned long long)v->checked,
               audit_fault_text(v->fault));
        if (v->fault != AUDIT_WHOLE)
            printf("shard %u: last good record %llu, first bad one %llu\n  expected %s\n"
                   "  found    %s\n",
                   v->shard, (unsigned long long)v->last_seq, (unsigned long long)v->bad_seq,
                   expected, found);
        return v->fault == AUDIT_WHOLE ? EXIT_OK : EXIT_INTEGRITY;
    }
    j = json_object();
    json_set_bool(j, "whole", v->fault == AUDIT_WHOLE);
    json_set_cstr(j, "result", audit_fault_text(v->fault));
    json_set_int(j, "checked", (int64_t)v->checked);
    if (v->fault != AUDIT_WHOLE) {
        json_set_int(j, "shard", v->shard);
        json_set_int(j, "last_good", (int64_t)v->last_seq);
        json_set_int(j, "first_bad", (int64_t)v->bad_seq);
        json_set_cstr(j, "expected", expected);
        json_set_cstr(j, "found", found);
    }
    int code = command_json("broker.audit-verify", j);
    return v->fault == AUDIT_WHOLE ? code : EXIT_INTEGRITY;
}

/* ---- heads that were kept elsewhere -------------------------------------------------------- */

enum { HEADS_MAX = SHARDS_MAX, HEADS_BYTES_MAX = 64 * 1024 };

/* "SHARD SEQ HASH", as `audit head` prints it. */
static bool read_head(struct view line, struct audit_witness *out)
{
    const uint8_t *a = memchr(line.at, ' ', line.len);
    size_t one = a == NULL ? line.len : (size_t)(a - line.at);
    struct view rest = view_slice(line, one + 1, line.len);
    const uint8_t *b = rest.len == 0 ? NULL : memchr(rest.at, ' ', rest.len);
    size_t two = b == NULL ? rest.len : (size_t)(b - rest.at);
    struct view hash = view_slice(rest, two + 1, rest.len);
    uint64_t shard, seq;

    if (num_uint(view_slice(line, 0, one), UINT32_MAX, &shard) != SP_OK ||
        num_uint(view_slice(rest, 0, two), INT64_MAX, &seq) != SP_OK ||
        decode_hex_exact(hash, out->hash, sizeof out->hash) != SP_OK)
        return false;
    out->shard = (uint32_t)shard;
    out->seq = seq;
    return true;
}

static sp_error read_heads(const char *path, struct audit_witness *out, size_t *count,
                           struct sp_why *why)
{
    struct buf text;
    sp_error e;

    *count = 0;
    if (path == NULL)
        return SP_OK;
    buf_init(&text, HEADS_BYTES_MAX);
    e = file_read(path, HEADS_BYTES_MAX, &text, why);
    struct view left = buf_view(&text);
    for (unsigned n = 1; e == SP_OK && left.len > 0; n++) {
        const uint8_t *end = memchr(left.at, '\n', left.len);
        size_t len = end == NULL ? left.len : (size_t)(end - left.at);
        struct view line = view_slice(left, 0, len);
        if (line.len > 0 && (*count == HEADS_MAX || !read_head(line, &out[(*count)++]))) {
            sp_why_place(why, n, 1);
            e = sp_why_say(why, SP_ERR_MALFORMED, "%s: no line of `audit head`", path);
        }
        left = view_slice(left, len + 1, left.len);
    }
    buf_deinit(&text);
    if (e == SP_OK && *count == 0)
        e = sp_why_say(why, SP_ERR_MALFORMED, "%s holds no head", path);
    return e;
}

int cmd_audit_verify(const struct command_call *call)
{
    const char *from = command_value(call, "from");
    struct audit_witness *heads = calloc(HEADS_MAX, sizeof *heads);
    struct audit_verdict v = {0};
    struct offline o;
    struct sp_why why = {0};
    uint64_t seq = 0;
    size_t count = 0;
    int code = offline_open(call, OFFLINE_READ, &o);
    sp_error e = heads == NULL ? SP_ERR_NOMEM : SP_OK;

    if (code == EXIT_OK) {
        if (e == SP_OK)
            e = read_heads(command_value(call, "head"), heads, &count, &why);
        if (e == SP_OK && from != NULL)
            e = num_uint(view_str(from), INT64_MAX, &seq);
        if (e == SP_OK)
            e = audit_verify(o.store, seq, heads, count, &v);
        code = e == SP_OK ? tell(call, &v)
                          : offline_fail(call, e, "The chain could not be verified.", &why);
    }
    free(heads);
    offline_close(&o);
    return code;
}

static void print_head(const struct audit_head *h, struct json *all)
{
    char hash[65];

    hex(h->hash, hash);
    if (all == NULL) {
        printf("%u %llu %s\n", h->shard, (unsigned long long)h->seq, hash);
        return;
    }
    struct json *o = json_object();
    json_set_int(o, "shard", h->shard);
    json_set_int(o, "seq", (int64_t)h->seq);
    json_set_cstr(o, "hash", hash);
    json_push(all, o);
}

int cmd_audit_head(const struct command_call *call)
{
    struct json *all = call->json ? json_array() : NULL, *o;
    uint32_t shards[SHARDS_MAX];
    size_t count = 0;
    struct offline off;
    struct audit_head h;
    int code = offline_open(call, OFFLINE_READ, &off);
    sp_error e = SP_OK;

    if (code == EXIT_OK)
        e = store_services(off.store)->audit->shards(off.store, shards, SHARDS_MAX, &count);
    for (size_t i = 0; code == EXIT_OK && e == SP_OK && i < count; i++)
        if ((e = store_services(off.store)->audit->head(off.store, shards[i], &h)) == SP_OK)
            print_head(&h, all);
    if (e != SP_OK)
        code = offline_fail(call, e, "The heads can't be read.", NULL);
    offline_close(&off);
    if (code == EXIT_OK && all != NULL) {
        o = json_object();
        json_set(o, "heads", all);
        return command_json("broker.audit-head", o);
    }
    json_free(all);
    return code;
}
