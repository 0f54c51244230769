#include "lib/tls/hello.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

/* FUZ-23. The whole input, then every shorter one may only ask for more or refuse the same way. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hello hello, again;
    size_t need = HELLO_BYTES_MIN;
    sp_error e = hello_parse((struct view){data, size}, &hello, &need);

    if (e == SP_ERR_AGAIN && need <= size)
        abort(); /* a caller that waits for `need` bytes would spin */
    if (e != SP_OK && e != SP_ERR_AGAIN && e != SP_ERR_MALFORMED && e != SP_ERR_LIMIT)
        abort();
    if (size > HELLO_BYTES_MAX && e == SP_ERR_AGAIN)
        abort(); /* what one peek can hold is enough for a verdict */
    if (e != SP_OK)
        return 0;
    for (const char *c = hello.name; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            abort();
    /* The message is complete: one byte less is incomplete, and that is all it is. */
    if (hello_parse((struct view){data, size - 1}, &again, &need) != SP_ERR_AGAIN || need != size)
        abort();
    return 0;
}
