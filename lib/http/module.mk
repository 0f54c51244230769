# lib/http: HTTP without policy; libwebsockets ends here and in lib/channel. May use base, os, tls.
noinst_LIBRARIES += %D%/libhttp.a
%C%_libhttp_a_SOURCES = \
	%D%/message.h %D%/url.h %D%/form.h %D%/cookie.h %D%/html.h %D%/problem.h %D%/engine.h \
	%D%/server.h %D%/live.h %D%/client.h %D%/proxy.h
