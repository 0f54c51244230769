#ifndef SP_PROTO_RELAY_H
#define SP_PROTO_RELAY_H

/*
 * relay: live sets from connectors and relays to brokers, and what relay and connector say over
 * the standing channel (PROTOCOL §5, §6, §8). Times in Unix ms (broker time).
 */

#include "lib/proto/fields.h"

enum { LIVE_PAGE_MAX = 200, LIVE_DELTA_MAX = 200, STANDS_MAX = 64 };
/* Tickets of one message, and those that a connector holds unused at one relay. */
enum { TICKETS_MAX = 16 };

/* One live session as an edge reports it. */
struct live_entry {
    struct sp_id session, app, connector, relay;
    struct view device; /* device key as the grant names it */
    int64_t policy, deadline, opened;
    int64_t up, down; /* bytes from the agent, bytes to the agent */
};
/* ↠ "live.list", in pages after attach */
struct live_list {
    struct live_entry sessions[LIVE_PAGE_MAX];
    size_t session_count;
    bool last;
};
struct live_closed {
    struct sp_id session;
    struct view why; /* end deadline idle policy killed revoked lost … */
    int64_t up, down;
    int64_t ms; /* since its last byte */
};
struct live_bytes {
    struct sp_id session;
    int64_t up, down;
    int64_t streams;
};
/* ↠ "live.delta" */
struct live_delta {
    struct live_entry opened[LIVE_DELTA_MAX];
    size_t opened_count;
    struct live_closed closed[LIVE_DELTA_MAX];
    size_t closed_count;
    struct live_bytes bytes[LIVE_DELTA_MAX];
    size_t bytes_count;
};
/* ↠ "stand.at", from connector (relays it stands at) and relay (connectors that stand there) */
struct stand_at_entry {
    struct sp_id id;
    int64_t generation; /* rises each time it stands anew */
    int64_t rtt_us;     /* 0: not measured */
    int64_t spares;
};
struct stand_at {
    struct stand_at_entry at[STANDS_MAX];
    size_t at_count;
    bool last; /* larger sets come in pages */
};
/* ↠ "boot", relay → broker at attach */
struct relay_boot {
    struct sp_id boot;
    struct view addresses[8]; /* host:port; none: behind the broker's front */
    size_t address_count;
};
/* ↠ "load", relay → broker, each 5 s; "usage" is the same with totals */
struct load_report {
    int64_t tunnels, sessions, bytes_per_s, descriptors_free;
};
/* ↠ "drain" broker → relay, relay → connector */
struct drain {
    int64_t until;
};
/* ↠ "ticket" relay → connector: ids for spares */
struct ticket {
    struct sp_id tickets[TICKETS_MAX];
    size_t ticket_count;
    int64_t until;
};
enum open_mode { OPEN_NONE = 0, OPEN_CUT, OPEN_FRAMES };
/* → "open" relay → connector */
struct relay_open {
    struct view grant;
    struct sp_id ticket;
    int mode; /* enum open_mode */
};
enum open_verdict { OPEN_UNSAID = 0, OPEN_TAKE, OPEN_REFUSE };
struct relay_open_answer {
    int verdict;      /* enum open_verdict */
    struct view code; /* refuse: floor record deadline … */
};

extern const struct field live_list_fields[], live_delta_fields[], stand_at_fields[],
    relay_boot_fields[], load_report_fields[], drain_fields[], ticket_fields[], relay_open_fields[],
    relay_open_answer_fields[];
extern const char *const open_mode_names[], *const open_verdict_names[];

#endif
