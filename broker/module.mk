# broker: wiring only. May use lib and broker/*; never includes relay.
noinst_LIBRARIES += %D%/libbroker.a
%C%_libbroker_a_SOURCES = %D%/commands.h %D%/upkeep.c %D%/keys.c %D%/verify.c %D%/export.c %D%/account.c %D%/bootstrap.c %D%/dev.c %D%/health.c %D%/health.h \
	%D%/doctor.c \
	%D%/offline.c %D%/offline.h %D%/config.c %D%/config.h %D%/keyring.c %D%/keyring.h \
	%D%/front.c %D%/front.h %D%/handoff.c %D%/handoff.h %D%/ops.c %D%/ops.h %D%/ops_gateways.c %D%/ops_gateways.h %D%/ops_feeds.c %D%/ops_feeds.h \
	%D%/run.c %D%/run.h %D%/run_internal.h %D%/start.c %D%/ports.c %D%/enrolment.c %D%/wire.c %D%/wire.h %D%/serve.c

bin_PROGRAMS += broker/sallyport-broker
broker_sallyport_broker_SOURCES = %D%/main.c
broker_sallyport_broker_LDADD = %D%/libbroker.a $(SP_BROKER_LIBS) $(SP_LIBS) $(SP_EXT)

check_PROGRAMS += tests/unit/%D%/test_keyring tests/unit/%D%/test_front tests/unit/%D%/test_handoff tests/unit/%D%/test_ops tests/unit/%D%/test_ops_gateways
tests_unit_%C%_test_handoff_SOURCES = tests/unit/%D%/test_handoff.c
tests_unit_%C%_test_handoff_LDADD = %D%/libbroker.a $(LDADD)
tests_unit_%C%_test_ops_SOURCES = tests/unit/%D%/test_ops.c
tests_unit_%C%_test_ops_LDADD = %D%/libbroker.a $(LDADD)
tests_unit_%C%_test_ops_gateways_SOURCES = tests/unit/%D%/test_ops_gateways.c
tests_unit_%C%_test_ops_gateways_LDADD = %D%/libbroker.a $(LDADD)
tests_unit_%C%_test_front_SOURCES = tests/unit/%D%/test_front.c
tests_unit_%C%_test_front_LDADD = %D%/libbroker.a $(LDADD)
tests_unit_%C%_test_keyring_SOURCES = tests/unit/%D%/test_keyring.c
tests_unit_%C%_test_keyring_LDADD = %D%/libbroker.a $(LDADD)
