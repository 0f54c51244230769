# client/cmd: the verbs of the command line. May use lib, client/login, client/ipc, client/posture, client/desktop,
# client/settings.
noinst_LIBRARIES += %D%/libcmd.a
%C%_libcmd_a_SOURCES = \
	%D%/bugreport.c %D%/cmd.h %D%/config.c %D%/connect.c %D%/db.c %D%/doctor.c %D%/login.c \
	%D%/pipe.c %D%/pipe.h %D%/proxy.c %D%/proxyhead.c %D%/proxyhead.h \
	%D%/request.c %D%/set.c %D%/show.c %D%/status.c %D%/talk.c %D%/talk.h %D%/tray.c \
	%D%/visit.c %D%/visit.h

check_PROGRAMS += tests/unit/%D%/test_proxyhead
tests_unit_%C%_test_proxyhead_SOURCES = tests/unit/%D%/test_proxyhead.c
tests_unit_%C%_test_proxyhead_LDADD = %D%/libcmd.a $(LDADD)
