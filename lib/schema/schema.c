#include "lib/schema/schema.h"

#include "lib/schema/compile.h"
#include "lib/schema/run.h"

#include "lib/base/banned.h"

enum { COMPILE_MEMORY_MAX = 64 * 1024 * 1024 };

const char *schema_verdict_word(enum schema_verdict v)
{
    static const char *const words[] = {
        [SCHEMA_REFUSED] = "schema",
        [SCHEMA_MALFORMED] = "schema",
        [SCHEMA_DUPLICATE] = "duplicate_parameter",
        [SCHEMA_COST] = "schema_cost",
        [SCHEMA_NOMEM] = "overload",
        [SCHEMA_MEDIA_TYPE] = "media_type",
        [SCHEMA_UNDECLARED] = "schema",
        [SCHEMA_UNCHECKED] = "unchecked",
        [SCHEMA_VALID] = "valid",
    };
    return (size_t)v < sizeof words / sizeof *words ? words[v] : words[SCHEMA_REFUSED];
}

/* The first fault is the one that a person reads; warnings of a schema alone go nowhere. */
static void note(void *arg, bool error, const struct trail *at, const char *text)
{
    struct sp_why *why = arg;
    struct buf pointer;

    if (!error || why == NULL || why->text[0] != '\0')
        return;
    buf_init(&pointer, SP_WHY_FIELD_MAX);
    trail_write(at, &pointer);
    const char *field = buf_cstr(&pointer);
    sp_ignore(sp_why_say(why, SP_ERR_INVALID, "%s", text)); /* the caller returns the error */
    sp_why_field(why, "%s", field == NULL ? "" : field);
    buf_deinit(&pointer);
}

static sp_error compile(struct compiler *c, struct view text, const struct schema_options *o,
                        struct sp_why *why)
{
    struct trail root = {.name = view_str("")};
    struct value_fault fault = {0};
    uint32_t resource = 0;
    sp_error e;

    c->asserts_formats = o->assert_formats;
    c->note = note;
    c->arg = why;
    c->sources.openapi_30 = o->openapi_30;
    c->sources.fetch = o->fetch;
    c->sources.fetch_arg = o->fetch_arg;
    if ((e = sources_add(&c->sources, o->uri, text, &fault, &resource)) != SP_OK)
        return sp_why_say(why, e, "%s", fault.what == NULL ? sp_error_text(e) : fault.what);
    c->builder.p->root = compile_schema(c, c->sources.resources[resource].root, resource, &root);
    if ((e = compile_finish(c)) != SP_OK)
        return e;
    return c->errors > 0 ? SP_ERR_INVALID : SP_OK;
}

sp_error schema_compile(struct view text, const struct schema_options *options, struct sp_why *why,
                        struct schema_program **out)
{
    struct compiler c;
    sp_error e;

    if ((e = compiler_init(&c, COMPILE_MEMORY_MAX)) == SP_OK &&
        (e = compile(&c, text, options, why)) == SP_OK)
        e = builder_seal(&c.builder, out);
    compiler_deinit(&c);
    return e;
}

enum schema_verdict schema_run(const struct schema_program *p, const struct value *value,
                               struct scratch *scratch, struct schema_report *report)
{
    struct walk w = {.program = p, .node = p->root, .value = value_yy(value), .in = "body"};

    report->count = 0;
    report->verdict = walk_run(&w, scratch, report);
    return report->verdict;
}
