# connector: dials out, has the last word. May use lib.
noinst_LIBRARIES += %D%/libconnector.a
%C%_libconnector_a_SOURCES = \
	%D%/admit.c %D%/admit.h %D%/config.c %D%/config.h \
	%D%/enrol.c %D%/enrol.h %D%/run.c %D%/run.h \
	%D%/control.c %D%/control.h %D%/stand.c %D%/stand.h \
	%D%/probe.c %D%/probe.h %D%/target.c %D%/target.h %D%/tests.c %D%/tests.h \
	%D%/tell.c %D%/tell.h %D%/courier.c %D%/courier.h %D%/hits.c %D%/hits.h %D%/refusals.c %D%/refusals.h \
	%D%/spool.c %D%/spool.h %D%/spool_start.c %D%/spool_internal.h %D%/segment.c %D%/segment.h %D%/doctor.c %D%/doctor.h \
	%D%/dial.c %D%/dial.h %D%/session.c %D%/sessions.c %D%/session.h \
	%D%/session_internal.h %D%/records.c %D%/records.h %D%/state.c %D%/state.h \
	%D%/documents.c %D%/documents.h %D%/gate.c %D%/gate.h %D%/floor.c %D%/floor.h %D%/floor_internal.h %D%/floor_parse.c

bin_PROGRAMS += %D%/sallyport-connector
%C%_sallyport_connector_SOURCES = %D%/main.c
%C%_sallyport_connector_LDADD = %D%/libconnector.a $(SP_GATEWAY) \
	$(SP_LIBS) $(SP_EXT)

check_PROGRAMS += tests/unit/%D%/test_floor
tests_unit_%C%_test_floor_SOURCES = tests/unit/%D%/test_floor.c
tests_unit_%C%_test_floor_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)

check_PROGRAMS += tests/unit/%D%/test_admit
tests_unit_%C%_test_admit_SOURCES = tests/unit/%D%/test_admit.c
tests_unit_%C%_test_admit_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)

check_PROGRAMS += tests/unit/%D%/test_state
tests_unit_%C%_test_state_SOURCES = tests/unit/%D%/test_state.c
tests_unit_%C%_test_state_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)

CONNECTOR_SCENE = tests/unit/%D%/scene.c tests/unit/%D%/scene.h tests/unit/check.h
check_PROGRAMS += tests/unit/%D%/test_probe
tests_unit_%C%_test_probe_SOURCES = tests/unit/%D%/test_probe.c $(CONNECTOR_SCENE)
tests_unit_%C%_test_probe_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)

FAKE_RELAY = tests/unit/%D%/fake_relay.c tests/unit/%D%/fake_relay.h \
	tests/unit/lib/tunnel/app.c tests/unit/lib/tunnel/app.h
CONNECTOR_HOUSE = tests/unit/%D%/house.c tests/unit/%D%/house.h $(CONNECTOR_SCENE) $(FAKE_RELAY)
check_PROGRAMS += tests/unit/%D%/test_stand tests/unit/%D%/test_session tests/unit/%D%/test_session_end
tests_unit_%C%_test_stand_SOURCES = tests/unit/%D%/test_stand.c $(CONNECTOR_HOUSE)
tests_unit_%C%_test_stand_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)
tests_unit_%C%_test_session_SOURCES = tests/unit/%D%/test_session.c $(CONNECTOR_HOUSE)
tests_unit_%C%_test_session_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)
tests_unit_%C%_test_session_end_SOURCES = tests/unit/%D%/test_session_end.c $(CONNECTOR_HOUSE)
tests_unit_%C%_test_session_end_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)

check_PROGRAMS += tests/unit/%D%/test_segment tests/unit/%D%/test_spool tests/unit/%D%/test_courier
tests_unit_%C%_test_segment_SOURCES = tests/unit/%D%/test_segment.c tests/unit/check.h
tests_unit_%C%_test_segment_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)
tests_unit_%C%_test_spool_SOURCES = tests/unit/%D%/test_spool.c tests/unit/check.h
tests_unit_%C%_test_spool_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)
tests_unit_%C%_test_courier_SOURCES = tests/unit/%D%/test_courier.c $(CONNECTOR_SCENE)
tests_unit_%C%_test_courier_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)
check_PROGRAMS += tests/unit/%D%/test_hits
tests_unit_%C%_test_hits_SOURCES = tests/unit/%D%/test_hits.c tests/unit/check.h
tests_unit_%C%_test_hits_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)

check_PROGRAMS += tests/unit/%D%/test_refusals
tests_unit_%C%_test_refusals_SOURCES = tests/unit/%D%/test_refusals.c tests/unit/check.h
tests_unit_%C%_test_refusals_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)

check_PROGRAMS += tests/unit/%D%/test_documents
tests_unit_%C%_test_documents_SOURCES = tests/unit/%D%/test_documents.c tests/unit/check.h
tests_unit_%C%_test_documents_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)

FAKE_BROKER = tests/unit/lib/channel/fake_broker.c tests/unit/lib/channel/fake_broker.h
check_PROGRAMS += tests/unit/%D%/test_control
tests_unit_%C%_test_control_SOURCES = tests/unit/%D%/test_control.c $(CONNECTOR_SCENE) $(FAKE_BROKER) \
	$(FAKE_RELAY)
tests_unit_%C%_test_control_LDADD = %D%/libconnector.a $(SP_GATEWAY) $(LDADD)
