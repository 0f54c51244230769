# broker/idp
noinst_LIBRARIES += %D%/libidp.a
%C%_libidp_a_SOURCES =
