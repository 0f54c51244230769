# tests/fuzz: one target for each parser of untrusted bytes; seeds in corpus/NAME.
# Two lines a target. A plain build links replay.c, which feeds the corpus once; a build with
# --enable-fuzzing links libFuzzer. scripts/test fuzzes each for some seconds (tests/fuzz/smoke).
#
#   check_PROGRAMS += %D%/fuzz_NAME
#   %C%_fuzz_NAME_SOURCES = %D%/fuzz_NAME.c
check_LIBRARIES = %D%/libreplay.a
%C%_libreplay_a_SOURCES = %D%/replay.c %D%/fuzz.h

check_PROGRAMS += %D%/fuzz_loopback %D%/fuzz_posture %D%/fuzz_ipc
%C%_fuzz_loopback_SOURCES = %D%/fuzz_loopback.c
%C%_fuzz_loopback_LDADD = client/login/liblogin.a $(LDADD)
%C%_fuzz_posture_SOURCES = %D%/fuzz_posture.c
%C%_fuzz_posture_LDADD = client/posture/libclientposture.a $(LDADD)
%C%_fuzz_ipc_SOURCES = %D%/fuzz_ipc.c
%C%_fuzz_ipc_LDADD = client/ipc/libipc.a $(LDADD)
check_PROGRAMS += %D%/fuzz_tree
%C%_fuzz_tree_SOURCES = %D%/fuzz_tree.c
check_PROGRAMS += %D%/fuzz_json
%C%_fuzz_json_SOURCES = %D%/fuzz_json.c
check_PROGRAMS += %D%/fuzz_encode
%C%_fuzz_encode_SOURCES = %D%/fuzz_encode.c
check_PROGRAMS += %D%/fuzz_proxy_answer
%C%_fuzz_proxy_answer_SOURCES = %D%/fuzz_proxy_answer.c
check_PROGRAMS += %D%/fuzz_paseto %D%/fuzz_jwt %D%/fuzz_report %D%/fuzz_claims
%C%_fuzz_paseto_SOURCES = %D%/fuzz_paseto.c
%C%_fuzz_jwt_SOURCES = %D%/fuzz_jwt.c
%C%_fuzz_report_SOURCES = %D%/fuzz_report.c
%C%_fuzz_claims_SOURCES = %D%/fuzz_claims.c
check_PROGRAMS += %D%/fuzz_floor
%C%_fuzz_floor_SOURCES = %D%/fuzz_floor.c
%C%_fuzz_floor_LDADD = connector/libconnector.a $(LDADD)
check_PROGRAMS += %D%/fuzz_slice
%C%_fuzz_slice_SOURCES = %D%/fuzz_slice.c
check_PROGRAMS += %D%/fuzz_discovery
%C%_fuzz_discovery_SOURCES = %D%/fuzz_discovery.c
check_PROGRAMS += %D%/fuzz_url %D%/fuzz_form %D%/fuzz_cookie %D%/fuzz_envelope %D%/fuzz_apireport
%C%_fuzz_url_SOURCES = %D%/fuzz_url.c
%C%_fuzz_form_SOURCES = %D%/fuzz_form.c
%C%_fuzz_cookie_SOURCES = %D%/fuzz_cookie.c
%C%_fuzz_envelope_SOURCES = %D%/fuzz_envelope.c
%C%_fuzz_apireport_SOURCES = %D%/fuzz_apireport.c

check_PROGRAMS += %D%/fuzz_hosthead
%C%_fuzz_hosthead_SOURCES = %D%/fuzz_hosthead.c
%C%_fuzz_hosthead_LDADD = client/agent/libagent.a $(LDADD)

check_PROGRAMS += %D%/fuzz_hello %D%/fuzz_frame %D%/fuzz_upgrade %D%/fuzz_outer %D%/fuzz_streams
%C%_fuzz_hello_SOURCES = %D%/fuzz_hello.c
%C%_fuzz_frame_SOURCES = %D%/fuzz_frame.c
%C%_fuzz_upgrade_SOURCES = %D%/fuzz_upgrade.c
%C%_fuzz_outer_SOURCES = %D%/fuzz_outer.c
%C%_fuzz_streams_SOURCES = %D%/fuzz_streams.c
check_PROGRAMS += %D%/fuzz_settings
%C%_fuzz_settings_SOURCES = %D%/fuzz_settings.c
%C%_fuzz_settings_LDADD = client/settings/libsettings.a $(LDADD)
check_PROGRAMS += %D%/fuzz_declare
%C%_fuzz_declare_SOURCES = %D%/fuzz_declare.c
%C%_fuzz_declare_LDADD = client/admin/libadmin.a $(SP_GATEWAY) client/ipc/libipc.a $(LDADD)
check_PROGRAMS += %D%/fuzz_proxyhead
%C%_fuzz_proxyhead_SOURCES = %D%/fuzz_proxyhead.c
%C%_fuzz_proxyhead_LDADD = client/cmd/libcmd.a $(LDADD)
check_PROGRAMS += %D%/fuzz_gwconf
%C%_fuzz_gwconf_SOURCES = %D%/fuzz_gwconf.c

check_PROGRAMS += %D%/fuzz_http1 %D%/fuzz_target
%C%_fuzz_http1_SOURCES = %D%/fuzz_http1.c
%C%_fuzz_http1_LDADD = connector/gateway/libgw.a $(LDADD)
check_PROGRAMS += %D%/fuzz_http2
%C%_fuzz_http2_SOURCES = %D%/fuzz_http2.c
%C%_fuzz_http2_LDADD = connector/gateway/libgw.a $(LDADD)
%C%_fuzz_target_SOURCES = %D%/fuzz_target.c
%C%_fuzz_target_LDADD = connector/gateway/libgw.a $(LDADD)
check_PROGRAMS += %D%/fuzz_proxied %D%/fuzz_forwarded
%C%_fuzz_proxied_SOURCES = %D%/fuzz_proxied.c
%C%_fuzz_forwarded_SOURCES = %D%/fuzz_forwarded.c
check_PROGRAMS += %D%/fuzz_dpop %D%/fuzz_challenge
%C%_fuzz_dpop_SOURCES = %D%/fuzz_dpop.c
%C%_fuzz_dpop_LDADD = connector/gateway/libgw.a $(LDADD)
%C%_fuzz_challenge_SOURCES = %D%/fuzz_challenge.c
%C%_fuzz_challenge_LDADD = connector/gateway/libgw.a $(LDADD)
check_PROGRAMS += %D%/fuzz_coding
%C%_fuzz_coding_SOURCES = %D%/fuzz_coding.c
%C%_fuzz_coding_LDADD = connector/gateway/libgw.a $(LDADD)

check_PROGRAMS += %D%/fuzz_classify %D%/fuzz_inventory
%C%_fuzz_classify_SOURCES = %D%/fuzz_classify.c
%C%_fuzz_classify_LDADD = connector/gateway/inventory/libinventory.a $(LDADD)
%C%_fuzz_inventory_SOURCES = %D%/fuzz_inventory.c
%C%_fuzz_inventory_LDADD = connector/gateway/inventory/libinventory.a \
	connector/gateway/sketch/libsketch.a $(LDADD)
check_PROGRAMS += %D%/fuzz_input
%C%_fuzz_input_SOURCES = %D%/fuzz_input.c
%C%_fuzz_input_LDADD = connector/gateway/libgw.a $(LDADD)
check_PROGRAMS += %D%/fuzz_detect
%C%_fuzz_detect_SOURCES = %D%/fuzz_detect.c
%C%_fuzz_detect_LDADD = connector/gateway/detect/libdetect.a \
	connector/gateway/inventory/libinventory.a connector/gateway/sketch/libsketch.a $(LDADD)
check_PROGRAMS += %D%/fuzz_usual
%C%_fuzz_usual_SOURCES = %D%/fuzz_usual.c
%C%_fuzz_usual_LDADD = connector/gateway/detect/libdetect.a \
	connector/gateway/inventory/libinventory.a connector/gateway/sketch/libsketch.a $(LDADD)
check_PROGRAMS += %D%/fuzz_siblings
%C%_fuzz_siblings_SOURCES = %D%/fuzz_siblings.c
%C%_fuzz_siblings_LDADD = $(SP_GATEWAY) $(LDADD)
check_PROGRAMS += %D%/fuzz_schema_load %D%/fuzz_schema_run %D%/fuzz_stream
%C%_fuzz_schema_load_SOURCES = %D%/fuzz_schema_load.c
%C%_fuzz_schema_load_LDADD = $(LDADD)
%C%_fuzz_schema_run_SOURCES = %D%/fuzz_schema_run.c
%C%_fuzz_schema_run_LDADD = $(LDADD)
%C%_fuzz_stream_SOURCES = %D%/fuzz_stream.c

check_PROGRAMS += %D%/fuzz_bind %D%/fuzz_row %D%/fuzz_otpauth
%C%_fuzz_bind_SOURCES = %D%/fuzz_bind.c
%C%_fuzz_row_SOURCES = %D%/fuzz_row.c
%C%_fuzz_otpauth_SOURCES = %D%/fuzz_otpauth.c
check_PROGRAMS += %D%/fuzz_segment
%C%_fuzz_segment_SOURCES = %D%/fuzz_segment.c
%C%_fuzz_segment_LDADD = connector/libconnector.a $(SP_GATEWAY) $(LDADD)
check_PROGRAMS += %D%/fuzz_falcon %D%/fuzz_intune
%C%_fuzz_falcon_SOURCES = %D%/fuzz_falcon.c
%C%_fuzz_intune_SOURCES = %D%/fuzz_intune.c
