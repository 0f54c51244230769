# broker/posture: reports in, signals out. May use base, crypto, trust, policy, store.
noinst_LIBRARIES += %D%/libposture.a
%C%_libposture_a_SOURCES = \
	%D%/judge.c %D%/judge.h %D%/judge_internal.h %D%/values.c %D%/tally.c

check_PROGRAMS += tests/unit/%D%/test_judge
tests_unit_%C%_test_judge_SOURCES = tests/unit/%D%/test_judge.c
