#include "lib/config/stream.h"

#include "lib/base/encode.h"
#include "lib/base/json.h"
#include "lib/config/scalar.h"

#include <yaml.h>

#include "lib/base/banned.h"

struct level {
    bool object, have_name, begun;
};

struct stream {
    yaml_parser_t parser;
    struct sp_why *why;
    struct buf *out;
    struct level levels[STREAM_DEPTH_MAX];
    size_t depth;
    bool document, value; /* one was seen */
};

static sp_error refuse(struct stream *s, yaml_mark_t at, const char *text)
{
    sp_why_place(s->why, (unsigned)at.line + 1, (unsigned)at.column + 1);
    return sp_why_say(s->why, SP_ERR_MALFORMED, "%s", text);
}

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
            return refuse(s, ev->start_mark, "merge keys (<<) are not supported");
        if (!scalar_bytes_valid(text))
            return refuse(s, ev->start_mark, "a name may not contain NUL or half a character");
        separate(s);
        encode_json_string(text, s->out);
        return buf_error(s->out);
    }
    separate(s);
    if (!plain) {
        if (!scalar_bytes_valid(text))
            return refuse(s, ev->start_mark, "a text may not contain NUL or half a character");
        encode_json_string(text, s->out);
        return buf_error(s->out);
    }
    if ((wrong = scalar_plain(text, &value)) != NULL)
        return refuse(s, ev->start_mark, wrong);
    if (value == NULL)
        return SP_ERR_NOMEM;
    sp_error e = json_write(value, s->out);
    json_free(value);
    return e;
}

static sp_error open_level(struct stream *s, bool object, yaml_mark_t at)
{
    if (wants_name(s))
        return refuse(s, at, "a name must be plain text");
    if (s->depth == STREAM_DEPTH_MAX) {
        sp_ignore(refuse(s, at, "nested deeper than 256 levels"));
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

/* Anchors and tags sit on each kind of node in a member of its own. */
static bool decorated(const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return ev->data.scalar.anchor != NULL || ev->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return ev->data.sequence_start.anchor != NULL || ev->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return ev->data.mapping_start.anchor != NULL || ev->data.mapping_start.tag != NULL;
    default:
        return false;
    }
}

static sp_error start_document(struct stream *s, const yaml_event_t *ev)
{
    const yaml_tag_directive_t *tags = ev->data.document_start.tag_directives.start;

    if (s->document)
        return refuse(s, ev->start_mark, "a second document begins; one file is one document");
    if (ev->data.document_start.version_directive != NULL ||
        tags != ev->data.document_start.tag_directives.end)
        return refuse(s, ev->start_mark, "directives (%) are not supported");
    s->document = true;
    return SP_OK;
}

static sp_error take(struct stream *s, const yaml_event_t *ev)
{
    if (decorated(ev))
        return refuse(s, ev->start_mark, "anchors (&) and tags (!) are not supported");
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        return start_document(s, ev);
    case YAML_ALIAS_EVENT:
        return refuse(s, ev->start_mark, "aliases (*) are not supported: write the value out");
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

static sp_error parser_failed(struct stream *s)
{
    const yaml_parser_t *p = &s->parser;

    if (p->error == YAML_MEMORY_ERROR)
        return SP_ERR_NOMEM;
    sp_why_place(s->why, (unsigned)p->problem_mark.line + 1, (unsigned)p->problem_mark.column + 1);
    return sp_why_say(s->why, SP_ERR_MALFORMED, "not valid YAML: %s%s%s",
                      p->problem != NULL ? p->problem : "unreadable", p->context != NULL ? " " : "",
                      p->context != NULL ? p->context : "");
}

static sp_error read_events(struct stream *s)
{
    yaml_event_t ev;
    sp_error e = SP_OK;
    bool end = false;

    while (e == SP_OK && !end) {
        if (!yaml_parser_parse(&s->parser, &ev))
            return parser_failed(s);
        end = ev.type == YAML_STREAM_END_EVENT;
        e = take(s, &ev);
        yaml_event_delete(&ev);
    }
    if (e == SP_OK && !s->value)
        buf_add_str(s->out, "null");
    return e == SP_OK ? buf_error(s->out) : e;
}

sp_error stream_to_json(struct view yaml, struct sp_why *why, struct buf *out)
{
    struct stream s = {.why = why, .out = out};

    if (!scalar_bytes_valid(yaml))
        return sp_why_say(why, SP_ERR_MALFORMED, "the text is not UTF-8, or has a NUL byte");
    if (!yaml_parser_initialize(&s.parser))
        return SP_ERR_NOMEM;
    yaml_parser_set_encoding(&s.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&s.parser, yaml.len == 0 ? (const uint8_t *)"" : yaml.at,
                                 yaml.len);
    sp_error e = read_events(&s);
    yaml_parser_delete(&s.parser);
    return e;
}
