# lib/tunnel
noinst_LIBRARIES += %D%/libtunnel.a
%C%_libtunnel_a_SOURCES =
