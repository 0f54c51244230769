# tests/faults: what the kill rounds drive; only a debug build can be killed where they want it.
if FAILPOINTS
noinst_PROGRAMS += %D%/desk
%C%_desk_SOURCES = %D%/desk.c
%C%_desk_LDADD = $(SP_BROKER_LIBS) $(SP_LIBS) $(SP_EXT)

noinst_PROGRAMS += %D%/spooler
%C%_spooler_SOURCES = %D%/spooler.c
%C%_spooler_LDADD = connector/libconnector.a $(SP_GATEWAY) $(SP_LIBS) $(SP_EXT)
endif
