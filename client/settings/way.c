#include "client/settings/way.h"

#include "client/settings/settings.h"

sp_error settings_way(struct proxy_env *out, struct sp_why *why)
{
    struct settings s = {.machine = ""};
    sp_error e = settings_load(&s, why);
    const char *proxy = settings_value(&s, SETTING_PROXY);
    const char *file = settings_value(&s, SETTING_PROXY_LOGIN);

    const struct proxy_own own = {
        .configured = proxy[0] != '\0' ? proxy : NULL,
        .keep = "sallyport set proxy=http://HOST:PORT proxy_login=FILE keeps it in a file"};

    proxy_env_read(&own, proxy_getenv, out);
    if (e == SP_OK && file[0] != '\0')
        e = proxy_login(out, file, why);
    return e;
}
