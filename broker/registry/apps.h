#ifndef SP_REGISTRY_APPS_H
#define SP_REGISTRY_APPS_H

/*
 * apps: private applications and the signed records that their connectors obey.
 */

#include "broker/registry/registry.h"
#include "lib/base/json.h"

enum { APP_LABELS_MAX = 64, APP_GATEWAY_MAX = 20 * 1024, REGISTRY_DOCUMENT_MAX = 16 * 1024 * 1024 };

/* As written by an admin; borrowed. */
struct app_spec {
    struct view name, host;
    enum app_type type;
    uint16_t port;
    struct sp_id site;
    const struct json *labels; /* object of text to text; NULL: none */
    const struct json *limits; /* object of durations as in a policy; NULL: none */
    struct view description;
    enum app_cut { APP_CUT_AUTO = 0, APP_CUT_OFF } cut_through;
    struct view gateway; /* http apps: lib/gateway/config.h; empty: none */
    /* A document that this change brings; NULL: none. Its app and version are filled in. */
    const struct document_row *document;
    struct view document_text; /* empty: it is stored already */
};

/*
 * Who changes an app, which version of it they saw, and what signs its new record. Borrowed for
 * the call. A zeroed one changes nothing: it has no key.
 */
struct app_change {
    uint64_t expect_ver;                 /* 0: the app is new */
    const struct key_secret *record_key; /* purpose record */
    const struct audit_record *by;       /* its text: why */
};

/*
 * Makes or changes an app and signs its record. `id` is that of the app that is changed; a new one
 * gets its own.
 *   SP_ERR_INVALID    no record_key; `why` names the field; the gateway names a document that
 *                     nobody uploaded
 *   SP_ERR_NOT_FOUND  no such site
 *   SP_ERR_EXISTS, SP_ERR_CONFLICT
 */
SP_MUST sp_error apps_put(struct registry *r, const struct app_spec *spec, struct sp_id id,
                          const struct app_change *change, struct sp_why *why,
                          struct app_row *out /* views are empty */);
SP_MUST sp_error apps_remove(struct registry *r, struct sp_id id, uint64_t expect_ver,
                             const struct audit_record *by);
/* Signs all records anew, after the record key changed. */
SP_MUST sp_error apps_sign_all(struct registry *r, const struct key_secret *record_key);

/* The gateway part of an app as its admin wrote it, appended to `out`; nothing when it has none.
 *   SP_ERR_LIMIT, SP_ERR_NOMEM from `out` */
SP_MUST sp_error apps_gateway(const struct app_row *row, struct buf *out);

const char *app_type_word(enum app_type t); /* "tcp", "http", "ssh" */
/* SP_ERR_INVALID */
SP_MUST sp_error app_type_parse(struct view word, enum app_type *out);

#endif
