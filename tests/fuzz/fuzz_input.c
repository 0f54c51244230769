/* FUZ-21: the input rules are bounded and never read beyond a value. */
#include "fuzz.h"

#include "connector/gateway/input.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct config_strings none;
    static const struct gwconf_input all = {.mode = GW_BLOCK,
                                            .sqli = GW_TEXT_FREE,
                                            .xss = GW_TEXT_FREE,
                                            .path_traversal = GW_BLOCK,
                                            .header_injection = GW_BLOCK,
                                            .ssrf_urls = true};
    struct view v = {data, size};
    enum input_finding f = input_judge(&all, view_str("x"), v, true, false);

    /* What is refused without a scheme is refused with the scheme's rules as well. */
    if (input_leads_inside(v, false, &none) && !input_leads_inside(v, true, &none))
        abort();
    if (f == INPUT_NOTHING && (input_climbs(v) || input_breaks_header(v) || input_is_script(v)))
        abort();
    if (input_finding_name(f) == NULL)
        abort();
    return 0;
}
