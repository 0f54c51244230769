# client/desktop: notifications and the tray, over the session bus. May use lib.
noinst_LIBRARIES += %D%/libdesktop.a
%C%_libdesktop_a_SOURCES = \
	%D%/bus.c %D%/bus.h %D%/sdbus.c %D%/sdbus.h \
	%D%/item.c %D%/item.h %D%/icon.c %D%/icon.h \
	%D%/menu.c %D%/menu.h \
	%D%/notices.c %D%/notices.h %D%/notify.c %D%/notify.h

check_PROGRAMS += tests/unit/%D%/test_notices tests/unit/%D%/test_icon
tests_unit_%C%_test_notices_SOURCES = tests/unit/%D%/test_notices.c
tests_unit_%C%_test_notices_LDADD = %D%/libdesktop.a $(LDADD)
tests_unit_%C%_test_icon_SOURCES = tests/unit/%D%/test_icon.c
tests_unit_%C%_test_icon_LDADD = %D%/libdesktop.a $(LDADD)
