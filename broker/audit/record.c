#include "broker/audit/record.h"

#include "broker/store/store.h"
#include "lib/base/encode.h"

#include <stdio.h>

/* ---- the table ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int number, ocsf, activity;
} events[] = {
#define ROW(event, name, number, ocsf, activity) {name, number, ocsf, activity},
    AUDIT_EVENTS(ROW)
#undef ROW
};

static const char *const results[] = {"ok", "denied", "error"};
static const char *const actors[] = {"system",    "user",  "admin", "device",
                                     "connector", "relay", "nobody"};

const char *audit_event_name(enum audit_event e)
{
    return events[e < AUDIT_EVENT_COUNT ? e : AUDIT_UNNAMED].name;
}

struct audit_code audit_event_code(enum audit_event e, enum audit_result r)
{
    static const char letters[] = "IWE";
    struct audit_code code;

    if (e >= AUDIT_EVENT_COUNT)
        e = AUDIT_UNNAMED;
    (void)snprintf(code.s, sizeof code.s, "SP-A%03d%c", events[e].number,
                   letters[r <= AUDIT_ERROR ? r : AUDIT_ERROR]);
    return code;
}

int64_t audit_code_number(enum audit_event e, enum audit_result r)
{
    return AUDIT_CODE(events[e < AUDIT_EVENT_COUNT ? e : AUDIT_UNNAMED].number,
                      r <= AUDIT_ERROR ? r : AUDIT_ERROR);
}

sp_error audit_event_parse(struct view name, enum audit_event *out)
{
    for (int e = AUDIT_UNNAMED + 1; e < AUDIT_EVENT_COUNT; e++)
        if (view_is(name, events[e].name)) {
            *out = (enum audit_event)e;
            return SP_OK;
        }
    return SP_ERR_NOT_FOUND;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* LOG-2: one record stays one line whatever a name holds: JSON escapes the C0 controls, and what
 * could still play tricks on a screen (C1, bidi controls, line separators) is escaped as well. */
static bool tricky(uint32_t c)
{
    return (c >= 0x80 && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

/* Length of the UTF-8 character at the front, and its code; the text is valid here. */
static size_t character(struct view v, uint32_t *code)
{
    uint8_t first = v.at[0];
    size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (n > v.len)
        n = 1;
    *code = n == 1 ? first : first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        *code = (*code << 6) | (v.at[i] & 0x3fu);
    return n;
}

static void add_text(struct buf *out, const char *s)
{
    struct buf json;

    buf_init(&json, AUDIT_RECORD_MAX);
    encode_json_string(view_str(s), &json);
    for (struct view rest = buf_view(&json); rest.len > 0;) {
        uint32_t code;
        size_t n = character(rest, &code);
        if (tricky(code))
            buf_addf(out, "\\u%04x", code);
        else
            buf_add(out, (struct view){rest.at, n});
        rest = (struct view){rest.at + n, rest.len - n};
    }
    if (buf_error(&json) != SP_OK && out->err == SP_OK)
        out->err = buf_error(&json);
    buf_deinit(&json);
}

static void add_name(struct buf *out, const char *name)
{
    if (out->len > 0 && out->at[out->len - 1] != '{')
        buf_add_byte(out, ',');
    buf_addf(out, "\"%s\":", name);
}

static void member(struct buf *out, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    add_name(out, name);
    add_text(out, value);
}

static void id_member(struct buf *out, const char *name, struct sp_id id)
{
    if (!id_is_zero(id))
        member(out, name, id_text(id).s);
}

static void party(struct buf *out, const char *name, const char *kind, struct sp_id id,
                  const char *who)
{
    add_name(out, name);
    buf_add_byte(out, '{');
    member(out, "kind", kind);
    id_member(out, "id", id);
    member(out, "name", who);
    buf_add_byte(out, '}');
}

static void write_head(const struct audit_record *r, struct buf *out)
{
    buf_add_byte(out, '{');
    member(out, "time", clock_text(r->at != 0 ? r->at : clock_unix()).s);
    member(out, "action", audit_event_name(r->event));
    member(out, "code", audit_event_code(r->event, r->result).s);
    member(out, "result", results[r->result <= AUDIT_ERROR ? r->result : AUDIT_ERROR]);
    party(out, "actor", actors[r->actor_kind <= AUDIT_ACTOR_NOBODY ? r->actor_kind : 0], r->actor,
          r->actor_name);
    if (r->object_kind != NULL || r->object_name != NULL || !id_is_zero(r->object))
        party(out, "object", r->object_kind, r->object, r->object_name);
    id_member(out, "user", r->user);
    id_member(out, "device", r->device);
    id_member(out, "app", r->app);
    id_member(out, "connector", r->connector);
    id_member(out, "relay", r->relay);
    id_member(out, "session", r->session);
    id_member(out, "site", r->site);
    member(out, "address", r->address);
    member(out, "request", r->request);
    member(out, "text", r->text);
}

void audit_write(const struct audit_record *r, struct buf *out)
{
    size_t before = out->len;

    write_head(r, out);
    if (r->detail.len > 0) {
        add_name(out, "detail");
        if (out->len - before + r->detail.len + 1 > AUDIT_RECORD_MAX)
            buf_add_str(out, "{\"cut\":true}");
        else
            buf_add(out, r->detail);
    }
    buf_add_byte(out, '}');
}
