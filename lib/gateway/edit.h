#ifndef SP_GATEWAY_EDIT_H
#define SP_GATEWAY_EDIT_H

/*
 * edit: small changes of a gateway's text that leave everything else as its author wrote it:
 * comments, order, quotes, blank lines. Pure. Any thread.
 *
 * The result is not checked: gwconf_parse it.
 */

#include "lib/base/buf.h"
#include "lib/base/why.h"
#include "lib/gateway/config.h"

/*
 * The text with the member `key` of the mapping `part` set to the word `value`. What is missing is
 * added at the front of its mapping.
 *   SP_ERR_MALFORMED  the text can't be read, or something else stands there
 *   SP_ERR_LIMIT, SP_ERR_NOMEM
 */
SP_MUST sp_error gwedit_set(struct view text, const char *part, const char *key, const char *value,
                            struct buf *out);

/* Items of the list `part`, or of its member `list` (NULL: none): the one whose `name` is `named`,
 * or (NULL) all that are not off. Borrowed. */
struct gwedit_items {
    const char *part, *list, *named;
};
/* As gwedit_set, in each of these items.
 *   SP_ERR_NOT_FOUND  there are none */
SP_MUST sp_error gwedit_set_items(struct view text, const struct gwedit_items *which,
                                  const char *key, const char *value, struct buf *out);

/* The text with `item`, a flow mapping or a scalar, as the first of the list `part`. */
SP_MUST sp_error gwedit_add(struct view text, const char *part, struct view item, struct buf *out);

/* The text without the scalar `value` in the list `part`; in a list of lines its line goes.
 *   SP_ERR_NOT_FOUND  no such item
 *   SP_ERR_MALFORMED  it is written in a way that can't be cut out */
SP_MUST sp_error gwedit_drop(struct view text, const char *part, struct view value,
                             struct buf *out);

/* Which part of the configuration decides about a refusal of this reason and rule, and its mode
 * there: as pipeline records them. false: none that has a mode. */
struct gw_decider {
    const char *part, *list, *key; /* static; as gwedit_set, or (items) as gwedit_set_items */
    bool items;
    const char *named; /* of an item's name; NULL: every item. Borrowed from `rule` */
    enum gw_mode mode;
};
bool gwedit_decider(const struct gwconf *conf, const char *reason, const char *rule,
                    struct gw_decider *out);

#endif
