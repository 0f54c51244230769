#include "connector/gateway/app.h"
#include "connector/gateway/detect/exposure.h"
#include "connector/gateway/watch_internal.h"
#include "lib/base/num.h"
#include "lib/schema/openapi.h"

#include <stdio.h>

/* An exchange as facts for the inventory and the detectors. */

struct watch_note *watch_note(struct gw_exchange *x)
{
    if (x->watch_note == NULL)
        x->watch_note = arena_take(x->request.arena, sizeof(struct watch_note));
    return x->watch_note;
}

bool is_json(struct view t)
{
    return view_is(t, "application/json") ||
           (t.len > 5 && memcmp(t.at + t.len - 5, "+json", 5) == 0);
}

struct gwmatch_subject match_subject(const struct gw_exchange *x)
{
    const struct gw_target *t = &x->request.target;

    return (struct gwmatch_subject){x->request.method, t->segment_count, t->segments,
                                    x->route.operation_id};
}

static void observe_path(struct watch *w, const struct gw_exchange *x, struct observation *o)
{
    const struct gw_target *t = &x->request.target;

    o->path = detect_hash(w->detect, t->path);
    for (size_t i = 0; i < t->segment_count; i++)
        o->admin = o->admin || view_is(t->segments[i], "admin");
    if (o->endpoint == 0 || x->route.parameter_count == 0)
        return;
    struct view last = x->route.parameters[x->route.parameter_count - 1].value;
    o->object = o->endpoint ^ detect_hash(w->detect, last);
    o->numbered = num_int(last, INT64_MIN, INT64_MAX, &o->number) == SP_OK;
}

static void name_known(const struct gw_exchange *x, char *out, size_t room)
{
    struct view method = view_str(gw_method_name(x->request.method));

    memcpy(out, method.at, method.len);
    out[method.len] = ' ';
    view_copy(out + method.len + 1, room - method.len - 1, x->route.template);
}

/* An endpoint that answered and that nobody knows yet: its path with values left out. */
static void name_unknown(const struct watch *w, const struct gw_exchange *x, char *out, size_t room)
{
    const struct gw_target *t = &x->request.target;
    uint32_t values = inventory_values(w->inventory, t->segment_count, t->segments);
    int n = snprintf(out, room, "%s ", gw_method_name(x->request.method));

    for (size_t i = 0; i < x->request.target.segment_count && n > 0 && (size_t)n < room; i++) {
        struct view s = x->request.target.segments[i];
        bool value = (i < 32 && (values >> i & 1) != 0) || classify_segment(s) != VALUE_WORD;
        out += n;
        room -= (size_t)n;
        n = snprintf(out, room, value ? "/{value}" : "/%.*s", VIEW_ARG(s));
    }
}

void observe(struct watch *w, const struct gw_exchange *x, struct observed *room,
             struct observation *out)
{
    const struct gw_caller *c = x->caller;
    const struct watch_note *note = x->watch_note;
    struct observation o = {.at = app_now(x->app), .method = x->request.method};

    view_copy(room->user, sizeof room->user, view_str(id_text(c->user).s));
    o.user_text = view_str(room->user);
    o.session = c->session;
    o.user = detect_hash(w->detect, o.user_text);
    o.source = detect_hash(w->detect, c->device_text);
    o.groups = room->groups;
    for (size_t i = 0; i < c->group_count && i < DETECT_GROUPS_MAX; i++)
        room->groups[o.group_count++] = detect_hash(w->detect, c->groups[i]);
    room->endpoint[0] = '\0';
    if (x->route.template.len > 0) {
        name_known(x, room->endpoint, sizeof room->endpoint);
        o.endpoint_text = view_str(room->endpoint);
        o.endpoint = detect_hash(w->detect, o.endpoint_text);
    }
    if (x->route.template.len == 0 && gw_meaning(&x->response) / 100 == 2) {
        name_unknown(w, x, room->endpoint, sizeof room->endpoint);
        o.endpoint_text = view_str(room->endpoint);
        o.endpoint = detect_hash(w->detect, o.endpoint_text);
    }
    observe_path(w, x, &o);
    if (note != NULL) {
        o.login = note->login;
        o.password = note->password;
        o.sensitive = note->sensitive;
        o.account = note->account;
        o.password_tag = note->password_tag;
        o.records = note->records;
    }
    o.trace = app_trace(x->app, x);
    o.status = gw_meaning(&x->response);
    o.bytes = x->response.body.seen;
    *out = o;
}

/* Logins ------------------------------------------------------------------------------------ */

static bool names_password(struct view name)
{
    return view_is(name, "password") || view_is(name, "passwd") || view_is(name, "pwd") ||
           view_is(name, "passphrase");
}

static bool names_account(struct view name)
{
    return view_is(name, "username") || view_is(name, "user") || view_is(name, "email") ||
           view_is(name, "login") || view_is(name, "account");
}

static void take_credential(struct watch *w, struct watch_note *note, struct view name,
                            struct view value)
{
    if (value.len == 0)
        return;
    if (names_password(name)) {
        note->password = true;
        note->password_tag = (uint16_t)(detect_hash(w->detect, value) >> 48);
    } else if (names_account(name) && note->account == 0) {
        note->account = detect_hash(w->detect, value);
    }
}

/* As the configuration names them; a pointer is for JSON, a name for forms. */
static void take_configured(struct watch *w, struct watch_note *note, const struct value *root,
                            const struct gwconf_operation *op)
{
    struct view account = value_text(value_at(root, view_str(op->account)), &w->scratch);
    struct view password = value_text(value_at(root, view_str(op->password)), &w->scratch);

    if (op->account != NULL && account.len > 0)
        note->account = detect_hash(w->detect, account);
    if (op->password != NULL && password.len > 0) {
        note->password = true;
        note->password_tag = (uint16_t)(detect_hash(w->detect, password) >> 48);
    }
}

void observe_login(struct watch *w, struct gw_exchange *x)
{
    const struct gwconf *conf = gw_app_conf(x->app);
    struct gwmatch_subject s = match_subject(x);
    const struct gw_message_body *b = &x->request.body;
    const struct value *root = NULL;
    struct watch_note *note = watch_note(x);

    if (note == NULL || b->inspected != GW_INSPECTED || !is_json(b->content_type) ||
        value_read(b->bytes, VALUE_DEPTH_MAX, &w->scratch, NULL, &root) != SP_OK)
        return;
    for (struct value_iter i = value_iter(root);
         value_kind(root) == VALUE_OBJECT && value_next(&i);)
        take_credential(w, note, value_string(i.name), value_text(i.value, &w->scratch));
    for (size_t i = 0; i < conf->operations.count; i++) {
        const struct gwconf_operation *op = gwconf_operation_at(conf, i);
        if (op->login && gwmatch_holds(&op->match, &s))
            take_configured(w, note, root, op);
    }
    scratch_reset(&w->scratch, SCRATCH_FIRST_BYTES);
}

/* Answers ----------------------------------------------------------------------------------- */

static enum value_class class_of(const struct value *v, struct scratch *scratch)
{
    bool b;

    if (value_bool(v, &b))
        return VALUE_BOOLEAN;
    if (value_kind(v) == VALUE_NUMBER || value_kind(v) == VALUE_STRING) {
        enum value_class c = classify_value(value_text(v, scratch));
        bool number = value_kind(v) == VALUE_NUMBER;
        /* "17" in quotes is a string; 1e300 is a number without being digits. */
        if (number)
            return c == VALUE_INTEGER ? VALUE_INTEGER : VALUE_DECIMAL;
        return c == VALUE_INTEGER || c == VALUE_DECIMAL || c == VALUE_BOOLEAN ? VALUE_WORD : c;
    }
    return VALUE_WORD;
}

static void take_names(struct watch *w, struct gw_exchange *x, const struct value *object)
{
    struct watch_note *note = x->watch_note;

    if (note->properties == NULL &&
        (note->properties =
             arena_array(x->request.arena, INVENTORY_NAMES_MAX, sizeof *note->properties)) == NULL)
        return;
    for (struct value_iter i = value_iter(object);
         value_next(&i) && note->property_count < INVENTORY_NAMES_MAX;) {
        struct view name = arena_copy(x->request.arena, value_string(i.name));
        if (name.at == NULL)
            return;
        note->properties[note->property_count++] =
            (struct inventory_name){name, class_of(i.value, &w->scratch)};
    }
}

/* What the document marks x-sallyport-sensitive is meant to leave. */
static void look(struct scratch *scratch, struct exposure_seen *seen, struct view name,
                 const struct value *v, struct api_place place)
{
    if (seen->values == EXPOSURE_VALUES_MAX || api_place_sensitive(place))
        return;
    if (value_kind(v) == VALUE_STRING || value_kind(v) == VALUE_NUMBER) {
        exposure_see(seen, name, value_text(v, scratch));
        return;
    }
    for (struct value_iter i = value_iter(v); value_next(&i);) {
        if (value_kind(v) == VALUE_OBJECT)
            look(scratch, seen, value_string(i.name), i.value,
                 api_place_member(place, value_string(i.name)));
        else
            look(scratch, seen, name, i.value, api_place_item(place, i.index));
    }
}

static struct api_place place_of(const struct gw_exchange *x, struct scratch *scratch)
{
    const struct gw_response *r = &x->response;

    return x->route.operation == NULL
               ? (struct api_place){0}
               : api_answer_place(x->route.operation, (unsigned)r->status,
                                  gw_field_find(r->fields, r->field_count, "content-type", NULL),
                                  scratch);
}

void observe_exposure(const struct gw_exchange *x, const struct value *root,
                      struct scratch *scratch, struct exposure_seen *out)
{
    if (x->route.operation == NULL || !x->route.operation->sensitive)
        look(scratch, out, (struct view){0}, root, place_of(x, scratch));
}

/* Rows of a list, or of the largest list of an object. */
static uint64_t records_of(const struct value *root)
{
    uint64_t most = 0;

    if (value_kind(root) == VALUE_ARRAY)
        return value_count(root);
    for (struct value_iter i = value_iter(root);
         value_kind(root) == VALUE_OBJECT && value_next(&i);)
        if (value_kind(i.value) == VALUE_ARRAY && value_count(i.value) > most)
            most = value_count(i.value);
    return most == 0 && value_kind(root) == VALUE_OBJECT ? 1 : most;
}

static void report_exposure(struct watch *w, struct gw_exchange *x, const struct exposure_seen *s)
{
    struct finding f = {.detector = DETECTOR_EXPOSURE, .refuses = true, .score = 1, .threshold = 1};
    struct observation o;
    struct observed room;

    for (unsigned bit = 0; bit < 6; bit++)
        if (s->kinds & 1u << bit)
            finding_say(&f, "the answer has %s (property \"%.40s\")",
                        exposure_text((enum exposure)(1u << bit)), s->where[bit]);
    observe(w, x, &room, &o);
    detect_report(w->detect, &o, &f);
}

void observe_answer(struct watch *w, struct gw_exchange *x, const struct value *root)
{
    struct watch_note *note = watch_note(x);
    struct exposure_seen seen = {0};

    if (note == NULL)
        return;
    note->records = records_of(root);
    note->shape = value_kind(root) == VALUE_OBJECT  ? SHAPE_OBJECT
                  : value_kind(root) == VALUE_ARRAY ? SHAPE_ARRAY
                                                    : SHAPE_NONE;
    const struct value *object = note->shape == SHAPE_ARRAY ? value_item(root, 0) : root;
    if (value_kind(object) == VALUE_OBJECT)
        take_names(w, x, object);
    if (gw_app_conf(x->app)->detectors.exposure == GW_OFF)
        return;
    observe_exposure(x, root, &w->scratch, &seen);
    note->exposed = seen.kinds;
    if (seen.kinds != 0)
        report_exposure(w, x, &seen);
}
