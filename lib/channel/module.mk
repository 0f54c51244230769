# lib/channel: proven channels between the programs (PROTOCOL 4). May use base, os, crypto, tls,
# trust, proto, http, tunnel.
noinst_LIBRARIES += %D%/libchannel.a
%C%_libchannel_a_SOURCES = %D%/call.h %D%/opening.h %D%/dialer.h %D%/listener.h %D%/over.h
