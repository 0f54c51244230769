# client/agent: the daemon of one user. May use lib, client/ipc, client/posture.
noinst_LIBRARIES += %D%/libagent.a
%C%_libagent_a_SOURCES = \
	%D%/address.c %D%/address.h \
	%D%/agent.c %D%/agent.h %D%/agent_internal.h \
	%D%/apps.c %D%/apps.h \
	%D%/control.c %D%/control.h \
	%D%/desk.c %D%/desk.h \
	%D%/ends.c %D%/ends.h \
	%D%/forward.c %D%/forward.h \
	%D%/health.c %D%/health.h \
	%D%/hosthead.c %D%/hosthead.h \
	%D%/listen.c %D%/listen.h \
	%D%/live.c %D%/live_grant.c %D%/sessions_internal.h \
	%D%/local.c %D%/local_connect.c %D%/local_login.c %D%/local_status.c %D%/local_stdio.c \
	%D%/place.c %D%/place.h \
	%D%/refusal.c %D%/refusal.h \
	%D%/reporter.c %D%/reporter.h \
	%D%/sessions.c %D%/sessions.h \
	%D%/state.c %D%/state.h \
	%D%/wake.h %D%/wake_linux.c \
	%D%/webanswer.c %D%/webanswer.h

check_PROGRAMS += tests/unit/%D%/test_address tests/unit/%D%/test_ends tests/unit/%D%/test_listen tests/unit/%D%/test_refusal \
	tests/unit/%D%/test_sessions tests/unit/%D%/test_state tests/unit/%D%/test_webanswer
tests_unit_%C%_test_webanswer_SOURCES = tests/unit/%D%/test_webanswer.c
tests_unit_%C%_test_webanswer_LDADD = %D%/libagent.a $(LDADD)
tests_unit_%C%_test_sessions_SOURCES = tests/unit/%D%/test_sessions.c
tests_unit_%C%_test_sessions_LDADD = %D%/libagent.a $(LDADD)
tests_unit_%C%_test_address_SOURCES = tests/unit/%D%/test_address.c
tests_unit_%C%_test_address_LDADD = %D%/libagent.a $(LDADD)
tests_unit_%C%_test_listen_SOURCES = tests/unit/%D%/test_listen.c
tests_unit_%C%_test_listen_LDADD = %D%/libagent.a $(LDADD)
tests_unit_%C%_test_state_SOURCES = tests/unit/%D%/test_state.c
tests_unit_%C%_test_state_LDADD = %D%/libagent.a $(LDADD)
tests_unit_%C%_test_ends_SOURCES = tests/unit/%D%/test_ends.c
tests_unit_%C%_test_ends_LDADD = %D%/libagent.a $(LDADD)
tests_unit_%C%_test_refusal_SOURCES = tests/unit/%D%/test_refusal.c
tests_unit_%C%_test_refusal_LDADD = %D%/libagent.a $(LDADD)
