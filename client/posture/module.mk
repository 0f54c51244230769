# client/posture: what this machine can say about itself. May use base, os, crypto, trust.
noinst_LIBRARIES += %D%/libclientposture.a
%C%_libclientposture_a_SOURCES = \
	%D%/collect.c %D%/collect.h \
	%D%/disk.h %D%/disk_linux.c \
	%D%/firewall.h %D%/firewall_linux.c \
	%D%/hardware_linux.c \
	%D%/host.h %D%/host_linux.c \
	%D%/os_linux.c \
	%D%/report.c %D%/report.h \
	%D%/screenlock_linux.c %D%/secureboot_linux.c \
	%D%/signal.c %D%/signal.h \
	%D%/text.c \
	%D%/updates.h %D%/updates_linux.c

check_PROGRAMS += tests/unit/%D%/test_collect tests/unit/%D%/test_readers
tests_unit_%C%_test_collect_SOURCES = tests/unit/%D%/test_collect.c
tests_unit_%C%_test_collect_LDADD = %D%/libclientposture.a $(LDADD)
tests_unit_%C%_test_readers_SOURCES = tests/unit/%D%/test_readers.c
tests_unit_%C%_test_readers_LDADD = %D%/libclientposture.a $(LDADD)
