# connector/gateway/inventory: which endpoints an application has. May use base, crypto, gateway
# (match), sketch.
noinst_LIBRARIES += %D%/libinventory.a
%C%_libinventory_a_SOURCES = \
	%D%/classify.c \
	%D%/classify.h \
	%D%/draft.c \
	%D%/endpoint.c \
	%D%/group.c \
	%D%/inventory.h \
	%D%/inventory_internal.h \
	%D%/keep.c \
	%D%/names.c \
	%D%/news.c \
	%D%/pace.c \
	%D%/pace.h \
	%D%/states.c \
	%D%/tree.c

check_PROGRAMS += \
	tests/unit/%D%/test_classify \
	tests/unit/%D%/test_pace \
	tests/unit/%D%/test_inventory
tests_unit_%C%_test_classify_SOURCES = tests/unit/%D%/test_classify.c
tests_unit_%C%_test_classify_LDADD = %D%/libinventory.a $(LDADD)
tests_unit_%C%_test_pace_SOURCES = tests/unit/%D%/test_pace.c
tests_unit_%C%_test_pace_LDADD = %D%/libinventory.a connector/gateway/sketch/libsketch.a $(LDADD)
tests_unit_%C%_test_inventory_SOURCES = tests/unit/%D%/test_inventory.c
tests_unit_%C%_test_inventory_LDADD =  	%D%/libinventory.a connector/gateway/sketch/libsketch.a $(LDADD)

# GW-40: tests/gateway/inventory_github.py feeds it.
noinst_PROGRAMS += tests/gateway/replay_calls
tests_gateway_replay_calls_SOURCES = tests/gateway/replay_calls.c
tests_gateway_replay_calls_LDADD = $(tests_unit_%C%_test_inventory_LDADD)
EXTRA_DIST += tests/gateway/inventory_github.py
