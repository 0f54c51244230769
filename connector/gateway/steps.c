#include "connector/gateway/steps.h"

#include "connector/gateway/app.h"
#include "connector/gateway/grpc.h"

struct gw_verdict step_session(struct gw_exchange *x)
{
    const struct gw_caller *c = x->caller;

    return c->alive && app_now(x->app) < c->deadline ? gw_pass()
                                                     : gw_refuse(GW_REASON_SESSION_ENDED);
}

struct gw_verdict step_method(struct gw_exchange *x)
{
    unsigned methods = gw_app_conf(x->app)->methods;

    if ((methods & 1u << x->request.method) != 0)
        return gw_pass();
    x->route.allowed = methods;
    return gw_refuse(GW_REASON_METHOD);
}

struct gw_verdict step_size(struct gw_exchange *x)
{
    const struct gw_message_body *b = &x->request.body;

    if (grpc_is_type(b->content_type) && !x->request.grpc) /* off, or not over HTTP/2 */
        return gw_refuse(GW_REASON_MEDIA_TYPE);
    if (b->kind == GW_BODY_LENGTH && b->length > (uint64_t)gw_app_conf(x->app)->limits.body)
        return gw_refuse(GW_REASON_BODY_SIZE);
    return gw_pass();
}

struct gw_verdict step_record(struct gw_exchange *x)
{
    if (x->refusal.outcome == GW_REFUSE || x->hit_count > 0)
        app_tell(x->app, x);
    return gw_pass();
}
