#ifndef SP_REGISTRY_GATEWAYS_H
#define SP_REGISTRY_GATEWAYS_H

/*
 * gateways: changes of an app's gateway part that are one act of an admin: switching what decides
 * about a refusal, retiring an endpoint. The text stays as its author wrote it but for that; the
 * record is signed anew. Workers.
 */

#include "broker/registry/apps.h"

/* What decides about refusals of this reason and rule in the app as it is now. */
struct gateway_decider {
    char part[64];    /* "detectors.bola", "rate.per-user", "owner" */
    const char *mode; /* "off", "monitor", "block"; static */
};
/* false: nothing that has a mode, or the app has no gateway. */
bool gateways_decider(const struct app_row *row, const char *reason, const char *rule,
                      struct gateway_decider *out);

/*
 * What takes a `change` changes the app `row`, which is of a snapshot; change->expect_ver is not 0,
 * and its `by` not NULL.
 */

/*
 * Sets the mode of what decides about refusals of this reason and rule.
 *   SP_ERR_NOT_FOUND  nothing of that reason and rule has a mode
 *   SP_ERR_INVALID    the text would not be usable, or can't be changed so: `why`
 *   and those of apps_put
 */
struct gateway_mode {
    const char *reason, *rule;
    const char *mode; /* "monitor", "block" */
};
SP_MUST sp_error gateways_switch(struct registry *r, const struct app_row *row,
                                 const struct gateway_mode *mode, const struct app_change *change,
                                 struct sp_why *why);

/* Adds a rule to `retire`. Dates "2026-12-31" or ""; successor "" for none. Errors as above. */
struct gateway_retire {
    const char *match, *deprecated, *sunset, *successor;
    bool block; /* 410 from sunset on */
};
SP_MUST sp_error gateways_retire(struct registry *r, const struct app_row *row,
                                 const struct gateway_retire *retire,
                                 const struct app_change *change, struct sp_why *why);

/* Adds a scalar to the list `part` of the text, or takes it out. Adding what is there already
 * changes nothing.
 *   SP_ERR_NOT_FOUND  to be taken out, and not there
 *   and those of gateways_switch */
struct gateway_item {
    const char *part, *scalar;
    bool drop;
};
SP_MUST sp_error gateways_item(struct registry *r, const struct app_row *row,
                               const struct gateway_item *item, const struct app_change *change,
                               struct sp_why *why);

/* Adds a limit of one person's requests a minute to `rate`; `match` is one endpoint. Errors as
 * above.
 *   SP_ERR_INVALID  a limit of this name is there */
struct gateway_limit {
    const char *name, *match;
    int64_t per_minute;
    bool block; /* else it monitors */
};
SP_MUST sp_error gateways_limit(struct registry *r, const struct app_row *row,
                                const struct gateway_limit *limit, const struct app_change *change,
                                struct sp_why *why);

/* What a check of an OpenAPI document found; the first so many. */
enum { GATEWAY_FAULTS_MAX = 16 };
struct gateway_faults {
    size_t count, errors, warnings; /* errors, warnings: all of them */
    struct gateway_fault {
        bool error;
        char pointer[256], text[256];
    } list[GATEWAY_FAULTS_MAX];
};

/*
 * Checks the document as a connector does, stores it under its SHA-256, and puts it in force: the
 * gateway part names it from then on. Its note is the text of change->by. A document with a fault
 * changes nothing.
 *   SP_ERR_INVALID, SP_ERR_UNSUPPORTED, SP_ERR_MALFORMED  `faults` and `why`
 *   SP_ERR_LIMIT   over REGISTRY_DOCUMENT_MAX
 *   and those of apps_put
 */
SP_MUST sp_error gateways_upload(struct registry *r, const struct app_row *row, struct view text,
                                 const struct app_change *change, struct gateway_faults *faults,
                                 struct sp_why *why);
/* A part of a document that is too large for one call: of `text`'s author, from byte `at` on; 0
 * begins anew. gateways_parts appends what is there, and an upload or an hour ends it.
 *   SP_ERR_CONFLICT  `at` is not where the parts before end */
SP_MUST sp_error gateways_part(struct registry *r, struct sp_id app, struct sp_id author,
                               int64_t at, struct view text);
SP_MUST sp_error gateways_parts(struct registry *r, struct sp_id app, struct sp_id author,
                                struct buf *out);
/* Puts one of the app's earlier documents in force again, with the note of this change.
 *   SP_ERR_NOT_FOUND  it is none of them
 *   and those of gateways_switch */
SP_MUST sp_error gateways_restore(struct registry *r, const struct app_row *row,
                                  const uint8_t sha256[32], const struct app_change *change,
                                  struct sp_why *why);

/* Name of the document that the gateway part names, "sha256:HEX" for an uploaded one; "": none. */
void gateways_document(const struct app_row *row, char *out, size_t room);

#endif
