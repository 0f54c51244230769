# broker/policy: pure; facts in, decision out. May use base, config.
noinst_LIBRARIES += %D%/libpolicy.a
%C%_libpolicy_a_SOURCES = \
	%D%/policy.h %D%/words.c %D%/arena.c %D%/arena.h \
	%D%/decide.c %D%/decide.h %D%/condition.c %D%/signal.c %D%/again.c \
	%D%/window.c %D%/window.h %D%/zone.c %D%/zone.h %D%/zone_rule.c %D%/zone_rule.h \
	%D%/parse.c %D%/parse.h %D%/parse_internal.h %D%/parse_values.c %D%/parse_condition.c \
	%D%/parse_time.c %D%/parse_network.c %D%/facts_read.c %D%/facts_trace.c %D%/tests.c %D%/tests.h \
	%D%/explain.c %D%/explain.h %D%/tell.c %D%/tell.h %D%/trace.c %D%/opposite.c %D%/opposite.h \
	%D%/say.c %D%/say_fact.c %D%/say.h %D%/lint.c %D%/lint.h

check_PROGRAMS += tests/unit/%D%/test_parse tests/unit/%D%/test_zone tests/unit/%D%/test_signal \
	tests/unit/%D%/test_opposite tests/unit/%D%/test_bounds tests/unit/%D%/test_lint
tests_unit_%C%_test_lint_SOURCES = tests/unit/%D%/test_lint.c
tests_unit_%C%_test_bounds_SOURCES = tests/unit/%D%/test_bounds.c
tests_unit_%C%_test_opposite_SOURCES = tests/unit/%D%/test_opposite.c
tests_unit_%C%_test_parse_SOURCES = tests/unit/%D%/test_parse.c tests/unit/%D%/example.h
tests_unit_%C%_test_zone_SOURCES = tests/unit/%D%/test_zone.c
tests_unit_%C%_test_signal_SOURCES = tests/unit/%D%/test_signal.c

POLICY_ROWS = tests/unit/%D%/rows.c tests/unit/%D%/rows.h tests/unit/%D%/example.h
check_PROGRAMS += tests/unit/%D%/test_decide tests/unit/%D%/test_decide_access \
	tests/unit/%D%/test_decide_limits tests/unit/%D%/test_trace
tests_unit_%C%_test_decide_SOURCES = tests/unit/%D%/test_decide.c $(POLICY_ROWS)
tests_unit_%C%_test_decide_access_SOURCES = tests/unit/%D%/test_decide_access.c $(POLICY_ROWS)
tests_unit_%C%_test_decide_limits_SOURCES = tests/unit/%D%/test_decide_limits.c $(POLICY_ROWS)
tests_unit_%C%_test_trace_SOURCES = tests/unit/%D%/test_trace.c $(POLICY_ROWS)

# Reads cases as JSON lines, answers decisions: what the Python oracle is compared with.
EXTRA_PROGRAMS += tests/oracle/decide_lines
tests_oracle_decide_lines_SOURCES = tests/oracle/decide_lines.c
