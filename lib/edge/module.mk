# lib/edge: what relay and connector have in common as programs: their status socket, doctor's rows
# and the parcel of bugreport. May use base, os, term, tls, http.
noinst_LIBRARIES += %D%/libedge.a
%C%_libedge_a_SOURCES = \
	%D%/status.c %D%/status.h %D%/checks.c %D%/checks.h %D%/parcel.c %D%/parcel.h

check_PROGRAMS += tests/unit/%D%/test_parcel tests/unit/%D%/test_status
tests_unit_%C%_test_status_SOURCES = tests/unit/%D%/test_status.c
tests_unit_%C%_test_parcel_SOURCES = tests/unit/%D%/test_parcel.c
