/* A text has exactly one class; what a class promises holds for it. */
#include "connector/gateway/inventory/classify.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view v = {data, size};
    enum value_class segment = classify_segment(v), value = classify_value(v);

    if (segment > VALUE_IBAN || value >= VALUE_CLASSES || classify_type(value) == NULL)
        abort();
    if (segment != VALUE_WORD && value != segment && value != VALUE_TIME && value != VALUE_DECIMAL)
        abort();
    if (segment == VALUE_INTEGER && size > 41)
        abort();
    if (classify_is_card(v) && (size < 13 || segment == VALUE_EMAIL))
        abort();
    classify_is_iban(v);
    return 0;
}
