# lib/config: YAML into structs and trees, errors with lines. May use base, os.
noinst_LIBRARIES += %D%/libconfig.a
%C%_libconfig_a_SOURCES = \
	%D%/tree.c %D%/tree.h %D%/scalar.c %D%/scalar.h %D%/load.c %D%/load.h \
	%D%/stream.c %D%/stream.h %D%/value.c %D%/value.h %D%/events.c %D%/events.h

check_PROGRAMS += tests/unit/%D%/test_tree tests/unit/%D%/test_load tests/unit/%D%/test_stream
tests_unit_%C%_test_stream_SOURCES = tests/unit/%D%/test_stream.c
tests_unit_%C%_test_tree_SOURCES = tests/unit/%D%/test_tree.c
tests_unit_%C%_test_load_SOURCES = tests/unit/%D%/test_load.c
