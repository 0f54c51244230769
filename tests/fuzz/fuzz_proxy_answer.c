#include "fuzz.h"

#include "lib/http/proxy_answer.h"

#include <stdlib.h>

/* A head that was read reads the same without what follows it, and is short by one byte less. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_answer a = {0}, b = {0};
    size_t head = 0, again = 0;
    struct view v = {data, size};

    if (proxy_answer_parse(v, &a, &head) != SP_OK)
        return 0;
    if (head == 0 || head > size || a.status < 100 || a.status > 599 ||
        memchr(a.schemes, 0, sizeof a.schemes) == NULL)
        abort();
    if (proxy_answer_parse(view_slice(v, 0, head), &b, &again) != SP_OK || again != head ||
        a.status != b.status || strcmp(a.schemes, b.schemes) != 0)
        abort();
    if (proxy_answer_parse(view_slice(v, 0, head - 1), &b, &again) != SP_ERR_AGAIN)
        abort();
    return 0;
}
