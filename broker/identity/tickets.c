#include "broker/identity/tickets.h"

#include "lib/base/encode.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secret.h"

#include <pthread.h>
#include <stdlib.h>

enum { TICKET_BYTES = 32 };

struct ticket {
    struct hash hash;
    struct sp_id device;
    sp_boot_ms until; /* 0: free */
};

struct tickets {
    pthread_mutex_t lock;
    struct ticket at[TICKETS_HELD_MAX];
};

sp_error tickets_new(struct tickets **out)
{
    struct tickets *t = calloc(1, sizeof *t);

    if (t == NULL)
        return SP_ERR_NOMEM;
    pthread_mutex_init(&t->lock, NULL);
    *out = t;
    return SP_OK;
}

void tickets_free(struct tickets *t)
{
    if (t == NULL)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* The one that ended longest ago, or ends first. */
static struct ticket *place(struct tickets *t)
{
    struct ticket *first = &t->at[0];

    for (size_t i = 0; i < TICKETS_HELD_MAX; i++)
        if (t->at[i].until < first->until)
            first = &t->at[i];
    return first;
}

void tickets_issue(struct tickets *t, struct sp_id device, sp_boot_ms now,
                   char text[TICKET_TEXT + 1])
{
    uint8_t secret[TICKET_BYTES];
    struct buf form;

    random_bytes(secret, sizeof secret);
    buf_init(&form, TICKET_TEXT);
    buf_add_str(&form, "sat_");
    encode_base64url((struct view){secret, sizeof secret}, &form);
    memset(text, 0, TICKET_TEXT + 1);
    if (buf_error(&form) == SP_OK) { /* no memory: an empty text, which is no ticket */
        memcpy(text, form.at, form.len);
        pthread_mutex_lock(&t->lock);
        *place(t) = (struct ticket){.hash = hash_sha256((struct view){secret, sizeof secret}),
                                    .device = device,
                                    .until = now + TICKET_LIFE_MS};
        pthread_mutex_unlock(&t->lock);
    }
    buf_wipe(&form);
    secret_wipe(secret, sizeof secret);
}

sp_error tickets_find(struct tickets *t, struct view text, sp_boot_ms now, struct sp_id *device)
{
    uint8_t secret[TICKET_BYTES];
    sp_error e = SP_ERR_NOT_FOUND;

    if (text.len != TICKET_TEXT || memcmp(text.at, "sat_", 4) != 0 ||
        decode_base64url_exact((struct view){text.at + 4, text.len - 4}, secret, sizeof secret) !=
            SP_OK)
        return SP_ERR_MALFORMED;

    /* What is compared is a hash of 32 random bytes: its timing tells nothing about a secret. */
    struct hash hash = hash_sha256((struct view){secret, sizeof secret});
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < TICKETS_HELD_MAX && e != SP_OK; i++)
        if (t->at[i].until > now && view_equal(hash_view(&t->at[i].hash), hash_view(&hash))) {
            *device = t->at[i].device;
            e = SP_OK;
        }
    pthread_mutex_unlock(&t->lock);
    secret_wipe(secret, sizeof secret);
    return e;
}
