# relay: sallyport-relay, a program of its own. Moves bytes, decides nothing, verifies grants
# offline. May use the rooms of lib but policy and store, and never broker/.
noinst_LIBRARIES += %D%/librelay.a
%C%_librelay_a_SOURCES = \
	%D%/run.c %D%/run.h %D%/config.c %D%/config.h %D%/state.c %D%/state.h %D%/relay.h \
	%D%/accept.c %D%/accept.h %D%/stand.c %D%/stand.h %D%/stand_internal.h %D%/spare.c %D%/pair.c %D%/pair.h \
	%D%/splice_linux.c %D%/splice.h %D%/orphan.c %D%/orphan.h \
	%D%/control.c %D%/control.h %D%/report.c %D%/report.h %D%/doctor.c %D%/doctor.h
bin_PROGRAMS += %D%/sallyport-relay
%C%_sallyport_relay_SOURCES = %D%/main.c
%C%_sallyport_relay_LDADD = %D%/librelay.a $(SP_LIBS) $(SP_EXT)

# The rig brings its own relay_now(): control.c, which needs a broker, stays outside.
RELAY_RIG = tests/unit/relay/rig.c tests/unit/relay/rig.h tests/unit/lib/tunnel/app.c \
	tests/unit/lib/tunnel/app.h tests/unit/check.h
check_PROGRAMS += tests/unit/%D%/test_pair
tests_unit_%C%_test_pair_SOURCES = tests/unit/%D%/test_pair.c $(RELAY_RIG)
tests_unit_%C%_test_pair_LDADD = %D%/librelay.a $(LDADD)
check_PROGRAMS += tests/unit/%D%/test_stand
tests_unit_%C%_test_stand_SOURCES = tests/unit/%D%/test_stand.c $(RELAY_RIG)
tests_unit_%C%_test_stand_LDADD = %D%/librelay.a $(LDADD)
check_PROGRAMS += tests/unit/%D%/test_accept
tests_unit_%C%_test_accept_SOURCES = tests/unit/%D%/test_accept.c $(RELAY_RIG)
tests_unit_%C%_test_accept_LDADD = %D%/librelay.a $(LDADD)
check_PROGRAMS += tests/unit/%D%/test_splice
tests_unit_%C%_test_splice_SOURCES = tests/unit/%D%/test_splice.c tests/unit/check.h
tests_unit_%C%_test_splice_LDADD = %D%/librelay.a $(LDADD)
check_PROGRAMS += tests/unit/%D%/test_control
tests_unit_%C%_test_control_SOURCES = tests/unit/%D%/test_control.c tests/unit/check.h \
	tests/unit/lib/channel/fake_broker.c tests/unit/lib/channel/fake_broker.h
tests_unit_%C%_test_control_LDADD = %D%/librelay.a $(LDADD)
