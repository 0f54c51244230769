# broker/control: what devices, connectors and relays say over their proven channels. May use
# base, os, crypto, trust, proto, http, channel, registry, identity, posture, session, audit, store.
noinst_LIBRARIES += %D%/libcontrol.a
%C%_libcontrol_a_SOURCES = \
	%D%/control.c %D%/control.h %D%/control_internal.h %D%/dispatch.c %D%/admit.c \
	%D%/agents.c %D%/agent_sessions.c %D%/connectors.c %D%/relays.c %D%/live.c %D%/witness.c %D%/witness.h %D%/batch.c %D%/reports.c %D%/tally.c %D%/tally.h %D%/demand.c %D%/siblings.c %D%/minute.c %D%/minute.h %D%/documents.c %D%/leases.c %D%/leases.h %D%/orders.c %D%/follow.c

check_PROGRAMS += tests/unit/%D%/test_leases tests/unit/%D%/test_dispatch tests/unit/%D%/test_tally tests/unit/%D%/test_minute
tests_unit_%C%_test_dispatch_SOURCES = tests/unit/%D%/test_dispatch.c tests/unit/check.h
tests_unit_%C%_test_tally_SOURCES = tests/unit/%D%/test_tally.c tests/unit/check.h
tests_unit_%C%_test_minute_SOURCES = tests/unit/%D%/test_minute.c
tests_unit_%C%_test_leases_SOURCES = tests/unit/%D%/test_leases.c
tests_unit_%C%_test_leases_LDADD = $(SP_GATEWAY) $(LDADD)
