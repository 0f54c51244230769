#include "lib/config/stream.h"

#include "lib/base/encode.h"
#include "lib/base/json.h"
#include "lib/config/events.h"
#include "lib/config/scalar.h"

#include "lib/base/banned.h"

struct level {
    bool object, have_name, begun;
};

struct stream {
    struct sp_why *why;
    struct buf *out;
    struct level levels[STREAM_DEPTH_MAX];
    size_t depth;
    bool value; /* one was seen */
};

static struct level *top(struct stream *s)
{
    return s->depth == 0 ? NULL : &s->levels[s->depth - 1];
}

static bool wants_name(struct stream *s)
{
    return top(s) != NULL && top(s)->object && !top(s)->have_name;
}

/* What stands between this value and the one before it. */
static void separate(struct stream *s)
{
    struct level *l = top(s);

    s->value = true;
    if (l == NULL)
        return;
    if (l->object && l->have_name) {
        buf_add_byte(s->out, ':');
        l->have_name = false;
        return;
    }
    if (l->begun)
        buf_add_byte(s->out, ',');
    l->begun = true;
    l->have_name = l->object;
}

static sp_error scalar(struct stream *s, const yaml_event_t *ev)
{
    struct view text = {ev->data.scalar.value, ev->data.scalar.length};
    bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct json *value = NULL;
    const char *wrong;

    if (wants_name(s)) {
        if (view_is(text, "<<") && plain)
            return events_refuse(s->why, ev->start_mark, "merge keys (<<) are not supported");
        if (!scalar_bytes_valid(text))
            return events_refuse(s->why, ev->start_mark,
                                 "a name may not contain NUL or half a character");
        separate(s);
        encode_json_string(text, s->out);
        return buf_error(s->out);
    }
    separate(s);
    if (!plain) {
        if (!scalar_bytes_valid(text))
            return events_refuse(s->why, ev->start_mark,
                                 "a text may not contain NUL or half a character");
        encode_json_string(text, s->out);
        return buf_error(s->out);
    }
    if ((wrong = scalar_plain(text, &value)) != NULL)
        return events_refuse(s->why, ev->start_mark, wrong);
    if (value == NULL)
        return SP_ERR_NOMEM;
    sp_error e = json_write(value, s->out);
    json_free(value);
    return e;
}

static sp_error open_level(struct stream *s, bool object, yaml_mark_t at)
{
    if (wants_name(s))
        return events_refuse(s->why, at, "a name must be plain text");
    if (s->depth == STREAM_DEPTH_MAX) {
        sp_ignore(events_refuse(s->why, at, "nested deeper than 256 levels"));
        return SP_ERR_LIMIT;
    }
    separate(s);
    s->levels[s->depth++] = (struct level){.object = object};
    buf_add_byte(s->out, object ? '{' : '[');
    return buf_error(s->out);
}

static sp_error close_level(struct stream *s)
{
    buf_add_byte(s->out, top(s)->object ? '}' : ']');
    s->depth--;
    return buf_error(s->out);
}

static sp_error take(void *arg, const yaml_event_t *ev)
{
    struct stream *s = arg;

    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return scalar(s, ev);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return open_level(s, ev->type == YAML_MAPPING_START_EVENT, ev->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_level(s);
    default:
        return SP_OK;
    }
}

sp_error stream_to_json(struct view yaml, struct sp_why *why, struct buf *out)
{
    struct stream s = {.why = why, .out = out};

    if (!scalar_bytes_valid(yaml))
        return sp_why_say(why, SP_ERR_MALFORMED, "the text is not UTF-8, or has a NUL byte");
    sp_error e = events_read(yaml, why, take, &s);
    if (e == SP_OK && !s.value)
        buf_add_str(s.out, "null");
    return e == SP_OK ? buf_error(s.out) : e;
}
