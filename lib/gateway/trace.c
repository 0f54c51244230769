#include "lib/gateway/trace.h"

#include "lib/base/buf.h"
#include "lib/base/encode.h"

static void set_known(struct json *o, const char *name, int64_t version)
{
    if (version > 0)
        json_set_int(o, name, version);
}

static void set_size(struct json *o, const char *name, uint64_t n)
{
    json_set_int(o, name, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

void trace_write(const struct trace *t, struct json *o)
{
    struct buf hex;

    if (t->decision[0] != '\0')
        json_set_cstr(o, "decision", t->decision);
    set_known(o, "policy_version", t->policy_version);
    set_known(o, "app_version", t->app_version);
    if (t->documented) {
        buf_init(&hex, 2 * sizeof t->document);
        encode_hex((struct view){t->document, sizeof t->document}, &hex);
        json_set_str(o, "document", buf_view(&hex));
        buf_deinit(&hex);
    }
    set_size(o, "request_bytes", t->request_bytes);
    set_size(o, "response_bytes", t->response_bytes);
    json_set_int(o, "latency_us", t->latency_us < 0 ? 0 : t->latency_us);
}
