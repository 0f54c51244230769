#ifndef SP_DETECT_EXPOSURE_H
#define SP_DETECT_EXPOSURE_H

/*
 * exposure: is one value of an answer of a kind that should not leave unnoticed? Pure.
 *
 * The caller walks the answer (at most EXPOSURE_VALUES_MAX values of its first
 * EXPOSURE_BYTES_MAX bytes) and leaves out what the document marks `x-sallyport-sensitive`.
 */

#include "lib/base/view.h"

enum { EXPOSURE_VALUES_MAX = 200, EXPOSURE_BYTES_MAX = 64 * 1024, EXPOSURE_EMAILS_MIN = 20 };

enum exposure {
    EXPOSURE_NONE = 0,
    EXPOSURE_CARD = 1,     /* right by Luhn */
    EXPOSURE_IBAN = 2,     /* right by mod 97 */
    EXPOSURE_EMAILS = 4,   /* a list of at least EXPOSURE_EMAILS_MIN */
    EXPOSURE_TOKEN = 8,    /* a JWT */
    EXPOSURE_KEY = 16,     /* a PEM private key */
    EXPOSURE_PASSWORD = 32 /* a string under a name that says password or secret */
};

struct exposure_seen {
    unsigned kinds; /* enum exposure bits */
    size_t values, emails;
    char where[6][64]; /* name of the first property of each kind */
};

/* One value. `name` is its property's, or that of the array it stands in. A number is given as its
 * digits. */
void exposure_see(struct exposure_seen *s, struct view name, struct view value);
const char *exposure_text(enum exposure kind); /* "payment card numbers" */

#endif
