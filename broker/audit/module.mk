# broker/audit: what happened, in a chain that shows every tampering. May use base, os, crypto,
# store.
noinst_LIBRARIES += %D%/libaudit.a
%C%_libaudit_a_SOURCES = \
	%D%/record.c %D%/record.h %D%/export.c %D%/chain.c %D%/chain.h %D%/find.c %D%/find.h

check_PROGRAMS += tests/unit/%D%/test_record tests/unit/%D%/test_chain tests/unit/%D%/test_find \
	tests/unit/%D%/test_export
tests_unit_%C%_test_export_SOURCES = tests/unit/%D%/test_export.c
tests_unit_%C%_test_find_SOURCES = tests/unit/%D%/test_find.c
tests_unit_%C%_test_record_SOURCES = tests/unit/%D%/test_record.c
tests_unit_%C%_test_chain_SOURCES = tests/unit/%D%/test_chain.c
