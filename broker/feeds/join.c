#include "broker/feeds/join.h"

#include <stdlib.h>
#include <strings.h>

const char *join_word(enum join_result r)
{
    static const char *const words[] = {"no_serial", "placeholder", "two_records",
                                        "no_device", "two_devices", "joined"};

    return words[r];
}

bool serial_placeholder(const char *serial)
{
    static const char *const phrases[] = {"default string",
                                          "none",
                                          "not applicable",
                                          "not available",
                                          "not specified",
                                          "system serial number",
                                          "chassis serial number",
                                          "to be filled by o.e.m.",
                                          "unknown",
                                          "serial number",
                                          "0123456789",
                                          "123456789",
                                          "1234567890",
                                          "oem",
                                          "invalid",
                                          "not settable",
                                          "system product name",
                                          NULL};
    size_t len = strlen(serial);

    if (len < 4 || strspn(serial, (const char[]){serial[0], '\0'}) == len ||
        strspn(serial, "0 .-") == len)
        return true;
    for (size_t i = 0; phrases[i] != NULL; i++)
        if (strcasecmp(serial, phrases[i]) == 0)
            return true;
    return false;
}

void serial_form(struct view text, char out[FEED_SERIAL_MAX + 1])
{
    while (text.len > 0 && text.at[0] == ' ')
        text = view_slice(text, 1, text.len - 1);
    while (text.len > 0 && text.at[text.len - 1] == ' ')
        text.len--;
    if (text.len > FEED_SERIAL_MAX)
        text.len = 0;
    view_copy(out, FEED_SERIAL_MAX + 1, text);
    for (size_t i = 0; out[i] != '\0'; i++)
        if (out[i] >= 'a' && out[i] <= 'z')
            out[i] = (char)(out[i] - 'a' + 'A');
}

/* ---- our devices -------------------------------------------------------------------------- */

void join_devices_free(struct join_devices *d)
{
    free(d->at);
    *d = (struct join_devices){0};
}

static sp_error add_one(struct join_devices *d, const struct join_device *one)
{
    if (d->count == d->cap) {
        size_t cap = d->cap == 0 ? 64 : d->cap * 2;
        struct join_device *more = realloc(d->at, cap * sizeof *more);
        if (more == NULL)
            return SP_ERR_NOMEM;
        d->at = more;
        d->cap = cap;
    }
    d->at[d->count++] = *one;
    return SP_OK;
}

sp_error join_devices_add(struct join_devices *d, struct sp_id device, bool approved,
                          const char *serials)
{
    sp_error e = SP_OK;

    for (const char *at = serials; e == SP_OK && *at != '\0';) {
        size_t len = strcspn(at, ";");
        struct join_device one = {.device = device, .approved = approved};
        serial_form((struct view){(const uint8_t *)at, len}, one.serial);
        if (!serial_placeholder(one.serial))
            e = add_one(d, &one);
        at += len + (at[len] == ';');
    }
    return e;
}

/* By serial, approved ones first, then by device: a device that says one serial twice stands
 * beside itself. */
static int by_serial(const void *a, const void *b)
{
    const struct join_device *x = a, *y = b;
    int order = strcmp(x->serial, y->serial);

    if (order == 0)
        order = (int)y->approved - (int)x->approved;
    return order != 0 ? order : memcmp(x->device.bytes, y->device.bytes, sizeof x->device.bytes);
}

/* Of those with one serial: the approved ones, or all where none is. */
static struct join whose(const struct join_devices *d, const char *serial)
{
    size_t low = 0, high = d->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(d->at[mid].serial, serial) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == d->count || strcmp(d->at[low].serial, serial) != 0)
        return (struct join){.result = JOIN_NO_DEVICE};
    const struct join_device *first = &d->at[low];
    for (size_t i = low + 1; i < d->count && strcmp(d->at[i].serial, serial) == 0; i++)
        if (d->at[i].approved == first->approved && !id_equal(d->at[i].device, first->device))
            return (struct join){.result = JOIN_TWO_DEVICES};
    return (struct join){.result = JOIN_DONE, .device = first->device};
}

/* ---- the vendor's records ----------------------------------------------------------------- */

/* A record on its way: sorted by serial, and then by device. */
struct place {
    char serial[FEED_SERIAL_MAX + 1];
    struct join *join;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct place *)a)->serial, ((const struct place *)b)->serial);
}

static int by_device(const void *a, const void *b)
{
    const struct join *x = ((const struct place *)a)->join, *y = ((const struct place *)b)->join;

    if (x->result != y->result)
        return (int)y->result - (int)x->result; /* joined ones first */
    return memcmp(x->device.bytes, y->device.bytes, sizeof x->device.bytes);
}

static void find_devices(struct place *p, size_t count, const struct join_devices *d)
{
    qsort(p, count, sizeof *p, by_text);
    for (size_t i = 0; i < count; i++) {
        bool before = i > 0 && strcmp(p[i - 1].serial, p[i].serial) == 0;
        bool after = i + 1 < count && strcmp(p[i + 1].serial, p[i].serial) == 0;
        if (p[i].serial[0] == '\0')
            p[i].join->result = JOIN_NO_SERIAL;
        else if (serial_placeholder(p[i].serial))
            p[i].join->result = JOIN_PLACEHOLDER;
        else if (before || after)
            p[i].join->result = JOIN_TWO_RECORDS;
        else
            *p[i].join = whose(d, p[i].serial);
    }
}

/* One device, two of whose serials are in two records. */
static void part_twins(struct place *p, size_t count)
{
    bool twin = false;

    qsort(p, count, sizeof *p, by_device);
    for (size_t i = 0; i < count && p[i].join->result == JOIN_DONE; i++) {
        bool next = i + 1 < count && p[i + 1].join->result == JOIN_DONE &&
                    id_equal(p[i].join->device, p[i + 1].join->device);
        if (next || twin)
            p[i].join->result = JOIN_TWO_RECORDS;
        twin = next;
    }
}

sp_error join_all(struct join_devices *d, const struct feed_records *records, struct join **out)
{
    size_t count = records->count;
    struct join *all = calloc(count + 1, sizeof *all);
    struct place *p = calloc(count + 1, sizeof *p);

    if (all == NULL || p == NULL) {
        free(all);
        free(p);
        return SP_ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        serial_form(view_str(records->at[i].serial), p[i].serial);
        p[i].join = &all[i];
    }
    if (d->count > 0)
        qsort(d->at, d->count, sizeof *d->at, by_serial);
    find_devices(p, count, d);
    part_twins(p, count);
    free(p);
    *out = all;
    return SP_OK;
}
