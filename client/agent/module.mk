# client/agent
noinst_LIBRARIES += %D%/libagent.a
%C%_libagent_a_SOURCES =
