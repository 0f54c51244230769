# lib/os: what asks the kernel. May use base.
noinst_LIBRARIES += %D%/libos.a
%C%_libos_a_SOURCES = %D%/loop.h %D%/pool.h %D%/sock.h %D%/fdpass.h %D%/child.h %D%/resolve.h
