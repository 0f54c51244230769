/* Checks of the hash chain: the last result is kept, a new check is an act. */
#include "broker/audit/chain.h"

#include "broker/api/call.h"
#include "broker/api/records.h"
#include "broker/api/verified.h"
#include "lib/base/encode.h"

#include <pthread.h>
#include <stdlib.h>

enum { SHARDS_MAX = 16 };

struct verified {
    pthread_mutex_t lock;
    bool ran;
    sp_unix_ms at;
    int64_t took_ms;
    struct audit_verdict verdict;
    struct audit_head heads[SHARDS_MAX]; /* as they stood when the check began */
    size_t count;
};

sp_error verified_new(struct verified **out)
{
    struct verified *v = calloc(1, sizeof *v);

    if (v == NULL)
        return SP_ERR_NOMEM;
    pthread_mutex_init(&v->lock, NULL);
    *out = v;
    return SP_OK;
}

void verified_free(struct verified *v)
{
    if (v == NULL)
        return;
    pthread_mutex_destroy(&v->lock);
    free(v);
}

static void set_hash(struct json *o, const uint8_t hash[32])
{
    struct buf hex;

    buf_init(&hex, 64);
    encode_hex((struct view){hash, 32}, &hex);
    json_set_str(o, "hash", buf_view(&hex));
    buf_deinit(&hex);
}

/* A shard up to the head that it had, or up to what broke it. */
static struct json *shard_object(const struct audit_head *head, const struct audit_verdict *v)
{
    bool broken = v->fault != AUDIT_WHOLE && v->shard == head->shard;
    struct json *o = json_object();

    json_set_int(o, "shard", head->shard);
    json_set_int(o, "from", 1);
    json_set_int(o, "to", (int64_t)(broken ? v->last_seq : head->seq));
    set_hash(o, broken ? v->expected : head->hash);
    if (broken)
        json_set_int(o, "broken_at", (int64_t)v->bad_seq);
    else
        set_null(o, "broken_at");
    json_set_cstr(o, "text", broken ? audit_fault_text(v->fault) : "");
    return o;
}

struct json *chain_object(struct api *api)
{
    struct verified *v = api->verified;
    struct json *o = json_object(), *list = json_array();

    pthread_mutex_lock(&v->lock);
    json_set_cstr(o, "state",
                  !v->ran                           ? "never"
                  : v->verdict.fault != AUDIT_WHOLE ? "broken"
                                                    : "verified");
    set_time(o, "at", v->ran ? v->at : 0);
    set_ms(o, "took_ms", v->ran ? v->took_ms : -1);
    for (size_t i = 0; i < v->count; i++)
        json_push(list, shard_object(&v->heads[i], &v->verdict));
    pthread_mutex_unlock(&v->lock);
    json_set(o, "shards", list);
    return o;
}

sp_error api_audit_verification(struct api *api, struct api_call *c)
{
    response_json(c->res, 200, chain_object(api));
    return SP_OK;
}

static sp_error heads_of(struct store *st, struct audit_head out[SHARDS_MAX], size_t *count)
{
    const struct store_audit *audit = store_services(st)->audit;
    uint32_t shards[SHARDS_MAX];
    sp_error e = audit->shards(st, shards, SHARDS_MAX, count);

    for (size_t i = 0; e == SP_OK && i < *count; i++)
        e = audit->head(st, shards[i], &out[i]);
    return e;
}

sp_error api_audit_verify(struct api *api, struct api_call *c)
{
    struct store *st = registry_store(api->registry);
    struct audit_head heads[SHARDS_MAX];
    struct verified *v = api->verified;
    struct audit_verdict verdict;
    sp_boot_ms began = clock_boot();
    size_t count = 0;
    sp_error e;

    if ((e = heads_of(st, heads, &count)) != SP_OK ||
        (e = audit_verify(st, 0, NULL, 0, &verdict)) != SP_OK)
        return e;
    pthread_mutex_lock(&v->lock);
    v->ran = true;
    memcpy(v->heads, heads, sizeof heads);
    v->count = count;
    v->at = clock_unix();
    v->took_ms = clock_boot() - began;
    v->verdict = verdict;
    pthread_mutex_unlock(&v->lock);
    return api_audit_verification(api, c);
}
