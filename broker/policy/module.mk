# broker/policy
noinst_LIBRARIES += %D%/libpolicy.a
%C%_libpolicy_a_SOURCES =
