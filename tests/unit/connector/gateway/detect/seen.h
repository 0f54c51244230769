#ifndef SP_TEST_DETECT_SEEN_H
#define SP_TEST_DETECT_SEEN_H

/* seen: what the tests of detectors share: observations, and what was made of them. */

#include "connector/gateway/detect/detect.h"
#include "connector/gateway/detect/exposure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW ((sp_unix_ms)1764000000000)
#define MINUTE ((sp_unix_ms)60000)
#define HOUR ((sp_unix_ms)3600000)
#define DAY ((sp_unix_ms)86400000)

uint64_t mix(uint64_t n);
struct detect *new_detect(enum gw_mode mode);
/* A GET of one object by one user. */
struct observation get(uint64_t user, uint64_t object, sp_unix_ms at);
/* The open incidents of a detector; the newest's JSON to `last`, owned by the caller. */
size_t incidents(struct detect *d, const char *detector, struct json **last);
const char *evidence(struct json *incident);
bool blocked(struct detect *d, struct observation o, enum detector by);
void learn_private(struct detect *d);

/* One that shares its key, as the connector of that id. */
struct detect *new_shared(uint8_t self);
/* All that `from` has to say of what is usual; gives the number of messages. */
size_t tell(struct detect *from, struct detect *to, sp_unix_ms now);
/* `users` open three objects each, and one more when the ten minutes are over. */
void open_windows(struct detect *d, uint64_t users);
/* Somebody opens 60 objects: in no order, and none twice. */
void walk(struct detect *d);
/* A user of the one group got `bytes`. */
void volume(struct detect *d, uint64_t user, uint64_t bytes, sp_unix_ms at);

#endif
