# lib/gateway: what an app's gateway checks, as its admin writes it. May use base, config, crypto, http.
noinst_LIBRARIES += %D%/libgatewayconf.a
%C%_libgatewayconf_a_SOURCES = \
	%D%/config.c %D%/config.h %D%/edit.c %D%/edit.h %D%/match.c %D%/match.h \
	%D%/trace.c %D%/trace.h %D%/values.c %D%/values.h

check_PROGRAMS += tests/unit/%D%/test_config tests/unit/%D%/test_match
tests_unit_%C%_test_config_SOURCES = tests/unit/%D%/test_config.c
tests_unit_%C%_test_match_SOURCES = tests/unit/%D%/test_match.c
check_PROGRAMS += tests/unit/%D%/test_edit tests/unit/%D%/test_trace
tests_unit_%C%_test_edit_SOURCES = tests/unit/%D%/test_edit.c
tests_unit_%C%_test_trace_SOURCES = tests/unit/%D%/test_trace.c
