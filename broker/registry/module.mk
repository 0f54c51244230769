# broker/registry: the objects that an installation knows. May use base, crypto, trust, gateway,
# store, audit.
noinst_LIBRARIES += %D%/libregistry.a
%C%_libregistry_a_SOURCES = \
	%D%/registry.c %D%/registry.h %D%/change.c %D%/change.h %D%/users.c %D%/users.h \
	%D%/devices.c %D%/devices.h %D%/access.c %D%/access.h %D%/apps.c %D%/apps.h %D%/gateways.c %D%/gateways.h %D%/inventory.c %D%/inventory.h %D%/sites.c %D%/edges.c %D%/sites.h \
	%D%/policies.c %D%/policies.h %D%/drafts.c %D%/drafts.h %D%/views.c %D%/views.h

check_PROGRAMS += tests/unit/%D%/test_registry
tests_unit_%C%_test_registry_SOURCES = tests/unit/%D%/test_registry.c
check_PROGRAMS += tests/unit/%D%/test_access
tests_unit_%C%_test_access_SOURCES = tests/unit/%D%/test_access.c
