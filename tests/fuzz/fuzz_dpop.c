/* GW-03: a proof of possession, and a token's claims behind it. First byte: which reader. */
#include "fuzz.h"

#include "connector/gateway/dpop.h"
#include "connector/gateway/token.h"

#include <stdlib.h>

/* Nobody without the key passes: the set below has none, and a proof must fit a fixed key. */
static void fuzz_proof(struct view proof)
{
    static struct dpop *d;
    struct sp_why why = {{0}, {0}, 0, 0};
    struct dpop_expect x = {.method = view_str("GET"),
                            .scheme = view_str("http"),
                            .host = view_str("127.77.0.2:8080"),
                            .path = view_str("/v1/x"),
                            .token = view_str("the-token"),
                            .now = INT64_C(1764038400000)};

    if (d == NULL && dpop_new(64, &d) != SP_OK)
        abort();
    sp_error e = dpop_check(d, proof, &x, &why);
    if (e == SP_OK || (e != SP_ERR_NOMEM && why.text[0] == '\0'))
        abort();
}

static void fuzz_answer(struct view body)
{
    static const struct gwconf_introspection conf;
    struct token *t = NULL;
    sp_error e = token_from_answer(body, &conf, INT64_C(1764038400000), NULL, &t);

    if (e != SP_OK && t != NULL)
        abort();
    if (t != NULL && (t->expires != 0 && t->expires < INT64_C(1764038400000) - 30000))
        abort();
    if (t != NULL && !token_has_scopes(t, buf_view(&t->scopes)))
        abort();
    token_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 'p')
        fuzz_proof((struct view){data + 1, size - 1});
    else
        fuzz_answer((struct view){data + 1, size - 1});
    return 0;
}
