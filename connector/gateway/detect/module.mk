# connector/gateway/detect: what the requests of an app say together. Knows no HTTP and no socket.
noinst_LIBRARIES += %D%/libdetect.a
%C%_libdetect_a_SOURCES = \
	%D%/bola.c \
	%D%/budget.c \
	%D%/credential.c \
	%D%/detect.c \
	%D%/detect.h \
	%D%/detect_internal.h \
	%D%/enumeration.c \
	%D%/exfiltration.c \
	%D%/exposure.c \
	%D%/exposure.h \
	%D%/flow.c \
	%D%/fresh.c \
	%D%/function.c \
	%D%/incidents.c \
	%D%/scanner.c \
	%D%/usual.c \
	%D%/usual.h \
	%D%/usual_internal.h

check_PROGRAMS += \
	tests/unit/%D%/test_objects \
	tests/unit/%D%/test_told \
	tests/unit/%D%/test_usual \
	tests/unit/%D%/test_volume \
	tests/unit/%D%/test_detect
tests_unit_%C%_test_objects_SOURCES = \
	tests/unit/%D%/test_objects.c \
	tests/unit/%D%/seen.c \
	tests/unit/%D%/seen.h
tests_unit_%C%_test_objects_LDADD = %D%/libdetect.a connector/gateway/inventory/libinventory.a  	connector/gateway/sketch/libsketch.a $(LDADD)
tests_unit_%C%_test_volume_SOURCES = \
	tests/unit/%D%/test_volume.c \
	tests/unit/%D%/seen.c \
	tests/unit/%D%/seen.h
tests_unit_%C%_test_volume_LDADD = %D%/libdetect.a connector/gateway/inventory/libinventory.a  	connector/gateway/sketch/libsketch.a $(LDADD)
tests_unit_%C%_test_detect_SOURCES = \
	tests/unit/%D%/test_detect.c \
	tests/unit/%D%/seen.c \
	tests/unit/%D%/seen.h
tests_unit_%C%_test_detect_LDADD = %D%/libdetect.a connector/gateway/inventory/libinventory.a  	connector/gateway/sketch/libsketch.a $(LDADD)
tests_unit_%C%_test_usual_SOURCES = \
	tests/unit/%D%/test_usual.c \
	tests/unit/%D%/seen.c \
	tests/unit/%D%/seen.h
tests_unit_%C%_test_usual_LDADD = %D%/libdetect.a connector/gateway/inventory/libinventory.a  	connector/gateway/sketch/libsketch.a $(LDADD)
tests_unit_%C%_test_told_SOURCES = \
	tests/unit/%D%/test_told.c \
	tests/unit/%D%/seen.c \
	tests/unit/%D%/seen.h
tests_unit_%C%_test_told_LDADD = %D%/libdetect.a connector/gateway/inventory/libinventory.a  	connector/gateway/sketch/libsketch.a $(LDADD)
