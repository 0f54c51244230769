# broker/identity
noinst_LIBRARIES += %D%/libidentity.a
%C%_libidentity_a_SOURCES =
