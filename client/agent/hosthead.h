#ifndef SP_CLIENT_AGENT_HOSTHEAD_H
#define SP_CLIENT_AGENT_HOSTHEAD_H

/*
 * hosthead: whose page is asking? The Host check on local addresses of http apps (TM-13, PROTOCOL
 * section 12).
 *
 * A web page on a name that its owner points at 127.77.a.b reaches our listener, but its browser
 * says that name as Host. Only the app's own address and name are let through. Looks at the first
 * request head of a connection and changes no byte. A TLS hello passes: a browser refuses a
 * certificate that is for another name than its page's. So does the preface of HTTP/2: no browser
 * speaks that without TLS. A head that is longer than HOSTHEAD_MAX is judged by what stands in its
 * first bytes, where browsers have their one Host: what is too long is the gateway's to refuse, and
 * to record. Pure. Fuzzed by tests/fuzz/fuzz_hosthead.c.
 */

#include "lib/base/view.h"

enum { HOSTHEAD_MAX = 32 * 1024, HOSTHEAD_NAMES_MAX = 4, HOSTHEAD_NAME_BYTES = 256 };

/* The app's own hosts, without port: "127.77.3.9", "wiki.sallyport.internal". */
struct hosthead_expect {
    char names[HOSTHEAD_NAMES_MAX][HOSTHEAD_NAME_BYTES];
    size_t count;
    uint16_t port;
};

/*
 *   SP_OK             the app's own host
 *   SP_ERR_AGAIN      no whole head yet
 *   SP_ERR_DENIED     another host, none, two, or a target that names another
 *   SP_ERR_MALFORMED  no HTTP/1 request head
 *   SP_ERR_LIMIT      HOSTHEAD_MAX bytes without its end and without a Host
 */
SP_MUST sp_error hosthead_check(struct view head, const struct hosthead_expect *expect);

/*
 * How whoever sent this head would be answered in place of the app: not at all where it is no
 * HTTP/1 request, with a page where a browser navigates (Accept names text/html before any JSON),
 * without a body where it asks by HEAD. Looks no further than HOSTHEAD_MAX.
 */
struct hosthead_asks {
    bool http, page, head;
};
struct hosthead_asks hosthead_asks(struct view head);

/* What is answered instead of a forward: 421 for DENIED, 400 for MALFORMED, 431 for LIMIT. */
struct view hosthead_answer(sp_error e);

#endif
