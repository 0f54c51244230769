/*
 * schema_tool: what the Python tests of the validator talk to. One command a line on stdin, one
 * answer a line on stdout. A text is JSON in one line, or "=" and hex for bytes that are no line.
 *
 *   O formats|remarks 30|2020    options of the next S
 *   R URI TEXT                   a document that $ref can reach
 *   S TEXT                       compiles; "ok BYTES" or "error POINTER: why"
 *   I TEXT                       walks a value; its verdict, then "keyword@pointer" for each fault
 *   J TEXT                       reads a value; "ok", or the error and what was wrong
 *   D PATH                       loads a document; "ok OPERATIONS WARNINGS BYTES" or "error CODE
 *                                ERRORS", then "|POINTER: text" for each note
 *   L N                          operation N: "METHOD PATH ID", or "none"
 *   P N|PATH|QUERY|HEADER        its parameters; pairs name=value, RS (0x1e) between them
 *   B N|TYPE|TEXT                a request's body
 *   A N|STATUS|TYPE|TEXT         a response's body
 *   C on|off                     refuses what is not described
 */
#include "lib/schema/openapi.h"

#include "lib/base/encode.h"

#include <stdio.h>
#include <stdlib.h>

enum { REMOTES_MAX = 256, PAIRS_MAX = 64, FIELDS = 4, ROOM_BYTES = 256 * 1024 * 1024 };

struct tool {
    struct schema_options options;
    struct schema_program *program;
    struct api_document *document;
    struct api_strictness strict;
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

static void load(struct tool *t, const char *path)
{
    struct api_notes notes = {0};

    api_free(t->document);
    t->document = NULL;
    sp_error e = api_load_file(path, NULL, &notes, &t->document);
    if (e == SP_OK)
        printf("ok %zu %zu %zu", api_operation_count(t->document), notes.warnings,
               api_bytes(t->document));
    else
        printf("error %s %zu", sp_error_code(e), notes.errors);
    for (size_t i = 0; i < notes.count; i++) {
        struct buf line;
        buf_init(&line, 64 * 1024);
        buf_addf(&line, "%s: %s", notes.items[i].pointer, notes.items[i].text);
        printf("|%s", notes.items[i].error ? "" : "warning ");
        for (size_t k = 0; k < line.len; k++)
            putchar(line.at[k] < 0x20 || line.at[k] == '|' ? '?' : line.at[k]);
        buf_deinit(&line);
    }
    putchar('\n');
    api_notes_deinit(&notes);
}

/* Fields between bars; the last takes the rest. Returns the operation that the first one names. */
static const struct api_operation *fields(struct tool *t, char *line, char *field[FIELDS], int n)
{
    field[0] = line;
    for (int i = 1; i < n; i++) {
        char *bar = strchr(field[i - 1], '|');
        if (bar == NULL || t->document == NULL)
            exit(2);
        *bar = '\0';
        field[i] = bar + 1;
    }
    return api_operation_at(t->document, strtoul(field[0], NULL, 10));
}

static struct api_pairs pairs(char *text, struct api_pair room[PAIRS_MAX])
{
    struct api_pairs p = {room, 0};
    char *rest = text, *one;

    while (*text != '\0' && p.count < PAIRS_MAX && (one = strsep(&rest, "\x1e")) != NULL) {
        char *equals = strchr(one, '=');
        if (equals == NULL)
            exit(2);
        *equals = '\0';
        room[p.count++] = (struct api_pair){view_str(one), view_str(equals + 1)};
    }
    return p;
}

static void parameters(struct tool *t, char *line)
{
    char *field[FIELDS];
    struct api_pair path[PAIRS_MAX], header[PAIRS_MAX];
    struct schema_report report = {0};
    const struct api_operation *op = fields(t, line, field, 4);
    struct api_parameters given = {pairs(field[1], path), view_str(field[2]),
                                   pairs(field[3], header)};

    if (op == NULL)
        exit(2);
    (void)api_check_parameters(op, &given, &t->strict, &t->scratch, &report);
    print_report(&report);
    scratch_reset(&t->scratch, 1024 * 1024);
}

static void body(struct tool *t, char *line, bool response)
{
    char *field[FIELDS];
    uint8_t *bytes = NULL;
    struct schema_report report = {0};
    int n = response ? 4 : 3;
    const struct api_operation *op = fields(t, line, field, n);
    struct api_message m = {.type = view_str(field[n - 2]), .body = text_of(field[n - 1], &bytes)};

    if (op == NULL)
        exit(2);
    if (response) {
        m.status = (unsigned)strtoul(field[1], NULL, 10);
        (void)api_check_response(op, &m, &t->strict, &t->scratch, &report, NULL);
    } else {
        (void)api_check_request(op, &m, &t->strict, &t->scratch, &report, NULL);
    }
    print_report(&report);
    free(bytes);
    scratch_reset(&t->scratch, 1024 * 1024);
}

static void list(struct tool *t, const char *line)
{
    const struct api_operation *op =
        t->document == NULL ? NULL : api_operation_at(t->document, strtoul(line, NULL, 10));

    if (op == NULL)
        puts("none");
    else
        printf("%s %s %s\n", op->method, op->path, op->id == NULL ? "-" : op->id);
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
    case 'D':
        load(t, line + 2);
        break;
    case 'L':
        list(t, line + 2);
        break;
    case 'P':
        parameters(t, line + 2);
        break;
    case 'B':
    case 'A':
        body(t, line + 2, line[0] == 'A');
        break;
    case 'C':
        t->strict.unknown_properties = t->strict.unknown_query = strcmp(line + 2, "on") == 0;
        puts("ok");
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
    api_free(tool.document);
    scratch_deinit(&tool.scratch);
    for (size_t i = 0; i < tool.remote_count; i++) {
        free(tool.remotes[i].uri);
        free(tool.remotes[i].text);
    }
    return 0;
}
