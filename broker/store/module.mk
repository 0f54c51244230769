# broker/store: durable state; SQL ends here. May use base, os, crypto.
noinst_LIBRARIES += %D%/libstore.a
%C%_libstore_a_SOURCES = %D%/sealed.c %D%/sealed.h
