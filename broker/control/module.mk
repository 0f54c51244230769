# broker/control: what devices, connectors and relays say over their proven channels. May use
# base, os, crypto, trust, proto, http, channel, registry, identity, posture, session, audit, store.
noinst_LIBRARIES += %D%/libcontrol.a
%C%_libcontrol_a_SOURCES = \
	%D%/control.c %D%/control.h %D%/control_internal.h %D%/dispatch.c %D%/admit.c \
	%D%/agents.c %D%/agent_sessions.c %D%/connectors.c %D%/relays.c %D%/live.c %D%/witness.c %D%/reports.c %D%/orders.c %D%/follow.c
