/* FUZ-14. A posture report as any device may send it. */
#include "lib/trust/report.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report r = {0};

    if (report_parse((struct view){data, size}, &r) != SP_OK) {
        if (r.signals != NULL || r.body != NULL)
            abort();
        return 0;
    }
    if (size > REPORT_MAX || r.count > REPORT_SIGNALS_MAX || r.sequence < 0)
        abort();
    for (size_t i = 0; i < r.count; i++) {
        const struct report_signal *s = &r.signals[i];
        if (s->name[0] == '\0' || s->known != (s->value != NULL) || s->at < 0)
            abort();
    }
    report_deinit(&r);
    return 0;
}
