# client/cmd
noinst_LIBRARIES += %D%/libcmd.a
%C%_libcmd_a_SOURCES =
