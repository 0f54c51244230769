# client/ipc
noinst_LIBRARIES += %D%/libipc.a
%C%_libipc_a_SOURCES =
