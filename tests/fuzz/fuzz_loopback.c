#include "client/login/loopback.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct loopback_expect expect = {"PATH", "STATE", 4711};
    struct loopback_hit hit = {.code = "before", .error = "before"};
    sp_error e = loopback_judge((struct view){data, size}, &expect, &hit);

    if (e == SP_OK && ((hit.code[0] == '\0') == (hit.error[0] == '\0')))
        abort(); /* exactly one of both */
    if (e != SP_OK && strcmp(hit.code, "before") != 0)
        abort(); /* untouched on failure */
    return 0;
}
