# lib/proto: control messages, struct and JSON (PROTOCOL 4 and 5). May use base.
noinst_LIBRARIES += %D%/libproto.a
%C%_libproto_a_SOURCES = \
	%D%/envelope.h %D%/fields.h %D%/opening.h %D%/login.h %D%/posture.h %D%/session.h \
	%D%/registry.h %D%/relay.h
