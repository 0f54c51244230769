/* Commands on the audit chain: verify, export. */

#include "broker/audit/chain.h"
#include "broker/commands.h"
#include "broker/offline.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"

#include <stdio.h>

enum { SHARDS_MAX = 256, PAGE = 500 };

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

int cmd_audit_verify(const struct command_call *call)
{
    const char *from = command_value(call, "from");
    struct audit_verdict v = {0};
    struct offline o;
    uint64_t seq = 0;
    int code = offline_open(call, OFFLINE_READ, &o);
    sp_error e = SP_OK;

    if (code == EXIT_OK) {
        if (from != NULL)
            e = num_uint(view_str(from), INT64_MAX, &seq);
        if (e == SP_OK)
            e = audit_verify(o.store, seq, NULL, 0, &v);
        code = e == SP_OK ? tell(call, &v)
                          : offline_fail(call, e, "The chain could not be verified.", NULL);
    }
    offline_close(&o);
    return code;
}

/* ---- export -----------------------------------------------------------------------------------
 */

struct export
{
    bool ocsf, csv;
    size_t count;
    uint64_t last;
    sp_error error;
};

static bool write_row(void *arg, const struct audit_row *row)
{
    struct export *x = arg;
    struct json *record = NULL, *ocsf = NULL;
    struct buf line;

    x->count++;
    x->last = row->seq;
    if (!x->ocsf && !x->csv) { /* ndjson: as it was hashed */
        printf("%.*s\n", VIEW_ARG(row->text));
        return true;
    }
    buf_init(&line, 4 * AUDIT_RECORD_MAX);
    x->error = json_parse(row->text, AUDIT_RECORD_MAX, NULL, &record);
    if (x->error == SP_OK && x->csv) {
        audit_csv(record, row->shard, row->seq, &line);
        x->error = buf_error(&line);
    } else if (x->error == SP_OK) {
        ocsf = audit_ocsf(record, row->shard, row->seq, row->hash);
        x->error = ocsf != NULL ? json_write(ocsf, &line) : SP_ERR_NOMEM;
        buf_add_byte(&line, '\n');
    }
    if (x->error == SP_OK)
        fwrite(line.at, 1, line.len, stdout);
    json_free(ocsf);
    json_free(record);
    buf_deinit(&line);
    return x->error == SP_OK;
}

static sp_error export_shard(struct store *st, uint32_t shard, struct export *x)
{
    const struct store_audit *audit = store_services(st)->audit;
    uint64_t next = 1;
    sp_error e;

    do {
        x->count = 0;
        if ((e = audit->walk(st, shard, next, PAGE, write_row, x)) != SP_OK || x->error != SP_OK)
            return e != SP_OK ? e : x->error;
        next = x->last + 1;
    } while (x->count == PAGE);
    return ferror(stdout) != 0 ? SP_ERR_IO : SP_OK;
}

int cmd_audit_export(const struct command_call *call)
{
    const char *format = command_value(call, "format");
    struct export x = {.ocsf = format != NULL && strcmp(format, "ocsf") == 0,
                       .csv = format != NULL && strcmp(format, "csv") == 0};
    uint32_t shards[SHARDS_MAX];
    size_t count = 0;
    struct offline o;
    struct buf head;
    int code = offline_open(call, OFFLINE_READ, &o);
    sp_error e = SP_OK;

    if (code == EXIT_OK && format != NULL && !x.ocsf && !x.csv && strcmp(format, "ndjson") != 0)
        code = offline_fail(call, SP_ERR_INVALID, "The formats are ndjson, ocsf and csv.", NULL);
    if (code == EXIT_OK && x.csv) {
        buf_init(&head, 4096);
        audit_csv_header(&head);
        printf("%.*s", VIEW_ARG(buf_view(&head)));
        buf_deinit(&head);
    }
    if (code == EXIT_OK)
        e = store_services(o.store)->audit->shards(o.store, shards, SHARDS_MAX, &count);
    for (size_t i = 0; code == EXIT_OK && e == SP_OK && i < count; i++)
        e = export_shard(o.store, shards[i], &x);
    if (e != SP_OK)
        code = offline_fail(call, e, "The export is not complete.", NULL);
    offline_close(&o);
    return code;
}
