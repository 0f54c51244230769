# lib/channel: proven channels between the programs (PROTOCOL 4). May use base, os, crypto, tls,
# trust, proto, http, tunnel.
noinst_LIBRARIES += %D%/libchannel.a
%C%_libchannel_a_SOURCES = \
	%D%/backoff.c %D%/backoff.h %D%/inbox.c %D%/inbox.h %D%/turns.c %D%/turns.h %D%/call.c %D%/call.h %D%/opening.c %D%/opening.h %D%/socket.c %D%/socket.h \
	%D%/lookup.c %D%/lookup.h %D%/dialer.c %D%/dialer.h %D%/vhost.c %D%/vhost.h %D%/listener.c %D%/post.c %D%/listener.h %D%/over.c %D%/over.h

check_PROGRAMS += tests/unit/%D%/test_backoff tests/unit/%D%/test_inbox tests/unit/%D%/test_turns
tests_unit_%C%_test_inbox_SOURCES = tests/unit/%D%/test_inbox.c
tests_unit_%C%_test_turns_SOURCES = tests/unit/%D%/test_turns.c
check_PROGRAMS += tests/unit/%D%/test_call tests/unit/%D%/test_opening tests/unit/%D%/test_over
tests_unit_%C%_test_backoff_SOURCES = tests/unit/%D%/test_backoff.c
tests_unit_%C%_test_call_SOURCES = tests/unit/%D%/test_call.c
tests_unit_%C%_test_opening_SOURCES = tests/unit/%D%/test_opening.c
tests_unit_%C%_test_over_SOURCES = tests/unit/%D%/test_over.c

CHANNEL_RIG = tests/unit/%D%/rig.c tests/unit/%D%/rig.h tests/unit/check.h
check_PROGRAMS += tests/unit/%D%/test_channel tests/unit/%D%/test_channel_peer tests/unit/%D%/test_dialer
tests_unit_%C%_test_channel_SOURCES = tests/unit/%D%/test_channel.c $(CHANNEL_RIG)
tests_unit_%C%_test_channel_peer_SOURCES = tests/unit/%D%/test_channel_peer.c $(CHANNEL_RIG)
tests_unit_%C%_test_dialer_SOURCES = tests/unit/%D%/test_dialer.c $(CHANNEL_RIG)
