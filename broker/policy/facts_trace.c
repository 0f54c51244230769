/* The facts of a decision out of its record (trace.c wrote them), to decide it again. */
#include "broker/policy/arena.h"
#include "broker/policy/parse_internal.h"
#include "broker/policy/tests.h"

#include <stdlib.h>

struct reader {
    struct arena *arena;
    struct facts *f;
    bool bad; /* something is there in another form than trace.c writes */
};

static const char *text_of(struct reader *r, const struct json *node)
{
    return json_kind(node) == JSON_STRING ? arena_text(r->arena, json_str(node)) : NULL;
}

static int64_t number_of(struct reader *r, const struct json *object, const char *name)
{
    int64_t n = 0;

    if (json_integer(json_get(object, name), &n))
        return n;
    r->bad = true;
    return 0;
}

/* The number of a word among those that `word` gives; 0 for null and for none of them. */
#define NUMBER_OF(type, word, node, out)                                         \
    do {                                                                         \
        const char *said = json_cstr(node);                                      \
        for (int w_ = 1; said != NULL && strcmp(word((type)w_), "?") != 0; w_++) \
            if (strcmp(word((type)w_), said) == 0)                               \
                (out) = (type)w_;                                                \
    } while (0)

static const char *const *texts_of(struct reader *r, const struct json *list, size_t *count)
{
    const char **all = arena_array(r->arena, json_len(list), sizeof *all);

    *count = 0;
    for (size_t i = 0; all != NULL && i < json_len(list); i++)
        if ((all[*count] = text_of(r, json_at(list, i))) != NULL)
            ++*count;
    return all;
}

static void read_proofs(struct reader *r, const struct json *list)
{
    for (size_t i = 0; i < json_len(list) && i < MFA_PROOFS_MAX; i++) {
        const struct json *one = json_at(list, i);
        struct mfa_proof *p = &r->f->proofs[r->f->proof_count++];
        NUMBER_OF(enum mfa_kind, mfa_word, json_get(one, "kind"), p->kind);
        p->at = r->f->mfa_now - number_of(r, one, "age_ms");
        p->acr = text_of(r, json_get(one, "acr"));
        p->amr = texts_of(r, json_get(one, "amr"), &p->amr_count);
    }
}

static void read_value(struct reader *r, const struct json *one, struct fact_value *v)
{
    const struct json *value = json_get(one, "value");

    if (json_kind(value) == JSON_STRING) {
        v->text = text_of(r, value);
        v->pass = v->text != NULL && strcmp(v->text, "pass") == 0;
        v->kind = v->pass || (v->text != NULL && strcmp(v->text, "fail") == 0) ? VALUE_PASS_FAIL
                                                                               : VALUE_TEXT;
    } else if (json_number(value, &v->number)) {
        v->kind = VALUE_NUMBER;
    }
    v->source = text_of(r, json_get(one, "source"));
    NUMBER_OF(enum assurance, assurance_word, json_get(one, "assurance"), v->assurance);
    v->observed_at = r->f->now - number_of(r, one, "age_ms");
    v->expires_at = r->f->now + number_of(r, one, "ttl_ms");
    if (v->source == NULL)
        v->kind = VALUE_NONE;
}

/* They stand sorted by signal, all values of one together. */
static void read_signals(struct reader *r, const struct json *list)
{
    size_t n = json_len(list);
    struct fact_signal *signals = arena_array(r->arena, n + 1, sizeof *signals);
    struct fact_value *values = arena_array(r->arena, n + 1, sizeof *values);
    size_t count = 0;

    for (size_t i = 0; signals != NULL && values != NULL && i < n; i++) {
        const struct json *one = json_at(list, i);
        const char *name = text_of(r, json_get(one, "signal"));
        if (name == NULL) {
            r->bad = true;
            return;
        }
        if (count == 0 || strcmp(signals[count - 1].name, name) != 0)
            signals[count++] = (struct fact_signal){.name = name, .values = &values[i]};
        read_value(r, one, &values[i]);
        signals[count - 1].count++;
    }
    r->f->signals = signals;
    r->f->signal_count = count;
}

static void read_labels(struct reader *r, const struct json *object)
{
    size_t n = 0;

    for (void *i = json_iter(object); i != NULL; i = json_iter_next(object, i))
        n++;
    struct label *labels = arena_array(r->arena, n + 1, sizeof *labels);
    for (void *i = json_iter(object); labels != NULL && i != NULL; i = json_iter_next(object, i)) {
        struct label *l = &labels[r->f->label_count];
        l->key = arena_text(r->arena, view_str(json_iter_name(i)));
        l->value = text_of(r, json_iter_value(i));
        if (l->key != NULL && l->value != NULL)
            r->f->label_count++;
    }
    r->f->labels = labels;
}

static void read_device(struct reader *r, const struct json *device)
{
    struct facts *f = r->f;

    f->device_known = json_kind(device) == JSON_OBJECT;
    NUMBER_OF(enum device_state, device_state_word, json_get(device, "state"), f->device_state);
    NUMBER_OF(enum device_owner, device_owner_word, json_get(device, "owner"), f->device_owner);
    NUMBER_OF(enum device_key, device_key_word, json_get(device, "key"), f->device_key);
}

static void read_all(struct reader *r, const struct json *o)
{
    struct facts *f = r->f;
    const struct json *access = json_get(o, "access");
    struct cidr peer;

    f->now = number_of(r, o, "now");
    f->mfa_now = number_of(r, o, "mfa_now");
    f->user = text_of(r, json_get(o, "user"));
    f->groups_known = json_is_true(json_get(o, "groups_known"));
    f->groups = texts_of(r, json_get(o, "groups"), &f->group_count);
    read_proofs(r, json_get(o, "mfa"));
    f->proof_is_for_session = json_is_true(json_get(o, "proof_is_for_session"));
    read_device(r, json_get(o, "device"));
    read_signals(r, json_get(o, "posture"));
    f->peer.known = parse_cidr(json_str(json_get(o, "network")), &peer) && peer.bits == 128;
    if (f->peer.known)
        memcpy(f->peer.bytes, peer.bytes, sizeof f->peer.bytes);
    f->country = text_of(r, json_get(o, "country"));
    NUMBER_OF(enum risk_level, risk_word, json_get(o, "risk"), f->risk);
    f->clock_alarm = json_is_true(json_get(o, "clock_alarm"));
    f->app = text_of(r, json_get(o, "app"));
    f->app_exists = true;
    read_labels(r, json_get(o, "labels"));
    if (access != NULL) {
        f->access_until = f->now + number_of(r, access, "ttl_ms");
        f->access_ref = text_of(r, json_get(access, "request"));
    }
    r->bad = r->bad || f->app == NULL;
}

sp_error facts_from_trace(const struct json *trace, struct facts **out)
{
    struct facts_memory *m = calloc(1, sizeof *m);
    struct reader r = {0};
    sp_error e = SP_ERR_NOMEM;

    if (m != NULL && (m->arena = arena_new()) != NULL) {
        r.arena = m->arena;
        r.f = &m->facts;
        read_all(&r, json_get(trace, "facts"));
        e = r.bad ? SP_ERR_MALFORMED : arena_error(m->arena);
    }
    if (e == SP_OK)
        *out = &m->facts;
    else
        facts_free(m == NULL ? NULL : &m->facts);
    return e;
}
