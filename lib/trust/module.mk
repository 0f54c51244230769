# lib/trust: every signed statement, its claims, made and checked. May use base, crypto.
noinst_LIBRARIES += %D%/libtrust.a
%C%_libtrust_a_SOURCES = \
	%D%/apprec.c %D%/apprec.h %D%/claims.c %D%/claims.h %D%/enrol.c %D%/enrol.h %D%/grant.c \
	%D%/grant.h %D%/keyset.c %D%/keyset.h %D%/mint.c %D%/mint.h %D%/once.c %D%/once.h \
	%D%/person.c %D%/person.h %D%/proof.c %D%/proof.h %D%/report.c %D%/report.h %D%/stand.c \
	%D%/stand.h %D%/tables.h

check_PROGRAMS += tests/unit/%D%/test_grant tests/unit/%D%/test_proof
tests_unit_%C%_test_grant_SOURCES = tests/unit/%D%/test_grant.c
tests_unit_%C%_test_proof_SOURCES = tests/unit/%D%/test_proof.c
check_PROGRAMS += tests/unit/%D%/test_keyset tests/unit/%D%/test_statements \
	tests/unit/%D%/test_report tests/unit/%D%/test_enrol_once
tests_unit_%C%_test_keyset_SOURCES = tests/unit/%D%/test_keyset.c
tests_unit_%C%_test_statements_SOURCES = tests/unit/%D%/test_statements.c
tests_unit_%C%_test_report_SOURCES = tests/unit/%D%/test_report.c
tests_unit_%C%_test_enrol_once_SOURCES = tests/unit/%D%/test_enrol_once.c
