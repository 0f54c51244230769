#include "connector/gateway/detect/detect_internal.h"
#include "lib/crypto/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { OBJECTS = CUCKOO_OBJECTS, BLOCK_DOUBLINGS_MAX = 6, BLOCK_QUIET_MS = 2 * HOUR_MS };

static const struct {
    const char *name;
    detector_see *see; /* NULL: found elsewhere */
} detectors[DETECTORS] = {
    [DETECTOR_OWNER] = {"owner", NULL},
    [DETECTOR_BOLA] = {"bola", bola_see},
    [DETECTOR_ENUMERATION] = {"enumeration", enumeration_see},
    [DETECTOR_CREDENTIAL] = {"credential", credential_see},
    [DETECTOR_EXFILTRATION] = {"exfiltration", exfiltration_see},
    [DETECTOR_EXPOSURE] = {"exposure", NULL},
    [DETECTOR_FUNCTION] = {"function", function_see},
    [DETECTOR_FLOW] = {"flow", flow_see},
    [DETECTOR_SCANNER] = {"scanner", scanner_see},
    [DETECTOR_INVENTORY] = {"inventory", NULL},
    [DETECTOR_BUDGET] = {"budget", NULL},
};

struct block {
    sp_unix_ms until;
    uint32_t times; /* blocks in a row: enumeration doubles with each */
    uint8_t statistic;
};

static const struct {
    size_t entries;
    size_t (*record)(enum table);
} shapes[TABLES] = {
    [TABLE_ENUMERATION] = {8192, enumeration_record},
    [TABLE_ENUMERATION_USUAL] = {256, enumeration_record},
    [TABLE_SOURCES] = {1024, credential_record},
    [TABLE_ACCOUNTS] = {2048, credential_record},
    [TABLE_PASSWORDS] = {2048, credential_record},
    [TABLE_LOGINS] = {256, credential_record},
    [TABLE_VOLUMES] = {8192, exfiltration_record},
    [TABLE_PEERS] = {2048, exfiltration_record},
    [TABLE_PRIVATE] = {1024, bola_record},
    [TABLE_FOREIGN] = {4096, bola_record},
    [TABLE_FUNCTIONS] = {1024, function_record},
    [TABLE_OUTSIDERS] = {4096, function_record},
    [TABLE_FLOWS] = {64, flow_record},
    [TABLE_SESSIONS] = {4096, flow_record},
    [TABLE_SCANNERS] = {256, scanner_record},
    [TABLE_BLOCKS] = {2048, NULL},
    [TABLE_BUDGETS] = {4096, budget_record},
};

const char *detector_name(enum detector d)
{
    return detectors[d].name;
}

enum detector detector_parse(struct view name)
{
    size_t d = 0;

    while (d < DETECTORS && !view_is(name, detectors[d].name))
        d++;
    return (enum detector)d;
}

void finding_say(struct finding *f, const char *format, ...)
{
    va_list args;

    if (f->evidence_count == DETECT_EVIDENCE_MAX)
        return;
    va_start(args, format);
    vsnprintf(f->evidence[f->evidence_count++], DETECT_EVIDENCE_TEXT, format, args);
    va_end(args);
}

uint64_t detect_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ (b * 0x9e3779b97f4a7c15u);

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t detect_hash(const struct detect *d, struct view v)
{
    uint64_t h = hash_short(d->options.key, v);

    return h == 0 ? 1 : h;
}

sp_error detect_new(const struct detect_options *o, struct detect **out)
{
    struct detect *d = calloc(1, sizeof *d);
    sp_error e = d == NULL ? SP_ERR_NOMEM : cuckoo_new(OBJECTS, &d->objects);

    for (size_t t = 0; t < TABLES && e == SP_OK; t++) {
        size_t record =
            shapes[t].record == NULL ? sizeof(struct block) : shapes[t].record((enum table)t);
        e = slots_new(shapes[t].entries, record, &d->tables[t]);
    }
    if (e == SP_OK && o->shared)
        e = usual_new(d);
    if (e != SP_OK) {
        detect_free(d);
        return SP_ERR_NOMEM;
    }
    d->options = *o;
    *out = d;
    return SP_OK;
}

void detect_free(struct detect *d)
{
    if (d == NULL)
        return;
    for (size_t t = 0; t < TABLES; t++)
        slots_free(d->tables[t]);
    usual_free(d);
    cuckoo_free(d->objects);
    free(d);
}

void detect_set(struct detect *d, const int modes[DETECTORS], int64_t learning_ms)
{
    memcpy(d->options.modes, modes, sizeof d->options.modes);
    d->options.learning_ms = learning_ms;
}

size_t detect_bytes(const struct detect *d)
{
    size_t bytes = sizeof *d + cuckoo_bytes(d->objects).len + usual_bytes(d);

    for (size_t t = 0; t < TABLES; t++)
        bytes += slots_bytes(d->tables[t]);
    return bytes;
}

/* Blocks ------------------------------------------------------------------------------------ */

/* A block is for a source, for a user, or for a user on one endpoint. */
static uint64_t block_key(enum detector detector, uint64_t who, uint64_t endpoint)
{
    return detect_mix(detect_mix(who, endpoint), (uint64_t)detector + 1);
}

static uint64_t source_of(const struct observation *o)
{
    return o->source != 0 ? o->source : o->user;
}

static void open_block(struct detect *d, const struct observation *o, const struct finding *f)
{
    uint64_t who = f->whole_source ? source_of(o) : o->user;
    uint64_t where = f->whole_source || f->whole_user ? 0 : o->endpoint;
    struct block *b =
        slots_take(d->tables[TABLE_BLOCKS], block_key(f->detector, who, where), o->at, NULL);
    int64_t ms = f->block_ms;

    if (b->until > o->at)
        return; /* it stands already */
    if (b->times > 0 && since(o->at, b->until) >= BLOCK_QUIET_MS)
        b->times = 0;
    if (f->detector == DETECTOR_ENUMERATION)
        ms <<= b->times < BLOCK_DOUBLINGS_MAX ? b->times : BLOCK_DOUBLINGS_MAX;
    if (ms > HOUR_MS)
        ms = HOUR_MS;
    b->until = o->at + ms;
    b->times += b->times < UINT32_MAX;
    b->statistic = f->statistic;
}

static enum gw_mode mode_of(const struct detect *d, enum detector detector, bool statistic,
                            sp_unix_ms now)
{
    enum gw_mode mode = (enum gw_mode)d->options.modes[detector];

    if (mode == GW_BLOCK && statistic && since(now, d->options.began) < d->options.learning_ms)
        return GW_MONITOR;
    return mode;
}

bool detect_blocks(const struct detect *d)
{
    return slots_len(d->tables[TABLE_BLOCKS]) > 0;
}

bool detect_blocked(struct detect *d, const struct observation *o, struct detect_block *out)
{
    enum detector found = DETECTORS;

    for (size_t i = 0; i < DETECTORS; i++) {
        enum detector detector = (enum detector)i;
        const uint64_t keys[] = {block_key(detector, source_of(o), 0),
                                 block_key(detector, o->user, 0),
                                 block_key(detector, o->user, o->endpoint)};
        if (d->options.modes[i] == GW_OFF)
            continue;
        for (size_t k = 0; k < 3; k++) {
            /* A source's block is for logins only; everything else goes on. */
            if (k == 0 && !(o->login || o->password))
                continue;
            const struct block *b = slots_find(d->tables[TABLE_BLOCKS], keys[k]);
            if (b == NULL || b->until <= o->at || is_expected(d, detector, o))
                continue;
            enum gw_mode mode = mode_of(d, detector, b->statistic != 0, o->at);
            if (found == DETECTORS || mode > out->mode) {
                found = detector;
                *out = (struct detect_block){detector, mode, since(b->until, o->at)};
            }
        }
    }
    if (found != DETECTORS)
        incident_blocked(d, found, o);
    return found != DETECTORS;
}

/* Findings ---------------------------------------------------------------------------------- */

void detect_report(struct detect *d, const struct observation *o, const struct finding *f)
{
    if (d->options.modes[f->detector] == GW_OFF || is_expected(d, f->detector, o))
        return;
    incident_enter(d, o, f);
    if (f->block_ms > 0)
        open_block(d, o, f);
}

size_t detect_see(struct detect *d, const struct observation *o)
{
    size_t found = 0;

    for (size_t i = 0; i < DETECTORS; i++) {
        struct finding f = {.detector = (enum detector)i};
        if (detectors[i].see == NULL || d->options.modes[i] == GW_OFF ||
            !detectors[i].see(d, o, &f))
            continue;
        found++;
        detect_report(d, o, &f);
    }
    return found;
}

/* The snapshot: "SPD2", body, SHA-256. Body: key, began, exceptions, tables, objects, and where
 * the key is shared what usual.c keeps. "SPD1" is of before that: the same without it. --------- */

static const char magic[] = "SPD2", magic_before[] = "SPD1";

sp_error detect_write(const struct detect *d, struct buf *out)
{
    sp_ignore(buf_reserve(out, detect_bytes(d))); /* what does not fit is found below */
    buf_add_str(out, magic);
    buf_add(out, (struct view){d->options.key, sizeof d->options.key});
    buf_add_uint(out, (uint64_t)d->options.began, 8);
    buf_add_uint(out, d->expected_count, 2);
    for (size_t i = 0; i < d->expected_count; i++) {
        const struct expected *e = &d->expected[i];
        buf_add_uint(out, (uint64_t)e->detector, 1);
        buf_add_uint(out, e->user, 8);
        buf_add_uint(out, e->group, 8);
        buf_add_uint(out, e->endpoint, 8);
        buf_add_uint(out, (uint64_t)e->until, 8);
    }
    for (size_t t = 0; t < TABLES; t++)
        buf_add(out, slots_state(d->tables[t]));
    buf_add(out, cuckoo_bytes(d->objects));
    usual_save(d, out);
    return buf_error(out);
}

sp_error detect_seal(struct buf *state, size_t from)
{
    struct hash h = hash_sha256(view_slice(buf_view(state), from, state->len));

    buf_add(state, hash_view(&h));
    return buf_error(state);
}

sp_error detect_save(const struct detect *d, struct buf *out)
{
    size_t from = out->len;
    sp_error e = detect_write(d, out);

    return e != SP_OK ? e : detect_seal(out, from);
}

static void take_expected(struct detect *d, struct cursor *c)
{
    uint64_t n = cur_uint(c, 2);

    for (uint64_t i = 0; i < n && c->err == SP_OK; i++) {
        struct expected e = {.detector = (enum detector)cur_uint(c, 1)};
        e.user = cur_uint(c, 8);
        e.group = cur_uint(c, 8);
        e.endpoint = cur_uint(c, 8);
        e.until = (int64_t)cur_uint(c, 8);
        if (e.detector >= DETECTORS || d->expected_count == DETECT_EXPECTED_MAX)
            cur_fail(c, SP_ERR_MALFORMED);
        else
            d->expected[d->expected_count++] = e;
    }
}

static void forget(struct detect *d)
{
    size_t at = 0;
    uint64_t key;

    d->expected_count = 0;
    for (size_t t = 0; t < TABLES; t++)
        for (at = 0; slots_next(d->tables[t], &at, &key) != NULL;)
            slots_drop(d->tables[t], key);
    usual_forget(d);
    struct cuckoo *empty = NULL;
    if (cuckoo_new(OBJECTS, &empty) != SP_OK)
        return; /* old objects are better than none */
    cuckoo_free(d->objects);
    d->objects = empty;
}

sp_error detect_unseal(struct view *state)
{
    if (state->len < HASH_BYTES)
        return SP_ERR_MALFORMED;
    struct view body = view_slice(*state, 0, state->len - HASH_BYTES);
    struct hash h = hash_sha256(body);
    if (!view_equal(hash_view(&h), view_slice(*state, body.len, HASH_BYTES)))
        return SP_ERR_MALFORMED;
    *state = body;
    return SP_OK;
}

sp_error detect_load(struct detect *d, struct view state)
{
    sp_error e = detect_unseal(&state);

    return e != SP_OK ? e : detect_read(d, state);
}

sp_error detect_read(struct detect *d, struct view state)
{
    struct cursor c = cur_over(state, SP_ERR_MALFORMED);
    sp_error e = SP_ERR_MALFORMED;

    struct view version = cur_take(&c, strlen(magic));
    bool right = view_is(version, magic) || view_is(version, magic_before);
    struct view key = cur_take(&c, sizeof d->options.key);
    sp_unix_ms began = (int64_t)cur_uint(&c, 8);
    d->expected_count = 0;
    take_expected(d, &c);
    for (size_t t = 0; t < TABLES && c.err == SP_OK; t++)
        e = slots_load(d->tables[t], cur_take(&c, slots_bytes(d->tables[t])));
    if (c.err == SP_OK && e == SP_OK)
        e = cuckoo_load(d->objects, cur_take(&c, cuckoo_bytes(d->objects).len));
    if (c.err == SP_OK && e == SP_OK && c.rest.len > 0)
        e = view_is(version, magic) ? usual_load(d, c.rest) : SP_ERR_MALFORMED;
    bool other =
        d->options.shared && !view_equal(key, (struct view){d->options.key, sizeof d->options.key});
    if (!right || c.err != SP_OK || e != SP_OK || other) {
        forget(d);
        return SP_ERR_MALFORMED;
    }
    memcpy(d->options.key, key.at, key.len); /* the hashes in the tables are under this key */
    d->options.began = began;
    return SP_OK;
}
