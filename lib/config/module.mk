# lib/config: YAML into structs and trees, errors with lines. May use base, os.
noinst_LIBRARIES += %D%/libconfig.a
%C%_libconfig_a_SOURCES = %D%/tree.h %D%/load.h
