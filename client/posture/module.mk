# client/posture: what this machine can say about itself. May use base, os, crypto, trust.
noinst_LIBRARIES += %D%/libposture.a
%C%_libposture_a_SOURCES = \
	%D%/collect.h %D%/host.h %D%/signal.h
