# lib/tunnel: one websocket that carries one side of a session; bytes in, bytes out.
# May use lib/base, lib/os, lib/crypto, lib/tls.
noinst_LIBRARIES += %D%/libtunnel.a
%C%_libtunnel_a_SOURCES = \
	%D%/limits.h %D%/frame.c %D%/frame.h %D%/mask.c %D%/mask.h \
	%D%/upgrade.h %D%/thread.h %D%/leg.h %D%/end.h %D%/streams.h %D%/pump.h
