#ifndef SP_ADMIN_DECLARE_H
#define SP_ADMIN_DECLARE_H

/*
 * declare: sites, apps and the policy document as one text that people keep in version control.
 *
 *   version: 1
 *   sites: [{name: office}]
 *   apps:
 *     - {name: wiki, site: office, type: http, host: wiki.corp.example, port: 443}
 *   policy: |
 *     version: 1
 *     …
 *
 * A section that is not there says nothing about its objects. Objects are named by name; ids,
 * versions and what the broker counts are not part of it. In memory: the same as JSON objects, each
 * app with all its members.
 * Pure. Any thread. Texts: declare.c, comparing: changes.c, what the
 * broker does with it: code.c.
 */

#include "lib/base/json.h"

enum { DECLARE_BYTES_MAX = 1024 * 1024 };

/*
 * Reads a text. Fuzzed by tests/fuzz/fuzz_declare.c. `*out` is owned by the caller.
 *   SP_ERR_LIMIT, SP_ERR_MALFORMED  not YAML as lib/config/tree.h wants it
 *   SP_ERR_INVALID  another member, kind or name than above, or an object twice
 * `why` has line and column of both.
 */
SP_MUST sp_error declare_read(struct view text, struct sp_why *why, struct json **out);

/* The object of a list with that name; NULL: none. Borrowed. */
const struct json *declare_find(const struct json *list, const char *name);

/* Writes one that declare_read takes and reads as the same. */
void declare_write(const struct json *doc, struct buf *out);

/* An app of the API as it stands in a document; owned by the caller. */
struct json *declare_app(const struct json *from_api);

/*
 * What has to be done so that `now` becomes `wanted`: [{object, name, change, fields}], in the
 * order in which it can be done (changes.c). object: site, app, policy; change: add, change,
 * remove; fields: of an app that changes, and of the document the policies. Without `prune` nothing
 * is removed.
 */
struct json *declare_changes(const struct json *now, const struct json *wanted, bool prune);

/* The same of two policy documents, by policy: object policy, name, change, fields. Texts that
 * can't be read have none; the broker says why. */
struct json *declare_policy_changes(struct view now, struct view wanted);

#endif
