# lib/qr: QR codes as SVG and half blocks. May use base.
noinst_LIBRARIES += %D%/libqr.a
%C%_libqr_a_SOURCES = %D%/qr.c %D%/qr.h

check_PROGRAMS += tests/unit/%D%/test_qr
tests_unit_%C%_test_qr_SOURCES = tests/unit/%D%/test_qr.c
