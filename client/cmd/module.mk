# client/cmd: the verbs of the command line. May use lib, client/login, client/ipc, client/posture.
noinst_LIBRARIES += %D%/libcmd.a
%C%_libcmd_a_SOURCES = %D%/cmd.h %D%/connect.c %D%/doctor.c %D%/login.c %D%/show.c %D%/talk.c %D%/talk.h
