# broker/api: REST, thin handlers; the console's files. May use base, config, http and the services
# policy, posture, feeds, registry, session, identity, audit.
noinst_LIBRARIES += %D%/libapi.a
%C%_libapi_a_SOURCES = \
	%D%/api.h %D%/routes.c %D%/router.c %D%/caller.c %D%/bootstrap.c %D%/call.c %D%/call.h \
	%D%/names.c %D%/names.h %D%/me.c %D%/overview.c %D%/figures.c %D%/figures.h \
	%D%/apps.c %D%/apps.h %D%/policies.c %D%/policies.h %D%/inwords.c %D%/drafts.c %D%/slice.c %D%/slice.h %D%/versions.c %D%/trace.c %D%/trace.h \
	%D%/sites.c %D%/sites.h %D%/edges.c %D%/tokens.c %D%/users.c %D%/devices.c %D%/standing.c %D%/standing.h \
	%D%/requests.c %D%/replay.c %D%/views.c %D%/incidents.c %D%/endpoints.c %D%/endpoint_rules.c %D%/gateways.c %D%/gateways.h %D%/documents.c %D%/draft.c %D%/posture.c %D%/posture.h %D%/sessions.c %D%/cuts.c %D%/cuts.h %D%/feed.c %D%/feed.h \
	%D%/audit.c %D%/records.h %D%/verify.c %D%/verified.h %D%/settings.c %D%/vendors.c \
	%D%/assets.c %D%/assets.h
nodist_%C%_libapi_a_SOURCES = %D%/assets_table.c

check_PROGRAMS += \
	tests/unit/%D%/test_assets tests/unit/%D%/test_slice tests/unit/%D%/test_routes tests/unit/%D%/test_router \
	tests/unit/%D%/test_posture tests/unit/%D%/test_call \
	tests/unit/broker/identity/test_tickets
tests_unit_%C%_test_call_SOURCES = tests/unit/%D%/test_call.c tests/unit/check.h
tests_unit_%C%_test_posture_SOURCES = tests/unit/%D%/test_posture.c
tests_unit_%C%_test_router_SOURCES = tests/unit/%D%/test_router.c
tests_unit_%C%_test_routes_SOURCES = tests/unit/%D%/test_routes.c
tests_unit_%C%_test_assets_SOURCES = tests/unit/%D%/test_assets.c
tests_unit_%C%_test_slice_SOURCES = tests/unit/%D%/test_slice.c
tests_unit_broker_identity_test_tickets_SOURCES = tests/unit/broker/identity/test_tickets.c

# The console is built by node into the build folder; web/node_modules is filled once, by npm ci.
WEB_FILES = $(wildcard $(top_srcdir)/web/src/* $(top_srcdir)/web/src/*/* $(top_srcdir)/web/scripts/*.mjs) \
	$(top_srcdir)/web/package.json
EXTRA_DIST += scripts/assets.py %D%/openapi.yaml
CLEANFILES += %D%/assets_table.c web/dist.stamp

$(top_srcdir)/web/node_modules/.package-lock.json: $(top_srcdir)/web/package-lock.json
	$(AM_V_GEN)cd $(top_srcdir)/web && npm ci --ignore-scripts --no-audit --no-fund --loglevel error && touch node_modules/.package-lock.json

web/dist.stamp: $(WEB_FILES) $(top_srcdir)/web/node_modules/.package-lock.json
	$(AM_V_GEN)$(MKDIR_P) web && cd $(top_srcdir)/web && $(NODE) scripts/build.mjs $(abs_top_builddir)/web/dist
	@touch $@

if CONSOLE
ASSETS_CONSOLE = --dist web/dist
ASSETS_CONSOLE_STAMP = web/dist.stamp
endif
%D%/assets_table.c: $(ASSETS_CONSOLE_STAMP) $(top_srcdir)/scripts/assets.py %D%/openapi.yaml \
		$(top_srcdir)/web/src/tokens.css $(top_srcdir)/web/src/app.css $(top_srcdir)/web/src/pages.js \
		$(top_srcdir)/web/src/favicon.svg
	$(AM_V_GEN)python3 $(top_srcdir)/scripts/assets.py $@ $(ASSETS_CONSOLE) \
		/api/openapi.yaml=$(srcdir)/broker/api/openapi.yaml \
		/assets/style.css=$(top_srcdir)/web/src/tokens.css+$(top_srcdir)/web/src/app.css \
		/assets/pages.js=$(top_srcdir)/web/src/pages.js \
		/assets/favicon.svg=$(top_srcdir)/web/src/favicon.svg
