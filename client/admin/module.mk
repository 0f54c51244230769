# client/admin: sallyport-admin, what the REST API does at a terminal. May use lib, client/ipc,
# client/settings.
bin_PROGRAMS += %D%/sallyport-admin
noinst_LIBRARIES += %D%/libadmin.a
%C%_libadmin_a_SOURCES = \
	%D%/act.c %D%/act.h \
	%D%/app.c %D%/audit.c \
	%D%/bootstrap.c %D%/bootstrap.h \
	%D%/broker.c %D%/broker.h \
	%D%/changes.c %D%/code.c %D%/commands.c %D%/declare.c %D%/declare.h %D%/draft.c %D%/feed.c %D%/gateway.c %D%/endpoint.c \
	%D%/made.c \
	%D%/names.c %D%/names.h \
	%D%/past.c %D%/past.h %D%/policy.c %D%/request.c %D%/session.c %D%/settings.c \
	%D%/show.c %D%/show.h \
	%D%/sign.c %D%/trace.c %D%/verbs.h
%C%_sallyport_admin_SOURCES = %D%/main.c
%C%_sallyport_admin_LDADD = %D%/libadmin.a $(SP_GATEWAY) client/ipc/libipc.a \
	client/settings/libsettings.a $(SP_LIBS) $(SP_EXT)

check_PROGRAMS += tests/unit/%D%/test_commands
tests_unit_%C%_test_commands_SOURCES = tests/unit/%D%/test_commands.c
tests_unit_%C%_test_commands_LDADD = %D%/libadmin.a $(SP_GATEWAY) client/ipc/libipc.a \
	client/settings/libsettings.a $(LDADD)

check_PROGRAMS += tests/unit/%D%/test_declare
tests_unit_%C%_test_declare_SOURCES = tests/unit/%D%/test_declare.c
tests_unit_%C%_test_declare_LDADD = %D%/libadmin.a $(SP_GATEWAY) client/ipc/libipc.a \
	client/settings/libsettings.a $(LDADD)

check_PROGRAMS += tests/unit/%D%/test_past
tests_unit_%C%_test_past_SOURCES = tests/unit/%D%/test_past.c
tests_unit_%C%_test_past_LDADD = %D%/libadmin.a $(SP_GATEWAY) client/ipc/libipc.a \
	client/settings/libsettings.a $(LDADD)

check_PROGRAMS += tests/unit/%D%/test_endpoint
tests_unit_%C%_test_endpoint_SOURCES = tests/unit/%D%/test_endpoint.c tests/unit/lib/http/harness.c \
	tests/unit/lib/http/harness.h
tests_unit_%C%_test_endpoint_LDADD = %D%/libadmin.a $(SP_GATEWAY) client/ipc/libipc.a \
	client/settings/libsettings.a $(LDADD)
