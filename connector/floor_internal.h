#ifndef SP_CONNECTOR_FLOOR_INTERNAL_H
#define SP_CONNECTOR_FLOOR_INTERNAL_H

/* The parsed floor; floor.c judges by it, floor_parse.c makes it. */

#include "connector/floor.h"

enum floor_kind { FLOOR_NAME, FLOOR_SUFFIX, FLOOR_PREFIX };

struct floor_range {
    uint16_t from, to;
};

enum floor_verb { FLOOR_ALLOW, FLOOR_DENY, FLOOR_ISSUER };

struct floor_rule {
    enum floor_verb verb;
    enum floor_kind kind;
    char name[RESOLVE_NAME_MAX + 1]; /* FLOOR_NAME; FLOOR_SUFFIX: ".corp.internal"; lower case */
    struct address prefix;           /* FLOOR_PREFIX: its first address, port 0 */
    unsigned bits;                   /* of 32 or 128 */
    struct floor_range ranges[FLOOR_RANGES_MAX];
    size_t range_count;
    unsigned line;
};

struct floor {
    struct floor_rule *rules; /* owned */
    size_t rule_count, rule_cap;
    int64_t deadline_ms;
    struct key_public signers[FLOOR_SIGNERS_MAX];
    size_t signer_count;
};

#endif
