#ifndef SP_TRUST_TABLES_H
#define SP_TRUST_TABLES_H

/*
 * tables: the claims of each kind of broker statement and the rules between them, shared by its
 * reader and by mint.c, so that both sides have one truth. Not for other rooms.
 */

#include "lib/trust/apprec.h"
#include "lib/trust/claims.h"
#include "lib/trust/grant.h"
#include "lib/trust/keyset.h"
#include "lib/trust/person.h"
#include "lib/trust/stand.h"

enum {
    GRANT_CLAIMS = 15,
    STAND_CLAIMS = 8,
    KEYSET_CLAIMS = 4,
    KEYSET_ROW_CLAIMS = 4,
    APPREC_CLAIMS = 10,
    APPREC_CLAIMS_2 = 11,
    PERSON_CLAIMS = 8
};

extern const struct claim grant_claims[GRANT_CLAIMS];
extern const struct claim stand_claims[STAND_CLAIMS];
extern const struct claim keyset_claims[KEYSET_CLAIMS];
extern const struct claim keyset_row_claims[KEYSET_ROW_CLAIMS];
extern const struct claim apprec_claims[APPREC_CLAIMS];
extern const struct claim apprec_claims_2[APPREC_CLAIMS_2];
extern const struct claim person_claims[PERSON_CLAIMS];

/* Do the values fit each other? */
bool grant_sound(const struct grant *g);
bool stand_sound(const struct stand *s);
bool keyset_sound(const struct keyset *s);
bool apprec_sound(const struct apprec *a);
bool person_sound(const struct person *p);

/* Statements whose claims are not flat have a form of their own between struct and JSON. */
struct keyset_flat {
    int64_t epoch;
    sp_unix_ms issued;
    struct json *keys;
};
struct keyset_row {
    struct view purpose;
    struct key_public key;
    sp_unix_ms from, until;
};
const char *keyset_purpose_name(enum keyset_purpose p); /* "" for KEYSET_NOTHING */

struct apprec_flat {
    struct sp_id id, site;
    int64_t version, session_ms_max, streams_max;
    struct view name, type, gateway;
    struct json *hosts, *ports;
};

#endif
