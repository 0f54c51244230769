# lib/proto: control messages, struct and JSON (PROTOCOL 4 and 5). May use base.
noinst_LIBRARIES += %D%/libproto.a
%C%_libproto_a_SOURCES = \
	%D%/envelope.c %D%/envelope.h %D%/fields.c %D%/fields.h %D%/opening.c %D%/opening.h \
	%D%/login.c %D%/login.h %D%/posture.c %D%/posture.h %D%/session.c %D%/session.h \
	%D%/gateway.c %D%/gateway.h %D%/registry.c %D%/registry.h %D%/relay.c %D%/relay.h

check_PROGRAMS += tests/unit/%D%/test_envelope tests/unit/%D%/test_fields
tests_unit_%C%_test_envelope_SOURCES = tests/unit/%D%/test_envelope.c
tests_unit_%C%_test_fields_SOURCES = tests/unit/%D%/test_fields.c
check_PROGRAMS += tests/unit/%D%/test_report
tests_unit_%C%_test_report_SOURCES = tests/unit/%D%/test_report.c
