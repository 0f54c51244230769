/*
 * replay_calls: feeds calls to the inventory and says how many are in the right template.
 *
 * Standard input, one a line, fields parted by tabs:
 *   T METHOD TEMPLATE                       an operation of the document
 *   C METHOD TEMPLATE PATH SHAPE NAMES      a call; SHAPE o, a or -, NAMES parted by commas; a
 *                                           segment "?name" of TEMPLATE: word and value are right
 * Writes one JSON object. tests/gateway/inventory_github.py makes the input and judges the output.
 */

#include "connector/gateway/inventory/inventory.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct call {
    char *line; /* owned; the fields below point into it */
    char *field[6];
};

static void split(char *line, char **field)
{
    for (size_t i = 0; i < 6; i++) {
        field[i] = line;
        if (line == NULL)
            continue;
        line = strchr(line, '\t');
        if (line != NULL)
            *line++ = '\0';
    }
}

static size_t split_views(char *text, char by, struct view *out, size_t max)
{
    size_t n = 0;

    while (text != NULL && *text != '\0' && n < max) {
        char *end = strchr(text, by);
        size_t len = end == NULL ? strlen(text) : (size_t)(end - text);
        out[n++] = (struct view){(const uint8_t *)text, len};
        text = end == NULL ? NULL : end + 1;
    }
    return n;
}

/* "/a/{x}" and "/a/{y}" are one template; so is "/a/{x}...{y}", which no reader can tell apart. */
static void blank_names(const char *from, char *to)
{
    while (*from != '\0') {
        size_t len = strcspn(from + 1, "/") + 1;
        bool value = len > 2 && from[1] == '{' && from[len - 1] == '}';
        memcpy(to, value ? "/{" : from, value ? 2 : len);
        to += value ? 2 : len;
        from += len;
    }
    *to = '\0';
}

static void see(struct inventory *v, const struct call *c, size_t n)
{
    struct view segments[INVENTORY_SEGMENTS_MAX], names[INVENTORY_NAMES_MAX];
    struct inventory_name properties[INVENTORY_NAMES_MAX];
    struct inventory_call call = {.at = 1764000000000 + (sp_unix_ms)n,
                                  .method = gw_method_parse(view_str(c->field[1])),
                                  .segments = segments,
                                  .status = 200,
                                  .user = n * 0x9e3779b97f4a7c15u,
                                  .latency_us = 1000,
                                  .properties = properties};

    call.segment_count = split_views(c->field[3] + 1, '/', segments, INVENTORY_SEGMENTS_MAX);
    call.shape = c->field[4][0] == 'o'   ? SHAPE_OBJECT
                 : c->field[4][0] == 'a' ? SHAPE_ARRAY
                                         : SHAPE_NONE;
    call.property_count = split_views(c->field[5], ',', names, INVENTORY_NAMES_MAX);
    for (size_t i = 0; i < call.property_count; i++)
        properties[i] = (struct inventory_name){names[i], VALUE_WORD};
    inventory_see(v, &call);
}

/* The segment's end. */
static const char *end_of(const char *s)
{
    return s + 1 + strcspn(s + 1, "/");
}

/* 0: another template or none; 1: right; 2: a word of the API was taken for a value. */
static int judge(const struct inventory *v, const struct call *c)
{
    struct view segments[INVENTORY_SEGMENTS_MAX];
    char found[INVENTORY_TEMPLATE_MAX], blank[INVENTORY_TEMPLATE_MAX];
    size_t n = split_views(c->field[3] + 1, '/', segments, INVENTORY_SEGMENTS_MAX);
    struct endpoint *e = inventory_find(v, gw_method_parse(view_str(c->field[1])), n, segments);
    int is = 1;

    if (e == NULL)
        return 0;
    endpoint_template(v, e, found, sizeof found);
    blank_names(found, blank);
    const char *x = blank, *y = c->field[2];
    for (; *x != '\0' && *y != '\0'; x = end_of(x), y = end_of(y)) {
        size_t len = (size_t)(end_of(x) - x);
        bool value = x[1] == '{';
        if (y[1] == '?') /* one of few: a word and a value are both right */
            continue;
        if (value && y[1] != '{')
            return 2;
        if (!value && (y[1] == '{' || strncmp(x, y, len) != 0))
            is = 0;
    }
    return *x == *y ? is : 0;
}

static void report(const struct inventory *v, const struct call *calls, size_t count,
                   double seconds)
{
    size_t right = 0, merged = 0;
    const char *last[64] = {0};
    size_t different = 0;

    for (size_t i = 0; i < count; i++) {
        int is = judge(v, &calls[i]);
        right += is == 1;
        merged += is == 2;
        bool known = is != 2 || different == 64;
        for (size_t k = 0; k < different && !known; k++)
            known = strcmp(last[k], calls[i].field[2]) == 0;
        if (!known)
            last[different++] = calls[i].field[2];
    }
    struct inventory_figures f = inventory_figures(v);
    printf("{\"calls\":%zu,\"right\":%zu,\"merged_calls\":%zu,\"merged_templates\":[", count, right,
           merged);
    for (size_t k = 0; k < different; k++)
        printf("%s\"%s\"", k == 0 ? "" : ",", last[k]);
    printf("],\"nodes\":%zu,\"endpoints\":%zu,\"bytes\":%zu,\"full\":%s,\"ns_a_call\":%.0f}\n",
           f.nodes, f.endpoints, f.bytes, f.full ? "true" : "false",
           seconds * 1e9 / (count == 0 ? 1 : (double)count));
}

int main(int argc, char **argv)
{
    struct inventory_options o = {.key = "replay of calls"};
    struct inventory *v = NULL;
    struct call *calls = calloc(1000000, sizeof *calls);
    size_t count = 0, room = 0;
    char *line = NULL;
    struct timespec from, to;
    bool document = argc > 1 && strcmp(argv[1], "--document") == 0;
    ssize_t len;

    if (calls == NULL || inventory_new(&o, &v) != SP_OK)
        return 2;
    while (count < 1000000 && (len = getline(&line, &room, stdin)) > 0) {
        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        struct call *c = &calls[count];
        c->line = strdup(line);
        split(c->line, c->field);
        if (c->field[2] == NULL) {
            free(c->line);
            continue;
        }
        if (line[0] == 'C' && c->field[4] != NULL) {
            count++;
            continue;
        }
        if (document && inventory_document(v, gw_method_parse(view_str(c->field[1])),
                                           view_str(c->field[2]), false) != SP_OK)
            fprintf(stderr, "not taken: %s\n", c->field[2]);
        free(c->line);
    }
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (size_t i = 0; i < count; i++)
        see(v, &calls[i], i);
    inventory_sweep(v, 1764000000000 + (sp_unix_ms)count);
    clock_gettime(CLOCK_MONOTONIC, &to);
    report(v, calls, count,
           (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    if (argc > 2 && strcmp(argv[2], "--draft") == 0) {
        struct json *draft = inventory_draft(v, view_str("replay"));
        struct buf text;
        buf_init(&text, 64 * 1024 * 1024);
        if (json_write(draft, &text) == SP_OK)
            fprintf(stderr, "%s\n", buf_cstr(&text));
        buf_deinit(&text);
        json_free(draft);
    }
    for (size_t i = 0; i < count; i++)
        free(calls[i].line);
    free(line);
    free(calls);
    inventory_free(v);
    return 0;
}
