# broker/session: the only place that grants. May use base, crypto, trust, proto, channel, policy,
# posture, registry, audit, identity, store.
noinst_LIBRARIES += %D%/libsession.a
%C%_libsession_a_SOURCES = \
	%D%/sessions.c %D%/sessions.h %D%/sessions_internal.h %D%/edges.c %D%/edges.h \
	%D%/live.c %D%/live.h %D%/live_internal.h %D%/report.c %D%/rules.c %D%/rules.h \
	%D%/ask.c %D%/ask.h %D%/gather.c %D%/place.c %D%/open.c %D%/person.c %D%/open.h %D%/why.c %D%/would.c %D%/revise.c %D%/claims.c %D%/claims.h %D%/cut.c %D%/cut.h

check_PROGRAMS += tests/unit/%D%/test_cut tests/unit/%D%/test_revise tests/unit/%D%/test_claims
tests_unit_%C%_test_claims_SOURCES = tests/unit/%D%/test_claims.c
tests_unit_%C%_test_cut_SOURCES = tests/unit/%D%/test_cut.c tests/unit/%D%/scene.h
tests_unit_%C%_test_revise_SOURCES = tests/unit/%D%/test_revise.c tests/unit/%D%/scene.h
