# tests/bench: load programs of the speed table (tests/bench/run builds them: `make bench-programs`).
LOAD_TOOLS = %D%/forward %D%/echod %D%/load %D%/stall %D%/grants %D%/schema %D%/parts %D%/seed
EXTRA_PROGRAMS += $(LOAD_TOOLS)
%C%_forward_SOURCES = %D%/tools/forward.c %D%/tools/wire.h
%C%_forward_LDADD =
%C%_echod_SOURCES = %D%/tools/echod.c %D%/tools/wire.h
%C%_echod_LDADD =
%C%_load_SOURCES = %D%/tools/load.c %D%/tools/wire.h
%C%_load_LDADD = -lpthread
%C%_stall_SOURCES = %D%/tools/stall.c %D%/tools/wire.h
%C%_stall_LDADD = -lpthread
%C%_grants_SOURCES = %D%/tools/grants.c %D%/tools/wire.h
%C%_seed_SOURCES = %D%/tools/seed.c %D%/tools/wire.h
%C%_schema_SOURCES = %D%/tools/schema.c
%C%_schema_LDADD = $(SP_LIBS) $(SP_EXT)
%C%_parts_SOURCES = %D%/tools/parts.c %D%/tools/parts_jansson.c %D%/tools/parts.h
%C%_parts_LDADD = $(SP_GATEWAY) $(SP_LIBS) $(SP_EXT)

bench-programs: $(LOAD_TOOLS)
.PHONY: bench-programs
EXTRA_DIST += %D%/run %D%/gateway
