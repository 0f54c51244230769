# lib/trust
noinst_LIBRARIES += %D%/libtrust.a
%C%_libtrust_a_SOURCES =
