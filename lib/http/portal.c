#include "lib/http/portal.h"

#include "lib/http/client.h"

#include <stdio.h>
#include <string.h>

bool portal_look(const char *host, uint16_t port, const struct proxy_env *proxy,
                 char where[URL_HOST_MAX + 1])
{
    const struct client_options o = {.proxy = proxy};
    struct client_response answer;
    char url[URL_HOST_MAX + 32];
    bool v6 = strchr(host, ':') != NULL, away, found = false;
    struct client *c = NULL;
    struct sp_why why = {0};
    struct url there;

    snprintf(url, sizeof url, "http://%s%s%s:%u/", v6 ? "[" : "", host, v6 ? "]" : "", port);
    const struct client_request q = {
        .method = METHOD_GET, .url = url, .deadline_ms = PORTAL_MS, .allow_http = true};
    client_response_init(&answer);
    if (client_new(&o, &why, &c) == SP_OK && client_call(c, &q, &why, &answer) == SP_OK) {
        away = answer.status >= 300 && answer.status < 400 &&
               url_parse(buf_view(&answer.location), &there) == SP_OK && !view_is(there.host, host);
        found = away || answer.status == 511;
        if (found)
            view_copy(where, URL_HOST_MAX + 1, away ? there.host : view_str("status 511"));
    }
    client_response_deinit(&answer);
    client_free(c);
    return found;
}
