#include "lib/trust/report.h"

#include "lib/trust/claims.h"

#include <stdlib.h>

/* The envelope and one signal, flat. */
struct report_flat {
    int64_t sequence;
    struct sp_id boot;
    struct hash nonce;
    sp_unix_ms made;
    struct json *signals;
};
#define AT(field) offsetof(struct report_flat, field)
static const struct claim report_claims[] = {
    {"v", CLAIM_VERSION, 0, 1},
    {"sequence", CLAIM_INT, AT(sequence), CLAIM_TIME_MAX},
    {"boot", CLAIM_ID, AT(boot), 0},
    {"nonce", CLAIM_HASH, AT(nonce), 0},
    {"made", CLAIM_INT, AT(made), CLAIM_TIME_MAX},
    {"signals", CLAIM_JSON, AT(signals), REPORT_SIGNALS_MAX},
};
enum { REPORT_CLAIMS = sizeof report_claims / sizeof report_claims[0] };
_Static_assert(sizeof(struct hash) == REPORT_NONCE_BYTES, "the nonce is read as 32 bytes");

static const char *const signal_members[] = {"name",      "state", "value", "source",
                                             "assurance", "at",    "why",   NULL};

static bool name_sound(struct view v)
{
    if (v.len == 0 || v.len > REPORT_NAME_MAX)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'))
            return false;
    }
    return true;
}

/* A value for a known signal, null for an unknown one. */
static bool value_sound(const struct json *value, bool known)
{
    switch (json_kind(value)) {
    case JSON_STRING:
        return known && json_str(value).len <= REPORT_TEXT_MAX;
    case JSON_INTEGER:
    case JSON_BOOL:
        return known;
    case JSON_NULL:
        return !known;
    default:
        return false;
    }
}

static sp_error take_signal(const struct json *entry, struct report_signal *out)
{
    struct view name, state, assurance;
    struct report_signal s = {{0}, false, NULL, {0}, {0}, REPORT_SELF, 0};

    if (json_only(entry, signal_members, NULL) != SP_OK ||
        json_get_str(entry, "name", REPORT_NAME_MAX, &name) != SP_OK || !name_sound(name) ||
        json_get_str(entry, "state", 16, &state) != SP_OK ||
        json_get_str(entry, "source", REPORT_TEXT_MAX, &s.source) != SP_OK ||
        json_get_str(entry, "why", REPORT_TEXT_MAX, &s.why) != SP_OK ||
        json_get_str(entry, "assurance", 16, &assurance) != SP_OK ||
        json_get_int(entry, "at", 0, CLAIM_TIME_MAX, &s.at) != SP_OK)
        return SP_ERR_MALFORMED;
    s.known = view_is(state, "known");
    s.value = json_get(entry, "value");
    s.assurance = view_is(assurance, "signed") ? REPORT_SIGNED : REPORT_SELF;
    if ((!s.known && !view_is(state, "unknown")) || !value_sound(s.value, s.known) ||
        (s.assurance == REPORT_SELF && !view_is(assurance, "self")))
        return SP_ERR_MALFORMED;
    if (!s.known)
        s.value = NULL;
    memcpy(s.name, name.at, name.len);
    *out = s;
    return SP_OK;
}

static bool names_differ(const struct report *r)
{
    for (size_t i = 0; i < r->count; i++)
        for (size_t other = 0; other < i; other++)
            if (strcmp(r->signals[i].name, r->signals[other].name) == 0)
                return false;
    return true;
}

sp_error report_parse(struct view bytes, struct report *out)
{
    struct report_flat flat = {0};
    struct report r = {0};
    sp_error e;

    if ((e = json_parse(bytes, REPORT_MAX, NULL, &r.body)) != SP_OK)
        return e;
    if (json_len(json_get(r.body, "signals")) > REPORT_SIGNALS_MAX)
        e = SP_ERR_LIMIT;
    else
        e = claims_take(r.body, report_claims, REPORT_CLAIMS, &flat);
    if (e == SP_OK) {
        r.sequence = flat.sequence;
        r.boot = flat.boot;
        r.made = flat.made;
        memcpy(r.nonce, flat.nonce.bytes, REPORT_NONCE_BYTES);
        if ((r.signals = calloc(json_len(flat.signals) + 1, sizeof *r.signals)) == NULL)
            e = SP_ERR_NOMEM;
    }
    while (e == SP_OK && r.count < json_len(flat.signals))
        if ((e = take_signal(json_at(flat.signals, r.count), &r.signals[r.count])) == SP_OK)
            r.count++;
    if (e == SP_OK && !names_differ(&r))
        e = SP_ERR_MALFORMED;
    if (e != SP_OK)
        report_deinit(&r);
    else
        *out = r;
    return e;
}

void report_deinit(struct report *r)
{
    free(r->signals);
    json_free(r->body);
    *r = (struct report){0};
}

/* "sallyport/report/1" NUL bytes: what edges sign (PROTOCOL section 2). */
static sp_error signed_bytes(struct view bytes, struct buf *out)
{
    buf_init(out, REPORT_MAX + 64);
    claims_assertion("report", out);
    buf_add_byte(out, 0);
    buf_add(out, bytes);
    return buf_error(out);
}

sp_error report_verify(struct view bytes, const struct key_public *device, struct view signature,
                       struct report *out)
{
    struct buf all;
    sp_error e;

    if (bytes.len > REPORT_MAX)
        return SP_ERR_LIMIT;
    if ((e = signed_bytes(bytes, &all)) == SP_OK)
        e = key_verify(device, buf_view(&all), signature);
    buf_deinit(&all);
    return e == SP_OK ? report_parse(bytes, out) : e;
}

static struct json *give_signal(const struct report_signal *s)
{
    struct json *j = json_object();

    json_set_cstr(j, "name", s->name);
    json_set_cstr(j, "state", s->known ? "known" : "unknown");
    json_set(j, "value", s->known ? json_copy(s->value) : json_new_null());
    json_set_str(j, "source", s->source);
    json_set_cstr(j, "assurance", s->assurance == REPORT_SIGNED ? "signed" : "self");
    json_set_int(j, "at", s->at);
    json_set_str(j, "why", s->why);
    return j;
}

sp_error report_make(const struct report *r, const struct key_secret *device, struct buf *bytes,
                     uint8_t signature[KEY_SIGNATURE_BYTES])
{
    struct report_flat flat = {.sequence = r->sequence, .boot = r->boot, .made = r->made};
    size_t before = bytes->len;
    struct report check = {0};
    struct json *body;
    struct buf all;
    sp_error e;

    flat.signals = json_array();
    memcpy(flat.nonce.bytes, r->nonce, REPORT_NONCE_BYTES);
    for (size_t i = 0; i < r->count; i++)
        json_push(flat.signals, give_signal(&r->signals[i]));
    body = claims_give(report_claims, REPORT_CLAIMS, &flat);
    json_free(flat.signals);
    if (body == NULL)
        return SP_ERR_INVALID;
    e = json_write(body, bytes);
    json_free(body);
    if (e != SP_OK)
        return e;

    struct view made = view_slice(buf_view(bytes), before, SIZE_MAX);
    e = report_parse(made, &check); /* what the reader would refuse never leaves */
    report_deinit(&check);
    if (e == SP_ERR_MALFORMED)
        e = SP_ERR_INVALID;
    if (e == SP_OK) {
        if ((e = signed_bytes(made, &all)) == SP_OK)
            e = key_sign(device, buf_view(&all), signature);
        buf_deinit(&all);
    }
    if (e != SP_OK)
        bytes->len = before;
    return e;
}
