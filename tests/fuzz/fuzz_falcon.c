/* CrowdStrike's answers: a page of ids, a page of assessments, a token. */
#include "broker/feeds/answer.h"
#include "broker/feeds/falcon.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static void check_records(const struct feed_records *r)
{
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->at[i].count; k++) {
            const struct feed_value *v = &r->at[i].at[k];
            if (v->kind == VALUE_NUMBER && !(v->number >= 0 && v->number <= 100))
                abort();
            if ((v->kind == VALUE_TEXT) != (v->text[0] != '\0') || v->kind == VALUE_PASS_FAIL)
                abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct view text = {data, size};
    struct falcon_ids *ids = calloc(1, sizeof *ids);
    struct feed_records r = {0};
    struct secret *token = NULL;
    struct sp_why why = {0};

    if (ids == NULL)
        return 0;
    if (falcon_read_ids(text, &why, ids) == SP_OK) {
        for (size_t i = 0; i < ids->count; i++)
            if (strlen(ids->at[i]) != FALCON_ID ||
                strspn(ids->at[i], "0123456789abcdef") != FALCON_ID)
                abort();
    } else if (why.text[0] == '\0' || ids->count != 0) {
        abort(); /* refused in words, and nothing written */
    }
    if (falcon_read_assessments(text, &why, &r) == SP_OK)
        check_records(&r);
    if ((answer_token(text, &why, &token) == SP_OK) != (token != NULL))
        abort();
    secret_free(token);
    feed_records_free(&r);
    free(ids);
    return 0;
}
