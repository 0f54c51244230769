# lib/channel
noinst_LIBRARIES += %D%/libchannel.a
%C%_libchannel_a_SOURCES =
