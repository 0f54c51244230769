#ifndef SP_RELAY_DOCTOR_H
#define SP_RELAY_DOCTOR_H

/* doctor: the commands `doctor` and `bugreport` of the relay (ECOSYSTEM 3.5). Both block. */

#include "lib/term/command.h"

int cmd_doctor(const struct command_call *call);
int cmd_bugreport(const struct command_call *call);

#endif
