#ifndef SP_API_SLICE_H
#define SP_API_SLICE_H

/*
 * slice: one policy of a document as a text of its own, and back, without touching a byte of the
 * others: comments, order, quotes and blank lines stay as they were written.
 *
 * A policy is the block item of the document's `policies` sequence, from the comment lines right
 * above its "- " to the line before the next item's; as a text of its own it stands at the left
 * margin without the dash. Documents whose policies are written as a flow sequence ([…]) or with
 * several on a line can be edited as a whole only.
 * Pure. Any thread.
 */

#include "lib/base/buf.h"

/*
 * Appends the text of policy `name`; `line` is where it begins in the document.
 *   SP_ERR_NOT_FOUND    no such policy
 *   SP_ERR_UNSUPPORTED  written so that it has no lines of its own
 *   SP_ERR_MALFORMED    the document is no YAML
 */
SP_MUST sp_error slice_read(struct view document, struct view name, struct buf *out,
                            unsigned *line);

/* Appends the document with `text` in the place of policy `name`, or at the end of its policies
 * when there is none; `line` is where it begins then. Errors as above, but NOT_FOUND. */
SP_MUST sp_error slice_replace(struct view document, struct view name, struct view text,
                               struct buf *out, unsigned *line);

/* Appends the document without policy `name`. Errors as slice_read. */
SP_MUST sp_error slice_remove(struct view document, struct view name, struct buf *out);

/* Whether `text` is one mapping whose member `name` is `name`. */
bool slice_names(struct view text, struct view name);

#endif
