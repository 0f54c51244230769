#ifndef SP_DETECT_INTERNAL_H
#define SP_DETECT_INTERNAL_H

/*
 * The detectors as detect.c knows them: each a file, each with one function that sees an
 * observation and says whether it found something. Parameters are those of docs/gateway.md.
 */

#include "connector/gateway/detect/detect.h"
#include "connector/gateway/detect/usual.h"
#include "connector/gateway/sketch/cuckoo.h"
#include "connector/gateway/sketch/slots.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

/* The tables of a detector, by name for the snapshot. */
enum table {
    TABLE_ENUMERATION = 0,
    TABLE_ENUMERATION_USUAL,
    TABLE_SOURCES,
    TABLE_ACCOUNTS,
    TABLE_PASSWORDS,
    TABLE_LOGINS,
    TABLE_VOLUMES,
    TABLE_PEERS,
    TABLE_PRIVATE,
    TABLE_FOREIGN,
    TABLE_FUNCTIONS,
    TABLE_OUTSIDERS,
    TABLE_FLOWS,
    TABLE_SESSIONS,
    TABLE_SCANNERS,
    TABLE_BLOCKS,
    TABLE_BUDGETS,
    TABLES
};

struct incident {
    bool used, changed;
    enum detector detector;
    uint64_t subject, endpoint;
    struct sp_id session;
    char user[DETECT_SUBJECT_TEXT], endpoint_text[DETECT_ENDPOINT_TEXT];
    sp_unix_ms first, last, told; /* told 0: not yet */
    uint64_t count, would_have_blocked, blocked;
    enum gw_mode mode;
    size_t merged; /* others whose part is in the numbers; of a statistic only */
    struct finding finding;
    struct trace trace; /* of the latest request in which it was found */
};

struct expected {
    enum detector detector;
    uint64_t user, group, endpoint; /* 0: any */
    sp_unix_ms until;
};

/* usual.h: what is to be told of each kind, and who told what. */
enum note { NOTE_WINDOWS = 0, NOTE_HOURS, NOTE_PRIVATE, NOTE_FUNCTIONS, NOTE_FLOWS, NOTES };

struct teller {
    struct sp_id id;
    int64_t number; /* of its last message */
    sp_unix_ms at;  /* when that was heard */
};

struct usual_state {
    struct slots *notes[NOTES];  /* owned; NULL where nobody is told */
    int64_t number, number_next; /* of the message that was told last, and of the next one */
    int64_t floor;               /* highest number of a teller that was forgotten */
    size_t telling;              /* entries of the next message */
    struct teller tellers[USUAL_TELLERS_MAX];
    size_t teller_count;
};

struct detect {
    struct detect_options options;
    struct slots *tables[TABLES]; /* owned */
    struct cuckoo *objects;       /* owned */
    struct incident incidents[DETECT_INCIDENTS];
    size_t telling; /* given, and not yet said to be taken */
    struct expected expected[DETECT_EXPECTED_MAX];
    size_t expected_count;
    size_t fresh_count;
    uint64_t fresh[DETECT_FRESH_MAX];
    struct usual_state usual;
};

/* `now` - `then` for times that a snapshot may have brought: never wraps. */
static inline int64_t since(sp_unix_ms now, sp_unix_ms then)
{
    int64_t ms;

    return __builtin_sub_overflow(now, then, &ms) ? INT64_MAX : ms;
}

uint64_t detect_mix(uint64_t a, uint64_t b);

/* One detector: false: nothing found. */
typedef bool detector_see(struct detect *d, const struct observation *o, struct finding *f);
detector_see bola_see, enumeration_see, credential_see, exfiltration_see, function_see, flow_see,
    scanner_see;

size_t bola_record(enum table t), enumeration_record(enum table t), credential_record(enum table t),
    exfiltration_record(enum table t), function_record(enum table t), flow_record(enum table t),
    scanner_record(enum table t);

size_t budget_record(enum table t);

/* fresh.c: what the filter knows an object by, and one that it did not know. */
uint64_t fresh_object(const struct detect *d, uint64_t object);
void fresh_add(struct detect *d, uint64_t object, uint16_t tag);

/* usual.c, for detect.c: the notes and the end of a snapshot. Where nothing is shared they hold and
 * write nothing. */
SP_MUST sp_error usual_new(struct detect *d);
void usual_free(struct detect *d);
size_t usual_bytes(const struct detect *d);
void usual_save(const struct detect *d, struct buf *out);
SP_MUST sp_error usual_load(struct detect *d, struct view state);
void usual_forget(struct detect *d);

/* incidents.c */
void incident_enter(struct detect *d, const struct observation *o, const struct finding *f);
void incident_blocked(struct detect *d, enum detector detector, const struct observation *o);
bool is_expected(const struct detect *d, enum detector detector, const struct observation *o);
struct json *incident_json(const struct incident *i);

#endif
