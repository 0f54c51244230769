#ifndef SP_PROTO_POSTURE_H
#define SP_PROTO_POSTURE_H

/*
 * posture: how a device's signed report travels (PROTOCOL §5). What a report says is
 * lib/trust/report.h; what it is worth is broker/posture.
 */

#include "lib/proto/fields.h"

enum { POSTURE_REPORT_TEXT_MAX = 60 * 1024, POSTURE_ANSWER_MAX = 64 };

/* → "posture.nonce" (no members) */
struct posture_nonce_answer {
    uint8_t nonce[32];
    int64_t until; /* Unix ms */
};
/* → "posture.report" */
struct posture_report {
    struct view bytes; /* base64url of the JSON bytes that were signed */
    struct view sig;   /* base64url */
};
enum signal_verdict { SIGNAL_NONE = 0, SIGNAL_PASS, SIGNAL_FAIL, SIGNAL_UNKNOWN };
struct posture_signal {
    struct view signal;
    int verdict;      /* enum signal_verdict, the merged one of all sources */
    struct view text; /* a sentence for people; may be absent */
};
struct posture_report_answer {
    int64_t sequence; /* accepted */
    struct posture_signal signals[POSTURE_ANSWER_MAX];
    size_t signal_count;
};
/* ↠ "posture.ask" from the broker: report now (no members) */

extern const struct field posture_nonce_answer_fields[], posture_report_fields[],
    posture_report_answer_fields[];
extern const char *const signal_verdict_names[];

#endif
