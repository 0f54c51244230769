/* OpenAPI documents of apps, piece by piece, to the connectors of their site. */
#include "broker/control/control_internal.h"
#include "lib/base/encode.h"
#include "lib/proto/registry.h"

void connector_blob_get(struct turn *t)
{
    struct store *st = registry_store(t->control->o.registry);
    struct blob_get ask;
    struct blob_get_answer answer = {0};
    struct sp_id site = {0};
    struct buf bytes, text;

    if (!turn_read(t, blob_get_fields, &ask))
        return;
    const struct snapshot *s = registry_hold(t->control->o.registry);
    const struct connector_row *row = snapshot_connector(s, t->peer->id);
    if (row != NULL)
        site = row->site;
    registry_release(t->control->o.registry, s);
    buf_init(&bytes, DOCUMENT_PIECE);
    buf_init(&text, 2 * DOCUMENT_PIECE);
    sp_error e =
        store_services(st)->documents->piece(st, ask.sha256, site, ask.at, &bytes, &answer.size);
    if (e == SP_OK) {
        encode_base64url(buf_view(&bytes), &text);
        e = buf_error(&text);
    }
    answer.bytes = buf_view(&text);
    if (e == SP_OK)
        turn_answer(t, blob_get_answer_fields, &answer);
    else
        turn_refuse(t, e, NULL);
    buf_deinit(&bytes);
    buf_deinit(&text);
}
