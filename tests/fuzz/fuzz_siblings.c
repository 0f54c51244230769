/* What another connector of the site is said to have told: nothing counts without the key's code,
 * and what was written with it comes back as it was. */
#include "connector/gateway/siblings.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static uint64_t in[DETECT_FRESH_MAX], out[DETECT_FRESH_MAX];

static sp_error take(const struct secret *key, const struct json *members, size_t *n)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct api_sealed m;
    sp_error e = fields_read(members, api_sealed_types[API_OBJECTS].fields, &why, &m);

    return e != SP_OK ? e : siblings_read(key, &m, n, out);
}

static void there_and_back(const struct secret *key, const uint8_t *data, size_t size)
{
    const struct sp_id app = {{1}};
    size_t n = size / sizeof *in, got = 0;

    n = n < DETECT_FRESH_MAX ? n : DETECT_FRESH_MAX;
    if (n == 0)
        return;
    memcpy(in, data, n * sizeof *in);
    struct json *members = siblings_write(key, app, n, in);
    if (members == NULL || take(key, members, &got) != SP_OK || got != n ||
        memcmp(in, out, n * sizeof *in) != 0)
        abort();
    json_free(members);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct secret *key = NULL;
    struct json *members = NULL;
    size_t n = 0;

    if (secret_new(view_str("a key of a site that nobody knows"), &key) != SP_OK)
        return 0;
    if (json_parse((struct view){data, size}, 64 * 1024, NULL, &members) == SP_OK &&
        take(key, members, &n) == SP_OK)
        abort(); /* nobody could have made the code */
    json_free(members);
    there_and_back(key, data, size);
    secret_free(key);
    return 0;
}
