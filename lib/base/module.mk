# lib/base: bytes, numbers, errors; no I/O, no protocol. May use nothing.
noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_SOURCES = \
	%D%/banned.h %D%/error.c %D%/error.h %D%/why.c %D%/why.h %D%/view.h %D%/ascii.h %D%/buf.c %D%/buf.h \
	%D%/num.c %D%/num.h %D%/id.c %D%/id.h %D%/clock.c %D%/clock_parse.c %D%/clock.h %D%/map.c %D%/map.h \
	%D%/encode.c %D%/text.c %D%/encode.h %D%/json.c %D%/json_jansson.h %D%/json.h %D%/json_wipe.h \
	%D%/log.c %D%/log.h %D%/throttle.c %D%/throttle.h %D%/failpoint.h
if FAILPOINTS
%C%_libbase_a_SOURCES += %D%/failpoint.c
check_PROGRAMS += tests/unit/%D%/test_failpoint
tests_unit_%C%_test_failpoint_SOURCES = tests/unit/%D%/test_failpoint.c
endif

check_PROGRAMS += tests/unit/%D%/test_ascii tests/unit/%D%/test_bytes tests/unit/%D%/test_encode tests/unit/%D%/test_json \
	tests/unit/%D%/test_log tests/unit/%D%/test_throttle
tests_unit_%C%_test_ascii_SOURCES = tests/unit/%D%/test_ascii.c
tests_unit_%C%_test_bytes_SOURCES = tests/unit/%D%/test_bytes.c
tests_unit_%C%_test_encode_SOURCES = tests/unit/%D%/test_encode.c
tests_unit_%C%_test_json_SOURCES = tests/unit/%D%/test_json.c
tests_unit_%C%_test_log_SOURCES = tests/unit/%D%/test_log.c
tests_unit_%C%_test_throttle_SOURCES = tests/unit/%D%/test_throttle.c
