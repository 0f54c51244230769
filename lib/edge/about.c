#include "lib/edge/about.h"

#include "lib/crypto/random.h"
#include "lib/os/loop.h"
#include "lib/os/sandbox.h"
#include "lib/tls/context.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

void about_parts(const struct command_call *call, struct json *parts)
{
    char text[192];
    struct utsname u;

    (void)call;
    /* clang's version begins with its name, gcc's is the number alone. */
    snprintf(text, sizeof text, "%s%s", strchr(__VERSION__, ' ') == NULL ? "gcc " : "",
             __VERSION__);
    json_set_cstr(parts, "build", text);
    if (uname(&u) == 0) {
        snprintf(text, sizeof text, "%.40s %.80s, %.40s", u.sysname, u.release, u.machine);
        json_set_cstr(parts, "system", text);
    }
    snprintf(text, sizeof text, "wolfSSL %s, static", tls_library());
    json_set_cstr(parts, "tls", text);
    snprintf(text, sizeof text, "libsodium %s", crypto_library());
    json_set_cstr(parts, "crypto", text);
    snprintf(text, sizeof text, "libuv %s", loop_library());
    json_set_cstr(parts, "loop", text);
    json_set_cstr(parts, "sandbox", sandbox_state().s);
}
