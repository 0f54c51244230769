#include "client/posture/report.h"

#include "client/posture/host.h"
#include "lib/base/encode.h"

#include <stdio.h>
#include <string.h>

/* /proc's boot id is a UUID in text: 32 hex digits once its dashes are out. */
static sp_error boot_id(struct sp_id *out)
{
    static const struct host machine = {.root = ""};
    char text[64], hex[40];
    size_t n = 0;
    sp_error e = host_line(&machine, "/proc/sys/kernel/random/boot_id", text, sizeof text);

    if (e != SP_OK)
        return SP_ERR_NOT_FOUND;
    for (const char *p = text; *p != '\0' && n + 1 < sizeof hex; p++)
        if (*p != '-')
            hex[n++] = *p;
    hex[n] = '\0';
    return decode_hex_exact(view_str(hex), out->bytes, SP_ID_BYTES) == SP_OK ? SP_OK
                                                                             : SP_ERR_NOT_FOUND;
}

/* Owned by the caller; NULL for unknown. */
static struct json *value_of(const struct signal *s)
{
    switch (s->state) {
    case SEEN_FAIL:
    case SEEN_PASS:
        return json_new_str(view_str(signal_state_text(s->state)));
    case SEEN_TEXT:
        return json_new_str(view_str(s->text));
    case SEEN_NUMBER:
        return json_new_int(s->number);
    case SEEN_UNKNOWN:
        break;
    }
    return NULL;
}

sp_error posture_report_make(struct posture_signer *by, const struct signals *all,
                             const uint8_t nonce[REPORT_NONCE_BYTES], sp_unix_ms now,
                             struct buf *bytes, uint8_t signature[KEY_SIGNATURE_BYTES])
{
    struct report_signal signals[SIGNALS_MAX] = {0};
    struct json *values[SIGNALS_MAX] = {0};
    struct report r = {.made = now, .count = all->count, .signals = signals};
    int64_t next = clock_boot() > by->sequence ? clock_boot() : by->sequence + 1;
    sp_error e = boot_id(&r.boot);

    if (e != SP_OK)
        return e;
    r.sequence = next;
    memcpy(r.nonce, nonce, sizeof r.nonce);
    for (size_t i = 0; i < all->count; i++) {
        const struct signal *s = &all->at[i];

        values[i] = value_of(s);
        snprintf(signals[i].name, sizeof signals[i].name, "%s", s->name);
        signals[i].known = values[i] != NULL;
        signals[i].value = values[i];
        signals[i].source = view_str(s->source);
        signals[i].why = view_str(s->state == SEEN_UNKNOWN ? s->reason : "");
        signals[i].assurance = REPORT_SIGNED;
        signals[i].at = s->observed;
    }
    if ((e = report_make(&r, by->device, bytes, signature)) == SP_OK)
        by->sequence = next;
    for (size_t i = 0; i < all->count; i++)
        json_free(values[i]);
    return e;
}
