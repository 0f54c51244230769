# broker/feeds: vendors that say how devices stand. May use base, crypto, http, policy, store,
# audit, posture.
noinst_LIBRARIES += %D%/libfeeds.a
%C%_libfeeds_a_SOURCES = \
	%D%/feeds.c %D%/feeds.h %D%/feeds_internal.h %D%/account.c %D%/sync.c \
	%D%/pull.c %D%/pull.h %D%/vendor.c %D%/vendor.h %D%/answer.c %D%/answer.h \
	%D%/records.c %D%/records.h %D%/falcon.c %D%/falcon.h %D%/intune.c %D%/intune.h \
	%D%/join.c %D%/join.h %D%/schedule.c %D%/schedule.h

check_PROGRAMS += tests/unit/%D%/test_answers tests/unit/%D%/test_join tests/unit/%D%/test_schedule
tests_unit_%C%_test_answers_SOURCES = tests/unit/%D%/test_answers.c
tests_unit_%C%_test_join_SOURCES = tests/unit/%D%/test_join.c
tests_unit_%C%_test_schedule_SOURCES = tests/unit/%D%/test_schedule.c
