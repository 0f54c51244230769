/*
 * schema_tool: what the Python tests of the validator talk to. One command a line on stdin, one
 * answer a line on stdout. A text is JSON in one line, or "=" and hex for bytes that are no line.
 *
 *   O formats|remarks 30|2020    options of the next S
 *   R URI TEXT                   a document that $ref can reach
 *   S TEXT                       compiles; "ok BYTES" or "error POINTER: why"
 *   I TEXT                       walks a value; its verdict, then "keyword@pointer" for each fault
 *   J TEXT                       reads a value; "ok", or the error and what was wrong
 */
#include "connector/gateway/schema/schema.h"

#include "lib/base/encode.h"

#include <stdio.h>
#include <stdlib.h>

enum { REMOTES_MAX = 256, ROOM_BYTES = 256 * 1024 * 1024 };

struct tool {
    struct schema_options options;
    struct schema_program *program;
    struct scratch scratch;
    struct remote {
        char *uri, *text;
    } remotes[REMOTES_MAX];
    size_t remote_count;
};

static sp_error fetch(void *arg, struct view uri, struct view *out)
{
    struct tool *t = arg;

    for (size_t i = 0; i < t->remote_count; i++) {
        if (view_is(uri, t->remotes[i].uri)) {
            *out = view_str(t->remotes[i].text);
            return SP_OK;
        }
    }
    return SP_ERR_NOT_FOUND;
}

/* The bytes of a text argument; `*bytes` is freed by the caller. */
static struct view text_of(const char *argument, uint8_t **bytes)
{
    size_t len = strlen(argument);

    *bytes = NULL;
    if (argument[0] != '=')
        return view_str(argument);
    *bytes = malloc(len / 2 + 1);
    if (*bytes == NULL || decode_hex_exact(view_str(argument + 1), *bytes, len / 2) != SP_OK) {
        fprintf(stderr, "schema_tool: bad hex\n");
        exit(2);
    }
    return (struct view){*bytes, len / 2};
}

static void set_options(struct tool *t, const char *argument)
{
    t->options = (struct schema_options){.fetch = fetch, .fetch_arg = t};
    t->options.assert_formats = strstr(argument, "formats") != NULL;
    t->options.openapi_30 = strstr(argument, "30") != NULL;
}

static void add_remote(struct tool *t, const char *argument)
{
    const char *blank = strchr(argument, ' ');

    if (blank == NULL || t->remote_count == REMOTES_MAX)
        exit(2);
    t->remotes[t->remote_count].uri = strndup(argument, (size_t)(blank - argument));
    t->remotes[t->remote_count++].text = strdup(blank + 1);
    puts("ok");
}

static void compile(struct tool *t, struct view text)
{
    struct sp_why why = {{0}, {0}, 0, 0};

    schema_program_free(t->program);
    t->program = NULL;
    sp_error e = schema_compile(text, &t->options, &why, &t->program);
    if (e == SP_OK)
        printf("ok %zu\n", schema_program_bytes(t->program));
    else
        printf("error %s %s: %s\n", sp_error_code(e), why.field, why.text);
}

static void print_report(const struct schema_report *r)
{
    struct buf line;

    buf_init(&line, 16 * 1024);
    buf_add_str(&line, schema_verdict_word(r->verdict));
    for (size_t i = 0; i < r->count; i++) {
        buf_addf(&line, " %s@", r->faults[i].keyword);
        encode_visible(view_str(r->faults[i].pointer), &line);
    }
    puts(buf_cstr(&line));
    buf_deinit(&line);
}

static void instance(struct tool *t, struct view text, bool run)
{
    const struct value *v = NULL;
    struct value_fault fault = {0};
    struct schema_report report = {0};
    sp_error e = value_read(text, VALUE_DEPTH_MAX, &t->scratch, &fault, &v);

    if (e != SP_OK) {
        printf("%s %s\n", sp_error_code(e), fault.what);
    } else if (!run || t->program == NULL) {
        puts(run ? "no program" : "ok");
    } else {
        (void)schema_run(t->program, v, &t->scratch, &report);
        print_report(&report);
    }
    scratch_reset(&t->scratch, 1024 * 1024);
}

static void command(struct tool *t, char *line)
{
    uint8_t *bytes = NULL;

    if (line[0] == '\0' || line[1] != ' ')
        exit(2);
    switch (line[0]) {
    case 'O':
        set_options(t, line + 2);
        puts("ok");
        break;
    case 'R':
        add_remote(t, line + 2);
        break;
    case 'S':
        compile(t, text_of(line + 2, &bytes));
        break;
    case 'I':
    case 'J':
        instance(t, text_of(line + 2, &bytes), line[0] == 'I');
        break;
    default:
        exit(2);
    }
    free(bytes);
}

int main(void)
{
    static struct tool tool;
    char *line = NULL;
    size_t room = 0;
    ssize_t len;

    set_options(&tool, "");
    scratch_init(&tool.scratch, ROOM_BYTES);
    while ((len = getline(&line, &room, stdin)) > 0) {
        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        command(&tool, line);
        fflush(stdout);
    }
    free(line);
    schema_program_free(tool.program);
    scratch_deinit(&tool.scratch);
    for (size_t i = 0; i < tool.remote_count; i++) {
        free(tool.remotes[i].uri);
        free(tool.remotes[i].text);
    }
    return 0;
}
