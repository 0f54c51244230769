#ifndef SP_GATEWAY_INPUT_H
#define SP_GATEWAY_INPUT_H

/*
 * input: what a value of a request must not be, whatever the application makes of it (GATEWAY
 * section 9.11). Each rule is a pure function of one decoded value; no name is resolved.
 *
 * SQL and HTML are judged by libinjection (BSD-3, from Debian's modsecurity source), and only where
 * text is free: prose, names and code are no attack by having a quote in them.
 * Fuzzed by tests/fuzz/fuzz_input.c. Any thread.
 */

#include "lib/base/view.h"
#include "lib/gateway/config.h"

enum { INPUT_URL_MAX = 4096, INPUT_HOSTS_MAX = 8, INPUT_TEXT_MAX = 64 * 1024 };

/* Zero is no finding. The word of each is the `rule` of its verdict. */
enum input_finding {
    INPUT_NOTHING = 0,
    INPUT_TRAVERSAL,
    INPUT_HEADER,
    INPUT_SSRF,
    INPUT_SQL,
    INPUT_SCRIPT
};
const char *input_finding_name(enum input_finding f); /* "path_traversal"; "" for none */

/* A value that climbs out of a folder: a segment of two dots between slashes of either kind, also
 * percent-encoded once or twice more, or with a NUL in it. Prose ("a/b ... c") is none: a value
 * with blanks counts only when it begins with the climb. */
bool input_climbs(struct view value);

/* A line break and then what a reader of headers would take for a field (CWE-113). */
bool input_breaks_header(struct view value);

/*
 * Where a URL, or with `bare` also a host without a scheme, would lead a server that follows it:
 * to itself, its neighbours, the metadata of its cloud, or a name of `deny`. Every reading counts
 * that some parser in use has: numbers of IPv4 in decimal, octal and hex with one to four parts,
 * IPv4 inside of IPv6, user information, backslashes, escapes, full-width digits, a dot at the
 * end. `bare` values are also refused for schemes that never leave the machine (file:, …).
 */
bool input_leads_inside(struct view value, bool bare, const struct config_strings *deny);

/* libinjection's word. Values longer than INPUT_TEXT_MAX are judged by their beginning. */
bool input_is_sql(struct view value);
bool input_is_script(struct view value);

/* Which rules hold for a value: the parameter's or property's name, and whether its text is free.
 */
enum input_finding input_judge(const struct gwconf_input *conf, struct view name, struct view value,
                               bool free_text, bool is_body);

#endif
