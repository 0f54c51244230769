/* FUZ-15: the gateway's configuration; FUZ-21: the path patterns of its rules. */
#include "fuzz.h"

#include "lib/gateway/config.h"

#include <stdlib.h>

/* What is accepted is safe to use: no limit without a key, no mode outside its three, no issuer
 * without algorithm; a rule for a path holds for the path that it was written as. */
static void promises(const struct gwconf *c)
{
    for (size_t i = 0; i < c->rates.count; i++) {
        const struct gwconf_rate *r = gwconf_rate_at(c, i);
        if (r->key == 0 || r->name == NULL || (r->pace.interval_ns > 0) != (r->burst > 0) ||
            r->mode < GW_OFF || r->mode > GW_BLOCK)
            abort();
        if (r->burst > 0 && r->burst > INT64_MAX / 4 / r->pace.interval_ns)
            abort();
    }
    for (size_t i = 0; i < c->oauth.issuers.count; i++) {
        const struct gwconf_issuer *s = gwconf_issuer_at(c, i);
        if (s->algs == 0 || s->aud.count == 0 || (s->jwks_uri == NULL) == (s->jwks_file == NULL))
            abort();
    }
    for (size_t i = 0; i < c->owners.count; i++) {
        const struct gwconf_owner *o = gwconf_owner_at(c, i);
        if (o->from.source == GW_OWNER_NONE || o->from.where == NULL ||
            o->equals.kind == GW_VALUE_NONE)
            abort();
    }
    for (size_t i = 0; i < c->retired.count; i++) {
        const struct gwmatch *m = &gwconf_retire_at(c, i)->match;
        struct view segments[GWMATCH_SEGMENTS_MAX];
        for (size_t k = 0; k < m->segment_count; k++)
            segments[k] =
                (struct view){(const uint8_t *)m->path + m->segments[k].from, m->segments[k].len};
        struct gwmatch_subject s = {.method = GW_GET,
                                    .segment_count = m->segment_count,
                                    .segments = segments,
                                    .operation = view_str(m->operation)};
        if ((m->methods == 0 || (m->methods & 1u << GW_GET) != 0) && !gwmatch_holds(m, &s))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    struct gwconf *c = NULL;
    sp_error e = gwconf_parse((struct view){data, size}, &why, &c);

    if (e == SP_OK) {
        promises(c);
    } else if (c != NULL || (e != SP_ERR_NOMEM && why.text[0] == '\0')) {
        abort();
    }
    gwconf_free(c);
    return 0;
}
