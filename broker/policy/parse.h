#ifndef SP_POLICY_PARSE_H
#define SP_POLICY_PARSE_H

/*
 * parse: the text of a policy document to its compiled form. Worker threads; reads zone files.
 */

#include "broker/policy/policy.h"
#include "lib/base/why.h"

/*
 * `text` is YAML (lib/config/tree: no anchors, no tags, no duplicate keys) of at most
 * POLICY_DOC_BYTES_MAX bytes. Refused with line and field: unknown keys, empty app sets,
 * duplicate names of policies or rules, mfa inside not, equal ends of a time window, unknown
 * zones, a number where a version is meant ("1.10" needs quotes), and whatever else has no
 * meaning. An empty text is a document that denies everything.
 * `zones` is the folder of the IANA zone files; NULL: "/usr/share/zoneinfo".
 * `*out` is owned by the caller: policy_doc_free(). Fuzzed by tests/fuzz/fuzz_policy.c.
 *   SP_ERR_LIMIT      longer or deeper than allowed
 *   SP_ERR_MALFORMED  no YAML, or of another shape
 *   SP_ERR_INVALID    well formed, but a value has no meaning
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error policy_parse(struct view text, const char *zones, struct sp_why *why,
                              struct policy_doc **out);

#endif
