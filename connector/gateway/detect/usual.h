#ifndef SP_DETECT_USUAL_H
#define SP_DETECT_USUAL_H

/*
 * usual: what is usual among many, among detectors of one key that each see a part of an app's
 * people (detect_options.shared). Each tells the others, now and then, what it has seen itself
 * since it told last, and never what it heard. Who tells it them is connector/gateway/siblings.h.
 *
 *   kind           what of the time since           key               heard as
 *   1 windows      objects opened in ten minutes    endpoint          exact: the same buckets
 *   2 hours        bytes and records of an hour     group, endpoint   mean and deviation, weighed
 *   3 private      objects, shared ones, users      endpoint          sums, union of the users
 *   4 functions    calls, groups that all have      endpoint          sums, union, intersection
 *   5 flows        uses, requests before, gaps      endpoint          sums, gaps one by one
 *
 * What is heard counts as if it had been seen here, with one bound: an operation or a flow that has
 * learned what is usual takes no more from another detector than from a person here. Its groups
 * only become fewer and never none, its predecessors never more, its pace never faster; nothing
 * resets it. So neither a sibling that has learned less nor one that lies opens what was closed.
 *
 * Personal habits are not told: a person's sessions on an app are all at one connector.
 *
 * A message: who tells it (16), its number (8), then entries: kind (1), length of the body (2), key
 * (8), body. Numbers are big-endian. A number is the time of telling in Unix ms, and higher than
 * the teller's last; that is how one that comes again is known. An entry of an unknown kind is
 * passed over: the one who tells it is newer.
 *
 * Hearing is for bytes that somebody with the key sealed, and trusts nothing in them: a fault
 * anywhere leaves all as it was, counts stop at UINT32_MAX, tables have the size they have.
 * Owner's thread. Fuzzed by tests/fuzz/fuzz_usual.c.
 */

#include "connector/gateway/detect/detect.h"

enum {
    USUAL_BYTES_MAX = 16000,             /* of one message */
    USUAL_TELLERS_MAX = 32,              /* remembered; then the one heard longest ago goes */
    USUAL_HEARD_MS = 2 * 60 * 60 * 1000, /* who told within this is one whose part is known */
    USUAL_AHEAD_MS = 24 * 60 * 60 * 1000 /* a number from further in the future is none */
};

/*
 * Appends the next message; `*more`: not all fitted. One without an entry says that its teller is
 * there and has nothing new. It is the next one until usual_told(), and nothing may be seen or
 * heard between the two.
 *   SP_ERR_DENIED  this detector shares nothing
 *   SP_ERR_LIMIT, SP_ERR_NOMEM  of `out`
 */
SP_MUST sp_error usual_tell(struct detect *d, sp_unix_ms now, struct buf *out, bool *more);
void usual_told(struct detect *d);

/*
 *   SP_ERR_DENIED     this detector shares nothing
 *   SP_ERR_MALFORMED  not a whole message, or a body that its kind can't have
 *   SP_ERR_REPLAY     its own, or not newer than what this teller told before
 *   SP_ERR_EXPIRED    from beyond USUAL_AHEAD_MS
 */
SP_MUST sp_error usual_hear(struct detect *d, struct view message, sp_unix_ms now);

/* How many others told within USUAL_HEARD_MS. */
size_t usual_heard(const struct detect *d, sp_unix_ms now);

#endif
