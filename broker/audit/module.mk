# broker/audit
noinst_LIBRARIES += %D%/libaudit.a
%C%_libaudit_a_SOURCES =
