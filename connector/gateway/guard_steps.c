#include "connector/gateway/app.h"
#include "connector/gateway/guard.h"

/* The rows of pipeline.c: each finds its app's guard. */

struct gw_verdict step_retired(struct gw_exchange *x)
{
    return guard_retired(gw_app_guard(x->app), x, app_now(x->app));
}

struct gw_verdict step_access(struct gw_exchange *x)
{
    return guard_access(gw_app_guard(x->app), x, app_now(x->app));
}

struct gw_verdict step_limit(struct gw_exchange *x)
{
    return guard_limit(gw_app_guard(x->app), x, RATE_SESSION_KEYS, clock_boot_us() * 1000);
}

struct gw_verdict step_token(struct gw_exchange *x)
{
    return guard_token(gw_app_guard(x->app), x, app_now(x->app));
}

struct gw_verdict step_limit_token(struct gw_exchange *x)
{
    return guard_limit(gw_app_guard(x->app), x, RATE_TOKEN_KEYS, clock_boot_us() * 1000);
}

struct gw_verdict step_input(struct gw_exchange *x)
{
    return guard_input(gw_app_guard(x->app), x);
}

struct gw_verdict step_deprecated(struct gw_exchange *x)
{
    guard_answer(gw_app_guard(x->app), x);
    return gw_pass();
}

struct gw_verdict step_settle(struct gw_exchange *x)
{
    guard_account(gw_app_guard(x->app), x, clock_boot_us() * 1000);
    return gw_pass();
}
