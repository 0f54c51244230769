# relay: sallyport-relay, a program of its own. Moves bytes, decides nothing, verifies grants
# offline. May use the rooms of lib but policy and store, and never broker/.
bin_PROGRAMS += %D%/sallyport-relay
%C%_sallyport_relay_SOURCES = \
	%D%/main.c %D%/run.c %D%/run.h %D%/config.c %D%/config.h %D%/state.c %D%/state.h %D%/relay.h \
	%D%/accept.c %D%/accept.h %D%/stand.c %D%/stand.h %D%/stand_internal.h %D%/spare.c %D%/pair.c %D%/pair.h \
	%D%/splice_linux.c %D%/splice.h %D%/orphan.c %D%/orphan.h \
	%D%/control.c %D%/control.h %D%/report.c %D%/report.h
%C%_sallyport_relay_LDADD = $(SP_LIBS) $(SP_EXT)
