# client/ipc: the agent's unix socket, both ends. May use base, os.
noinst_LIBRARIES += %D%/libipc.a
%C%_libipc_a_SOURCES = %D%/ipc.h
