# connector/gateway/sketch: counting much in little memory. Knows no HTTP. May use base, crypto.
noinst_LIBRARIES += %D%/libsketch.a
%C%_libsketch_a_SOURCES = \
	%D%/cuckoo.c \
	%D%/cuckoo.h \
	%D%/ewma.c \
	%D%/ewma.h \
	%D%/hll.c \
	%D%/hll.h \
	%D%/loghist.c \
	%D%/loghist.h \
	%D%/slots.c \
	%D%/slots.h

check_PROGRAMS += tests/unit/%D%/test_sketch
tests_unit_%C%_test_sketch_SOURCES = tests/unit/%D%/test_sketch.c
tests_unit_%C%_test_sketch_LDADD = %D%/libsketch.a $(LDADD)
