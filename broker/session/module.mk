# broker/session: the only place that grants.
noinst_LIBRARIES += %D%/libsession.a
%C%_libsession_a_SOURCES = \
	%D%/rules.c %D%/rules.h
