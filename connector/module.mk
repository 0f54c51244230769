# connector: dials out, has the last word. May use lib.
noinst_LIBRARIES += %D%/libconnector.a
%C%_libconnector_a_SOURCES = \
	%D%/admit.c %D%/admit.h %D%/config.c %D%/config.h \
	%D%/dial.c %D%/dial.h %D%/session.c %D%/sessions.c %D%/session.h \
	%D%/session_internal.h %D%/records.c %D%/records.h %D%/state.c %D%/state.h \
	%D%/floor.c %D%/floor.h %D%/floor_internal.h %D%/floor_parse.c

check_PROGRAMS += tests/unit/%D%/test_floor
tests_unit_%C%_test_floor_SOURCES = tests/unit/%D%/test_floor.c
tests_unit_%C%_test_floor_LDADD = %D%/libconnector.a $(LDADD)
