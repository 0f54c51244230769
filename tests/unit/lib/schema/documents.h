#ifndef SP_TEST_SCHEMA_DOCUMENTS_H
#define SP_TEST_SCHEMA_DOCUMENTS_H

/* documents: what the tests of API documents share. */

#include "lib/schema/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROOM = 8 * 1024 * 1024 };

/* A document without faults; else the test fails with the last note. */
struct api_document *load(const char *text);
const struct api_operation *operation(const struct api_document *d, const char *id);

#define JSON "application/json"

/* Bodies of all kinds, in the dialect of 3.0. */
extern const char bodies_30[];

struct body_row {
    const char *id, *type, *body;
    unsigned status; /* 0: a request */
    enum schema_verdict v;
    const char *fault; /* "keyword@pointer" of the first; NULL: any or none */
};

void check_body(const struct api_document *d, const struct body_row *row,
                const struct api_strictness *how);

#endif
