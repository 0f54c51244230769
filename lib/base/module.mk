# lib/base: bytes, numbers, errors; no I/O, no protocol. May use nothing.
noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_SOURCES = \
	%D%/error.c %D%/error.h %D%/why.h %D%/view.h %D%/buf.h %D%/num.h %D%/id.h %D%/clock.h \
	%D%/map.h %D%/encode.h %D%/json.h %D%/log.h
