# tests/evil: hostile peers (tests/e2e/test_evil_*.py). Relay and agent are the product's with a traitor linked into them.
noinst_PROGRAMS += %D%/relay %D%/agent
%C%_relay_SOURCES = relay/main.c %D%/relay.c
%C%_relay_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=outer_frame -Wl,--wrap=forward_init
%C%_relay_LDADD = relay/librelay.a $(SP_LIBS) $(SP_EXT)
%C%_agent_SOURCES = client/main.c %D%/agent.c
%C%_agent_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=outer_frame -Wl,--wrap=streams_new -Wl,--wrap=streams_give -Wl,--wrap=streams_take \
	-Wl,--wrap=bind_write_agent
%C%_agent_LDADD = client/cmd/libcmd.a client/agent/libagent.a client/desktop/libdesktop.a client/login/liblogin.a \
	client/ipc/libipc.a client/posture/libclientposture.a client/settings/libsettings.a $(SP_LIBS) $(SP_EXT)
EXTRA_DIST += %D%/vendor.py %D%/speak.py %D%/flood.py %D%/provider.py %D%/inside.py
