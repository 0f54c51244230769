/*
 * schema: what the validator of the gateway costs, beside jansson's parse of the same bytes.
 *
 *   schema DOCUMENT BODY OPERATION STATUS
 *
 * CPU time of this process, the best of five; one line of JSON. STATUS 0: BODY is a request's.
 */
#include "lib/os/file.h"
#include "lib/schema/openapi.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 5, FILE_MAX = 64 * 1024 * 1024, BODY_BYTES = 20 * 1000 * 1000 };

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double least(double a, double b)
{
    return a == 0 || b < a ? b : a;
}

static double parse_us(struct view text, int times)
{
    double best = 0;

    for (int r = 0; r < ROUNDS; r++) {
        double began = cpu_us();
        for (int i = 0; i < times; i++) {
            json_t *j = json_loadb((const char *)text.at, text.len, 0, NULL);
            if (j == NULL)
                exit(3);
            json_decref(j);
        }
        best = least(best, (cpu_us() - began) / times);
    }
    return best;
}

static struct api_document *load(struct view text, double *us)
{
    struct api_document *d = NULL;

    for (int r = 0; r < ROUNDS; r++) {
        struct api_notes notes = {0};
        double began = cpu_us();
        api_free(d);
        if (api_load(text, NULL, &notes, &d) != SP_OK)
            exit(3);
        *us = least(*us, cpu_us() - began);
        api_notes_deinit(&notes);
    }
    return d;
}

static double check_us(const struct api_operation *op, const struct api_message *m, int times)
{
    static const struct api_strictness as_written;
    struct schema_report report;
    struct scratch s;
    double best = 0;

    scratch_init(&s, FILE_MAX);
    for (int r = 0; r < ROUNDS; r++) {
        double began = cpu_us();
        for (int i = 0; i < times; i++) {
            enum schema_verdict v = m->status == 0
                                        ? api_check_request(op, m, &as_written, &s, &report, NULL)
                                        : api_check_response(op, m, &as_written, &s, &report, NULL);
            if (v != SCHEMA_VALID)
                exit(4);
            scratch_reset(&s, FILE_MAX);
        }
        best = least(best, (cpu_us() - began) / times);
    }
    scratch_deinit(&s);
    return best;
}

int main(int argc, char **argv)
{
    const struct api_operation *op = NULL;
    struct buf document, body;
    double load_time = 0;

    buf_init(&document, FILE_MAX);
    buf_init(&body, FILE_MAX);
    if (argc != 5 || file_read(argv[1], FILE_MAX, &document, NULL) != SP_OK ||
        file_read(argv[2], FILE_MAX, &body, NULL) != SP_OK || body.len == 0) {
        fprintf(stderr, "usage: schema DOCUMENT BODY OPERATION STATUS\n");
        return 2;
    }
    struct api_document *d = load(buf_view(&document), &load_time);
    for (size_t i = 0; i < api_operation_count(d); i++) {
        const struct api_operation *one = api_operation_at(d, i);
        if (one->id != NULL && strcmp(one->id, argv[3]) == 0)
            op = one;
    }
    if (op == NULL)
        return 2;
    struct api_message m = {(unsigned)strtoul(argv[4], NULL, 10), view_str("application/json"),
                            buf_view(&body)};
    int times = (int)(BODY_BYTES / body.len) + 1;
    printf("{\"document_bytes\":%zu,\"document_parse_us\":%.0f,\"load_us\":%.0f,\"held_bytes\":%zu,"
           "\"body_bytes\":%zu,\"body_parse_us\":%.2f,\"check_us\":%.2f}\n",
           document.len, parse_us(buf_view(&document), 1), load_time, api_bytes(d), body.len,
           parse_us(buf_view(&body), times), check_us(op, &m, times));
    api_free(d);
    buf_deinit(&document);
    buf_deinit(&body);
    return 0;
}
