/* audit export: the records in the forms that others read. */

#include "broker/audit/chain.h"
#include "broker/commands.h"
#include "broker/offline.h"
#include "lib/base/clock.h"
#include "lib/base/num.h"

#include <stdio.h>

enum { SHARDS_MAX = 256, PAGE = 500 };

struct export
{
    struct store *store;
    bool ocsf, csv;
    sp_unix_ms since, until; /* until 0: open */
    size_t count;
    uint64_t last;
    sp_error error;
};

static bool write_row(void *arg, const struct audit_row *row)
{
    struct export *x = arg;
    struct json *record = NULL, *ocsf = NULL;
    struct user_row user;
    struct buf line;

    x->count++;
    x->last = row->seq;
    if (row->at < x->since || (x->until != 0 && row->at >= x->until))
        return true;
    if (!x->ocsf && !x->csv) { /* ndjson: as it was hashed */
        printf("%.*s\n", VIEW_ARG(row->text));
        return true;
    }
    buf_init(&line, 4 * AUDIT_RECORD_MAX);
    x->error = json_parse(row->text, AUDIT_RECORD_MAX, NULL, &record);
    const char *actor = audit_actor_name(x->store, record, &user);
    if (x->error == SP_OK && x->csv) {
        audit_csv(record, actor, row->shard, row->seq, &line);
        x->error = buf_error(&line);
    } else if (x->error == SP_OK) {
        ocsf = audit_ocsf(record, actor, row->shard, row->seq, row->hash);
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

/* "2026-11-25T04:05:06Z", or a duration back from now. */
static bool read_time(const char *text, sp_unix_ms *out)
{
    int64_t back;

    if (num_duration(view_str(text), &back) == SP_OK) {
        *out = clock_unix() - back;
        return true;
    }
    return clock_parse(view_str(text), out) == SP_OK;
}

static int read_range(const struct command_call *call, struct export *x)
{
    const char *since = command_value(call, "since"), *until = command_value(call, "until");
    struct sp_why why = {0};

    if ((since == NULL || read_time(since, &x->since)) &&
        (until == NULL || read_time(until, &x->until)))
        return EXIT_OK;
    sp_ignore(sp_why_say(&why, SP_ERR_INVALID,
                         "a time is 2026-11-25T04:05:06Z, or a duration back from now such as "
                         "7d")); /* only the text */
    return offline_fail(call, SP_ERR_INVALID, "--since and --until are times.", &why);
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
    if (code == EXIT_OK)
        code = read_range(call, &x);
    if (code == EXIT_OK && x.csv) {
        buf_init(&head, 4096);
        audit_csv_header(&head);
        printf("%.*s", VIEW_ARG(buf_view(&head)));
        buf_deinit(&head);
    }
    x.store = o.store;
    if (code == EXIT_OK)
        e = store_services(o.store)->audit->shards(o.store, shards, SHARDS_MAX, &count);
    for (size_t i = 0; code == EXIT_OK && e == SP_OK && i < count; i++)
        e = export_shard(o.store, shards[i], &x);
    if (e != SP_OK)
        code = offline_fail(call, e, "The export is not complete.", NULL);
    offline_close(&o);
    return code;
}
