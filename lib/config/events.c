#include "lib/config/events.h"

#include "lib/base/banned.h"

struct reading {
    struct sp_why *why;
    events_taker *take;
    void *arg;
    bool document; /* one was seen */
};

sp_error events_refuse(struct sp_why *why, yaml_mark_t at, const char *text)
{
    sp_why_place(why, (unsigned)at.line + 1, (unsigned)at.column + 1);
    return sp_why_say(why, SP_ERR_MALFORMED, "%s", text);
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

static sp_error start_document(struct reading *r, const yaml_event_t *ev)
{
    const yaml_tag_directive_t *tags = ev->data.document_start.tag_directives.start;

    if (r->document)
        return events_refuse(r->why, ev->start_mark,
                             "a second document begins; one file is one document");
    if (ev->data.document_start.version_directive != NULL ||
        tags != ev->data.document_start.tag_directives.end)
        return events_refuse(r->why, ev->start_mark, "directives (%) are not supported");
    r->document = true;
    return SP_OK;
}

static sp_error take(struct reading *r, const yaml_event_t *ev)
{
    if (decorated(ev))
        return events_refuse(r->why, ev->start_mark, "anchors (&) and tags (!) are not supported");
    if (ev->type == YAML_ALIAS_EVENT)
        return events_refuse(r->why, ev->start_mark,
                             "aliases (*) are not supported: write the value out, or "
                             "in quotes if it begins with '*'");
    if (ev->type == YAML_DOCUMENT_START_EVENT)
        return start_document(r, ev);
    return r->take(r->arg, ev);
}

static sp_error parser_failed(const yaml_parser_t *p, struct sp_why *why)
{
    if (p->error == YAML_MEMORY_ERROR)
        return SP_ERR_NOMEM;
    sp_why_place(why, (unsigned)p->problem_mark.line + 1, (unsigned)p->problem_mark.column + 1);
    return sp_why_say(why, SP_ERR_MALFORMED, "not valid YAML: %s%s%s",
                      p->problem != NULL ? p->problem : "unreadable", p->context != NULL ? " " : "",
                      p->context != NULL ? p->context : "");
}

static sp_error read_all(yaml_parser_t *parser, struct reading *r)
{
    yaml_event_t ev;
    sp_error e = SP_OK;
    bool end = false;

    while (e == SP_OK && !end) {
        if (!yaml_parser_parse(parser, &ev))
            return parser_failed(parser, r->why);
        end = ev.type == YAML_STREAM_END_EVENT;
        e = take(r, &ev);
        yaml_event_delete(&ev);
    }
    return e;
}

sp_error events_read(struct view text, struct sp_why *why, events_taker *taker, void *arg)
{
    struct reading r = {.why = why, .take = taker, .arg = arg};
    yaml_parser_t parser;
    sp_error e;

    if (!yaml_parser_initialize(&parser))
        return SP_ERR_NOMEM;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.len == 0 ? (const uint8_t *)"" : text.at, text.len);
    e = read_all(&parser, &r);
    yaml_parser_delete(&parser);
    return e;
}
