# broker/pages
noinst_LIBRARIES += %D%/libpages.a
%C%_libpages_a_SOURCES =
