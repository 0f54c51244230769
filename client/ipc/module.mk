# client/ipc: the agent's unix socket, both ends. May use base, os.
noinst_LIBRARIES += %D%/libipc.a
%C%_libipc_a_SOURCES = \
	%D%/client.c \
	%D%/ipc.h \
	%D%/lines.c %D%/lines.h \
	%D%/path.c \
	%D%/server.c

check_PROGRAMS += tests/unit/%D%/test_ipc
tests_unit_%C%_test_ipc_SOURCES = tests/unit/%D%/test_ipc.c
tests_unit_%C%_test_ipc_LDADD = %D%/libipc.a $(LDADD)
