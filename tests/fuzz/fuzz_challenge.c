/* Where the token of a request is, and the words of a refusal in their quotes. */
#include "fuzz.h"

#include "connector/gateway/challenge.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gwconf_oauth conf = {.bind = GW_BIND_DPOP};
    struct gw_field field = {.name = view_str("authorization"), .value = {data, size}};
    struct gw_request r = {.fields = &field, .field_count = 1};
    struct sp_why why = {{0}, {0}, 0, 0};
    struct bearer b;
    char text[300];
    struct gw_words words;
    size_t quotes = 0;

    if (bearer_find(&r, &why, &b) == SP_OK) {
        if ((b.scheme == BEARER_NONE) != (b.token.len == 0) || b.token.len > CHALLENGE_TOKEN_MAX)
            abort();
        for (size_t i = 0; i < b.token.len; i++) {
            if (b.token.at[i] <= ' ' || b.token.at[i] >= 0x7f || b.token.at[i] == '"')
                abort();
        }
    } else if (why.text[0] == '\0') {
        abort();
    }
    view_copy(text, sizeof text, (struct view){data, size});
    (void)challenge(&conf, CHALLENGE_INVALID_TOKEN, text, text, &words);
    for (size_t i = 0; words.challenge[i] != '\0'; i++) {
        if (words.challenge[i] < ' ' || words.challenge[i] == 0x7f || words.challenge[i] == '\\')
            abort();
        quotes += words.challenge[i] == '"';
    }
    if (quotes % 2 != 0)
        abort();
    return 0;
}
