# connector/gateway: each request of an http app, verified. May use lib, schema, sketch, detect.
noinst_LIBRARIES += %D%/libgw.a
%C%_libgw_a_SOURCES = \
	%D%/answer.c \
	%D%/app.c \
	%D%/app.h \
	%D%/arena.c \
	%D%/arena.h \
	%D%/ask1.c \
	%D%/ask2.c \
	%D%/authorize.c \
	%D%/calm.c \
	%D%/calm.h \
	%D%/certs.c \
	%D%/certs.h \
	%D%/challenge.c \
	%D%/challenge.h \
	%D%/choose.c \
	%D%/coding.c \
	%D%/coding.h \
	%D%/collected.c \
	%D%/collected.h \
	%D%/conn.c \
	%D%/conn_internal.h \
	%D%/document.c \
	%D%/document.h \
	%D%/dpop.c \
	%D%/dpop.h \
	%D%/exchange.c \
	%D%/exchange.h \
	%D%/expiry.c \
	%D%/expiry.h \
	%D%/fields.c \
	%D%/fields.h \
	%D%/front.c \
	%D%/front.h \
	%D%/gateway.c \
	%D%/gateway.h \
	%D%/gateway_internal.h \
	%D%/grpc.c \
	%D%/grpc.h \
	%D%/guard.c \
	%D%/guard.h \
	%D%/guard_internal.h \
	%D%/guard_steps.c \
	%D%/http1.c \
	%D%/http1.h \
	%D%/http2.c \
	%D%/http2.h \
	%D%/http2_internal.h \
	%D%/http2_stream.c \
	%D%/identity.c \
	%D%/identity.h \
	%D%/input.c \
	%D%/input.h \
	%D%/input_step.c \
	%D%/introspect.c \
	%D%/introspect.h \
	%D%/keyring.c \
	%D%/keyring.h \
	%D%/lease.c \
	%D%/lease.h \
	%D%/ledger.c \
	%D%/ledger.h \
	%D%/leg1.c \
	%D%/leg2.c \
	%D%/link2.c \
	%D%/link2.h \
	%D%/message2.c \
	%D%/message2.h \
	%D%/observe.c \
	%D%/outside.c \
	%D%/outside.h \
	%D%/owner.c \
	%D%/owner.h \
	%D%/paper.c \
	%D%/paper.h \
	%D%/person.c \
	%D%/pipeline.c \
	%D%/pipeline.h \
	%D%/places.c \
	%D%/places.h \
	%D%/pollution.c \
	%D%/pollution.h \
	%D%/preflight.c \
	%D%/preflight2.c \
	%D%/preflight.h \
	%D%/preflight_internal.h \
	%D%/preflight_step.c \
	%D%/problem.c \
	%D%/problem.h \
	%D%/rate.c \
	%D%/rate.h \
	%D%/reasons.c \
	%D%/rehearse.c \
	%D%/rehearse.h \
	%D%/rehearse_internal.h \
	%D%/rehearse_objects.c \
	%D%/renew.c \
	%D%/renew.h \
	%D%/request.h \
	%D%/retire.c \
	%D%/route.c \
	%D%/route.h \
	%D%/seen.c \
	%D%/seen.h \
	%D%/siblings.c \
	%D%/siblings.h \
	%D%/signature.c \
	%D%/signature.h \
	%D%/slot.c \
	%D%/slot.h \
	%D%/ssrf.c \
	%D%/steps.c \
	%D%/steps.h \
	%D%/strict.c \
	%D%/strict.h \
	%D%/target.c \
	%D%/target.h \
	%D%/token.c \
	%D%/token.h \
	%D%/upstream.c \
	%D%/upstream.h \
	%D%/verdict.h \
	%D%/watch.c \
	%D%/watch.h \
	%D%/watch_internal.h \
	%D%/watch_report.c \
	%D%/watch_siblings.c \
	%D%/watch_snapshot.c \
	%D%/watch_steps.c \
	%D%/write.c \
	%D%/write.h

check_PROGRAMS += \
	tests/unit/%D%/test_answers \
	tests/unit/%D%/test_ask2 \
	tests/unit/%D%/test_calm \
	tests/unit/%D%/test_coding \
	tests/unit/%D%/test_conn \
	tests/unit/%D%/test_copy \
	tests/unit/%D%/test_document \
	tests/unit/%D%/test_dpop \
	tests/unit/%D%/test_expiry \
	tests/unit/%D%/test_field \
	tests/unit/%D%/test_guard \
	tests/unit/%D%/test_guard_token \
	tests/unit/%D%/test_http1 \
	tests/unit/%D%/test_input \
	tests/unit/%D%/test_killed \
	tests/unit/%D%/test_leg2 \
	tests/unit/%D%/test_limits \
	tests/unit/%D%/test_pollution \
	tests/unit/%D%/test_preflight \
	tests/unit/%D%/test_rate \
	tests/unit/%D%/test_rehearse \
	tests/unit/%D%/test_report \
	tests/unit/%D%/test_route \
	tests/unit/%D%/test_signature \
	tests/unit/%D%/test_siblings \
	tests/unit/%D%/test_slot \
	tests/unit/%D%/test_snapshot \
	tests/unit/%D%/test_sources \
	tests/unit/%D%/test_target \
	tests/unit/%D%/test_token \
	tests/unit/%D%/test_watch_siblings

tests_unit_%C%_test_answers_SOURCES = \
	tests/unit/%D%/test_answers.c
tests_unit_%C%_test_answers_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_ask2_SOURCES = \
	tests/unit/%D%/test_ask2.c \
	tests/unit/%D%/client2.c \
	tests/unit/%D%/client2.h \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_ask2_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_calm_SOURCES = \
	tests/unit/%D%/test_calm.c \
	tests/unit/check.h
tests_unit_%C%_test_calm_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_coding_SOURCES = \
	tests/unit/%D%/test_coding.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_coding_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_conn_SOURCES = \
	tests/unit/%D%/test_conn.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_conn_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_field_SOURCES = \
	tests/unit/%D%/test_field.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_field_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_copy_SOURCES = \
	tests/unit/%D%/test_copy.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_copy_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_document_SOURCES = \
	tests/unit/%D%/test_document.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_document_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_dpop_SOURCES = \
	tests/unit/%D%/test_dpop.c \
	tests/unit/%D%/mint.c \
	tests/unit/%D%/mint.h
tests_unit_%C%_test_dpop_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_expiry_SOURCES = \
	tests/unit/%D%/test_expiry.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_expiry_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_guard_SOURCES = \
	tests/unit/%D%/test_guard.c \
	tests/unit/%D%/ward.c \
	tests/unit/%D%/ward.h \
	tests/unit/%D%/idp.c \
	tests/unit/%D%/idp.h \
	tests/unit/check.h
tests_unit_%C%_test_guard_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_guard_token_SOURCES = \
	tests/unit/%D%/test_guard_token.c \
	tests/unit/%D%/ward.c \
	tests/unit/%D%/ward.h \
	tests/unit/%D%/mint.c \
	tests/unit/%D%/mint.h \
	tests/unit/%D%/idp.c \
	tests/unit/%D%/idp.h \
	tests/unit/check.h
tests_unit_%C%_test_guard_token_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_http1_SOURCES = \
	tests/unit/%D%/test_http1.c
tests_unit_%C%_test_http1_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_input_SOURCES = \
	tests/unit/%D%/test_input.c
tests_unit_%C%_test_input_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_killed_SOURCES = \
	tests/unit/%D%/test_killed.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_killed_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_leg2_SOURCES = \
	tests/unit/%D%/test_leg2.c \
	tests/unit/%D%/client2.c \
	tests/unit/%D%/client2.h \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_leg2_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_limits_SOURCES = \
	tests/unit/%D%/test_limits.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_limits_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_pollution_SOURCES = \
	tests/unit/%D%/test_pollution.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_pollution_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_preflight_SOURCES = \
	tests/unit/%D%/test_preflight.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_preflight_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_rate_SOURCES = \
	tests/unit/%D%/test_rate.c
tests_unit_%C%_test_rate_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_rehearse_SOURCES = \
	tests/unit/%D%/test_rehearse.c
tests_unit_%C%_test_rehearse_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_report_SOURCES = \
	tests/unit/%D%/test_report.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_report_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_route_SOURCES = \
	tests/unit/%D%/test_route.c
tests_unit_%C%_test_route_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_signature_SOURCES = \
	tests/unit/%D%/test_signature.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_signature_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_siblings_SOURCES = \
	tests/unit/%D%/test_siblings.c \
	tests/unit/check.h
tests_unit_%C%_test_siblings_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_slot_SOURCES = \
	tests/unit/%D%/test_slot.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_slot_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_snapshot_SOURCES = \
	tests/unit/%D%/test_snapshot.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_snapshot_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_sources_SOURCES = \
	tests/unit/%D%/test_sources.c \
	tests/unit/%D%/mint.c \
	tests/unit/%D%/mint.h \
	tests/unit/%D%/idp.c \
	tests/unit/%D%/idp.h
tests_unit_%C%_test_sources_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_target_SOURCES = \
	tests/unit/%D%/test_target.c
tests_unit_%C%_test_target_LDADD = $(SP_GATEWAY) $(LDADD)

tests_unit_%C%_test_token_SOURCES = \
	tests/unit/%D%/test_token.c \
	tests/unit/%D%/mint.c \
	tests/unit/%D%/mint.h
tests_unit_%C%_test_token_LDADD = $(SP_GATEWAY) $(LDADD)

noinst_PROGRAMS += tests/gateway/read_tool
tests_gateway_read_tool_SOURCES = tests/gateway/read_tool.c
tests_gateway_read_tool_LDADD = $(SP_GATEWAY) $(SP_LIBS) $(SP_EXT)

tests_unit_%C%_test_watch_siblings_SOURCES = \
	tests/unit/%D%/test_watch_siblings.c \
	tests/unit/%D%/rig.c \
	tests/unit/%D%/rig.h \
	tests/unit/check.h
tests_unit_%C%_test_watch_siblings_LDADD = $(SP_GATEWAY) $(LDADD)
