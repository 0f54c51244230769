# client/settings: what was decided once for all commands. May use base, os, config, http, trust.
noinst_LIBRARIES += %D%/libsettings.a
%C%_libsettings_a_SOURCES = %D%/settings.c %D%/settings.h %D%/way.c %D%/way.h

check_PROGRAMS += tests/unit/%D%/test_settings
tests_unit_%C%_test_settings_SOURCES = tests/unit/%D%/test_settings.c
tests_unit_%C%_test_settings_LDADD = %D%/libsettings.a $(LDADD)
