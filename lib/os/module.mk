# lib/os: what asks the kernel. May use base.
noinst_LIBRARIES += %D%/libos.a
%C%_libos_a_SOURCES = \
	%D%/loop.c %D%/loop.h %D%/timer.c %D%/pool.c %D%/pool.h %D%/sock.c %D%/sock.h \
	%D%/sock_linux.c %D%/address.c %D%/connect.c %D%/fdpass.c %D%/fdpass.h %D%/child.c %D%/child.h \
	%D%/resolve.c %D%/resolve.h %D%/loop_internal.h \
	%D%/file.c %D%/file.h %D%/sandbox_linux.c %D%/sandbox.h \
	%D%/service.c %D%/service.h %D%/filewatch_linux.c %D%/filewatch.h %D%/acceptor.c %D%/acceptor.h \
	%D%/prefix.c %D%/prefix.h %D%/proxied.c %D%/proxied.h

check_PROGRAMS += tests/unit/%D%/test_loop tests/unit/%D%/test_pool tests/unit/%D%/test_sock \
	tests/unit/%D%/test_child tests/unit/%D%/test_resolve
tests_unit_%C%_test_loop_SOURCES = tests/unit/%D%/test_loop.c
tests_unit_%C%_test_pool_SOURCES = tests/unit/%D%/test_pool.c
tests_unit_%C%_test_sock_SOURCES = tests/unit/%D%/test_sock.c
tests_unit_%C%_test_child_SOURCES = tests/unit/%D%/test_child.c
tests_unit_%C%_test_resolve_SOURCES = tests/unit/%D%/test_resolve.c

check_PROGRAMS += tests/unit/%D%/test_filewatch tests/unit/%D%/test_acceptor
tests_unit_%C%_test_acceptor_SOURCES = tests/unit/%D%/test_acceptor.c
tests_unit_%C%_test_filewatch_SOURCES = tests/unit/%D%/test_filewatch.c
check_PROGRAMS += tests/unit/%D%/test_file tests/unit/%D%/test_sandbox tests/unit/%D%/test_service
tests_unit_%C%_test_file_SOURCES = tests/unit/%D%/test_file.c
tests_unit_%C%_test_sandbox_SOURCES = tests/unit/%D%/test_sandbox.c
tests_unit_%C%_test_service_SOURCES = tests/unit/%D%/test_service.c

check_PROGRAMS += tests/unit/%D%/test_prefix tests/unit/%D%/test_proxied
tests_unit_%C%_test_prefix_SOURCES = tests/unit/%D%/test_prefix.c
tests_unit_%C%_test_proxied_SOURCES = tests/unit/%D%/test_proxied.c
