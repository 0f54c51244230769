# lib/tunnel: one websocket that carries one side of a session; bytes in, bytes out.
# May use lib/base, lib/os, lib/crypto, lib/tls.
noinst_LIBRARIES += %D%/libtunnel.a
%C%_libtunnel_a_SOURCES = \
	%D%/limits.h %D%/frame.c %D%/frame.h %D%/mask.c %D%/mask.h \
	%D%/upgrade.c %D%/upgrade.h %D%/lifecycle.c %D%/lifecycle.h \
	%D%/thread.c %D%/thread.h %D%/thread_internal.h %D%/wire.c %D%/wire.h \
	%D%/switch.c %D%/switch.h %D%/bind.c %D%/bind.h \
	%D%/outer.c %D%/outer_frames.c %D%/outer.h %D%/outer_internal.h \
	%D%/pile.c %D%/pile.h %D%/stream.c %D%/streams.c %D%/streams.h %D%/streams_internal.h \
	%D%/core.c %D%/core.h %D%/forward.c %D%/forward.h \
	%D%/drive.c %D%/drive.h %D%/leg.c %D%/leg.h %D%/idle.c %D%/idle.h \
	%D%/end.c %D%/end.h %D%/pump.c %D%/pump.h

check_PROGRAMS += tests/unit/%D%/test_core
tests_unit_%C%_test_core_SOURCES = tests/unit/%D%/test_core.c \
	tests/unit/%D%/rig.c tests/unit/%D%/rig.h tests/unit/%D%/app.c tests/unit/%D%/app.h \
	tests/unit/check.h

check_PROGRAMS += tests/unit/%D%/test_streams
tests_unit_%C%_test_streams_SOURCES = tests/unit/%D%/test_streams.c tests/unit/%D%/app.c \
	tests/unit/%D%/app.h tests/unit/check.h

check_PROGRAMS += tests/unit/%D%/test_ws
tests_unit_%C%_test_ws_SOURCES = tests/unit/%D%/test_ws.c tests/unit/check.h

check_PROGRAMS += tests/unit/%D%/test_upgrade
tests_unit_%C%_test_upgrade_SOURCES = tests/unit/%D%/test_upgrade.c tests/unit/check.h

check_PROGRAMS += tests/unit/%D%/test_switch
tests_unit_%C%_test_switch_SOURCES = tests/unit/%D%/test_switch.c \
	tests/unit/%D%/rig.c tests/unit/%D%/rig.h tests/unit/%D%/app.c tests/unit/%D%/app.h \
	tests/unit/check.h

check_PROGRAMS += tests/unit/%D%/test_idle
tests_unit_%C%_test_idle_SOURCES = tests/unit/%D%/test_idle.c

# For the Autobahn suite (tests/interop/test_autobahn.py).
noinst_PROGRAMS += tests/interop/ws_echo
tests_interop_ws_echo_SOURCES = tests/interop/ws_echo.c
tests_interop_ws_echo_LDADD = $(SP_LIBS) $(SP_EXT)
