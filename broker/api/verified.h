#ifndef SP_API_VERIFIED_H
#define SP_API_VERIFIED_H

/*
 * verified: what the last check of the audit chain found; memory only. Any thread.
 */

#include "lib/base/error.h"

struct verified;

SP_MUST sp_error verified_new(struct verified **out);
void verified_free(struct verified *v);

#endif
