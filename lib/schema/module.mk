# lib/schema: OpenAPI documents and JSON Schema, compiled and checked. Knows no HTTP.
# May use base, os, config.
noinst_LIBRARIES += %D%/libschema.a
%C%_libschema_a_SOURCES = \
	%D%/bodies.c \
	%D%/builder.c \
	%D%/check.c \
	%D%/compile.c \
	%D%/compile.h \
	%D%/ecma.c \
	%D%/ecma.h \
	%D%/format.c \
	%D%/format.h \
	%D%/inside.c \
	%D%/keyword.c \
	%D%/keyword.h \
	%D%/keywords.c \
	%D%/members.c \
	%D%/meta.c \
	%D%/meta.h \
	%D%/multipart.c \
	%D%/multipart.h \
	%D%/number.c \
	%D%/openapi.c \
	%D%/openapi.h \
	%D%/openapi_internal.h \
	%D%/operations.c \
	%D%/parameters.c \
	%D%/parameters.h \
	%D%/parts.c \
	%D%/pattern.c \
	%D%/pattern.h \
	%D%/program.c \
	%D%/program.h \
	%D%/run.c \
	%D%/run.h \
	%D%/run_internal.h \
	%D%/same.c \
	%D%/schema.c \
	%D%/schema.h \
	%D%/scratch.c \
	%D%/scratch.h \
	%D%/shape.c \
	%D%/shape.h \
	%D%/sources.c \
	%D%/sources.h \
	%D%/texts.c \
	%D%/traits.c \
	%D%/traits.h \
	%D%/uri.c \
	%D%/uri.h \
	%D%/value.c \
	%D%/value.h \
	%D%/value_internal.h

check_PROGRAMS += \
	tests/unit/%D%/test_schema \
	tests/unit/%D%/test_value \
	tests/unit/%D%/test_openapi \
	tests/unit/%D%/test_parameters \
	tests/unit/%D%/test_bodies \
	tests/unit/%D%/test_format
tests_unit_%C%_test_format_SOURCES = tests/unit/%D%/test_format.c
tests_unit_%C%_test_schema_SOURCES = tests/unit/%D%/test_schema.c
tests_unit_%C%_test_openapi_SOURCES = \
	tests/unit/%D%/test_openapi.c \
	tests/unit/%D%/documents.c \
	tests/unit/%D%/documents.h
tests_unit_%C%_test_parameters_SOURCES = \
	tests/unit/%D%/test_parameters.c \
	tests/unit/%D%/documents.c \
	tests/unit/%D%/documents.h
tests_unit_%C%_test_bodies_SOURCES = \
	tests/unit/%D%/test_bodies.c \
	tests/unit/%D%/documents.c \
	tests/unit/%D%/documents.h
tests_unit_%C%_test_value_SOURCES = tests/unit/%D%/test_value.c

# What tests/gateway/*.py talk to.
noinst_PROGRAMS += tests/gateway/schema_tool
tests_gateway_schema_tool_SOURCES = tests/gateway/schema_tool.c
tests_gateway_schema_tool_LDADD = $(SP_LIBS) $(SP_EXT)
