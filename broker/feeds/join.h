#ifndef SP_FEEDS_JOIN_H
#define SP_FEEDS_JOIN_H

/*
 * join: which device of ours a vendor's record means, by serial number (ECOSYSTEM.md section 10).
 *
 * What could mean two devices means none: placeholders ("To be filled by O.E.M."), a serial that
 * two records have, one that two devices say. An approved device is not disturbed by one that is
 * only pending and says the same serial. Serials are compared without blanks around them and
 * without regard to ASCII case. Pure; one thread.
 */

#include "broker/feeds/records.h"
#include "lib/base/id.h"

enum join_result {
    JOIN_NO_SERIAL = 0,
    JOIN_PLACEHOLDER,
    JOIN_TWO_RECORDS,
    JOIN_NO_DEVICE,
    JOIN_TWO_DEVICES,
    JOIN_DONE
};
const char *join_word(enum join_result r); /* "no_device" */

/* Whether a serial names nothing: empty, short, of one character, or a maker's phrase. */
bool serial_placeholder(const char *serial);
/* The form that is compared. "": longer than FEED_SERIAL_MAX, or empty. */
void serial_form(struct view text, char out[FEED_SERIAL_MAX + 1]);

struct join_device {
    char serial[FEED_SERIAL_MAX + 1]; /* in serial_form */
    struct sp_id device;
    bool approved;
};
struct join_devices {
    struct join_device *at; /* owned */
    size_t count, cap;
};
void join_devices_free(struct join_devices *d);
/* All serials of a device: texts with ';' between. SP_ERR_NOMEM */
SP_MUST sp_error join_devices_add(struct join_devices *d, struct sp_id device, bool approved,
                                  const char *serials);

struct join {
    enum join_result result;
    struct sp_id device; /* JOIN_DONE */
};
/*
 * One result for each record, in their order; `*out` is owned by the caller. Sorts `d`. Two
 * records that would mean one device by two of its serials mean none.   SP_ERR_NOMEM
 */
SP_MUST sp_error join_all(struct join_devices *d, const struct feed_records *records,
                          struct join **out);

#endif
