#include "broker/api/trace.h"

#include "broker/api/call.h"

struct json *trace_object(const struct names *n, const struct trace_about *about,
                          const struct json *trace, const struct sentences *sentences)
{
    struct json *o = trace ? json_copy(trace) : json_object();
    struct json *reasons = json_array(), *remedies = json_array();

    for (size_t i = 0; sentences != NULL && i < sentences->count; i++) {
        json_push(reasons, json_new_str(view_str(sentences->at[i].reason)));
        if (sentences->at[i].remedy[0] != '\0')
            json_push(remedies, json_new_str(view_str(sentences->at[i].remedy)));
    }
    set_text_or_null(o, "request_id", about->request);
    json_set_time(o, "at", about->at);
    set_ref(o, "user", about->user, about->user_name);
    set_device(o, "device", n, about->device);
    set_ref(o, "app", about->app, about->app_name);
    json_set(o, "reasons", reasons);
    json_set(o, "remedies", remedies);
    return o;
}
