/* FUZ-10. A provider's metadata, and an answer that a browser brings back. */
#include "broker/identity/discovery.h"
#include "lib/http/url.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static void is_https(const char *text)
{
    struct url u;

    if (url_parse(view_str(text), &u) != SP_OK || !u.https || u.has_fragment)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct metadata m = {{0}, {0}, {0}, {0}, false, false};
    struct sp_why why = {0};

    if (metadata_read((struct view){data, size}, "https://idp.example.test/", &why, &m) != SP_OK) {
        if (why.text[0] == '\0' || m.authorization[0] != '\0')
            abort(); /* refused in words, and nothing written */
        return 0;
    }
    is_https(m.authorization);
    is_https(m.token);
    is_https(m.jwks);
    if (m.userinfo[0] != '\0')
        is_https(m.userinfo);
    return 0;
}
