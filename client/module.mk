# client: the user's agent and command line, one program. May use lib, client/cmd, client/agent.
bin_PROGRAMS += %D%/sallyport
%C%_sallyport_SOURCES = %D%/main.c
%C%_sallyport_LDADD = client/cmd/libcmd.a client/agent/libagent.a client/desktop/libdesktop.a client/login/liblogin.a \
	client/ipc/libipc.a client/posture/libclientposture.a client/settings/libsettings.a $(SP_LIBS) $(SP_EXT)
