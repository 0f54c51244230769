# lib/http: HTTP without policy; libwebsockets ends here and in lib/channel. May use base, os, tls.
noinst_LIBRARIES += %D%/libhttp.a
%C%_libhttp_a_SOURCES = \
	%D%/message.c %D%/message.h %D%/url.c %D%/url.h %D%/form.c %D%/form.h \
	%D%/cookie.c %D%/cookie.h %D%/html.c %D%/html.h %D%/problem.c %D%/problem.h \
	%D%/proxy.c %D%/proxy.h %D%/engine.c %D%/engine.h %D%/intake.c %D%/intake.h \
	%D%/answer.c %D%/answer.h %D%/server.c %D%/server.h %D%/live.c %D%/live.h \
	%D%/client.c %D%/client.h %D%/forwarded.c %D%/forwarded.h \
	%D%/phrase.c %D%/phrase.h %D%/portal.c %D%/portal.h \
	%D%/proxy_answer.c %D%/proxy_answer.h %D%/proxy_dial.c %D%/proxy_dial.h

check_PROGRAMS += \
	tests/unit/%D%/test_message tests/unit/%D%/test_url tests/unit/%D%/test_form \
	tests/unit/%D%/test_cookie tests/unit/%D%/test_html tests/unit/%D%/test_problem \
	tests/unit/%D%/test_proxy tests/unit/%D%/test_server tests/unit/%D%/test_client \
	tests/unit/%D%/test_answer tests/unit/%D%/test_live tests/unit/%D%/test_forwarded \
	tests/unit/%D%/test_peer tests/unit/%D%/test_portal
tests_unit_%C%_test_message_SOURCES = tests/unit/%D%/test_message.c
tests_unit_%C%_test_url_SOURCES = tests/unit/%D%/test_url.c
tests_unit_%C%_test_form_SOURCES = tests/unit/%D%/test_form.c
tests_unit_%C%_test_cookie_SOURCES = tests/unit/%D%/test_cookie.c
tests_unit_%C%_test_html_SOURCES = tests/unit/%D%/test_html.c
tests_unit_%C%_test_problem_SOURCES = tests/unit/%D%/test_problem.c
tests_unit_%C%_test_proxy_SOURCES = tests/unit/%D%/test_proxy.c
tests_unit_%C%_test_server_SOURCES = tests/unit/%D%/test_server.c tests/unit/%D%/harness.c \
	tests/unit/%D%/harness.h
tests_unit_%C%_test_client_SOURCES = tests/unit/%D%/test_client.c tests/unit/%D%/harness.c \
	tests/unit/%D%/harness.h
tests_unit_%C%_test_portal_SOURCES = tests/unit/%D%/test_portal.c
tests_unit_%C%_test_live_SOURCES = tests/unit/%D%/test_live.c tests/unit/%D%/harness.c \
	tests/unit/%D%/harness.h
tests_unit_%C%_test_peer_SOURCES = tests/unit/%D%/test_peer.c tests/unit/%D%/harness.c \
	tests/unit/%D%/harness.h
tests_unit_%C%_test_forwarded_SOURCES = tests/unit/%D%/test_forwarded.c
tests_unit_%C%_test_answer_SOURCES = tests/unit/%D%/test_answer.c

check_PROGRAMS += tests/unit/%D%/test_proxy_dial
tests_unit_%C%_test_proxy_dial_SOURCES = tests/unit/%D%/test_proxy_dial.c
