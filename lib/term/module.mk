# lib/term: what a person at a terminal sees and types. May use base, os.
noinst_LIBRARIES += %D%/libterm.a
%C%_libterm_a_SOURCES = \
	%D%/ask.c %D%/ask.h \
	%D%/command.c %D%/command.h \
	%D%/completion.c %D%/manual.c %D%/manual.h \
	%D%/out.c %D%/out.h %D%/out_internal.h %D%/table.c \
	%D%/trace.c %D%/trace.h %D%/width.c

check_PROGRAMS += tests/unit/%D%/test_command
tests_unit_%C%_test_command_SOURCES = tests/unit/%D%/test_command.c

check_PROGRAMS += tests/unit/%D%/test_out tests/unit/%D%/test_ask
tests_unit_%C%_test_out_SOURCES = tests/unit/%D%/test_out.c
tests_unit_%C%_test_ask_SOURCES = tests/unit/%D%/test_ask.c
