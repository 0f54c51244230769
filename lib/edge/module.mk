# lib/edge: what relay, connector and agent have in common as programs: a status socket, doctor's
# rows, and the parcel of bugreport. May use base, os, crypto, term, tls, http.
noinst_LIBRARIES += %D%/libedge.a
%C%_libedge_a_SOURCES = \
	%D%/about.c %D%/about.h %D%/bugreport.c %D%/bugreport.h %D%/status.c %D%/status.h %D%/checks.c %D%/checks.h %D%/parcel.c %D%/parcel.h \
	%D%/places.c %D%/places.h %D%/redact.c %D%/redact.h %D%/tarball.c %D%/tarball.h

check_PROGRAMS += tests/unit/%D%/test_parcel tests/unit/%D%/test_places tests/unit/%D%/test_redact \
	tests/unit/%D%/test_status tests/unit/%D%/test_tarball
tests_unit_%C%_test_places_SOURCES = tests/unit/%D%/test_places.c
tests_unit_%C%_test_redact_SOURCES = tests/unit/%D%/test_redact.c
tests_unit_%C%_test_tarball_SOURCES = tests/unit/%D%/test_tarball.c
tests_unit_%C%_test_status_SOURCES = tests/unit/%D%/test_status.c
tests_unit_%C%_test_parcel_SOURCES = tests/unit/%D%/test_parcel.c
