/* What a relay says of itself. */
#include "broker/control/control_internal.h"
#include "broker/registry/sites.h"
#include "lib/base/log.h"
#include "lib/proto/relay.h"

void relay_at_boot(struct turn *t)
{
    struct relay_boot m;
    struct buf addresses;

    if (!turn_read(t, relay_boot_fields, &m))
        return;
    buf_init(&addresses, ROW_TEXT_MAX);
    for (size_t a = 0; a < m.address_count; a++) {
        if (a > 0)
            buf_add_byte(&addresses, ' ');
        buf_add(&addresses, m.addresses[a]);
    }
    if (m.address_count == 0)
        buf_add_str(&addresses, t->control->o.public_address);
    const char *text = buf_cstr(&addresses);
    sp_error e = text == NULL ? SP_ERR_NOMEM : buf_error(&addresses);
    if (e == SP_OK)
        e = relays_set_addresses(t->control->o.registry, t->peer->id, text);
    if (e != SP_OK)
        log_event(LOG_WARN, "control.boot", sp_error_text(e), "relay", LOG_ID(t->peer->id), NULL);
    buf_deinit(&addresses);
    edges_relays_changed(t->control->o.edges);
}

void relay_at_load(struct turn *t)
{
    struct load_report m;

    if (!turn_read(t, load_report_fields, &m))
        return;
    const struct relay_load load = {.tunnels = (uint64_t)m.tunnels,
                                    .bytes_per_s = (uint64_t)m.bytes_per_s,
                                    .spare_descriptors = (uint64_t)m.descriptors_free};
    edges_load(t->control->o.edges, t->peer->id, &load);
}
