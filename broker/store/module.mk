# broker/store: durable state; SQL ends here. May use base, os, crypto.
noinst_LIBRARIES += %D%/libstore.a
%C%_libstore_a_SOURCES = \
	%D%/store.h %D%/sqlite/faulty.h %D%/rows.h %D%/store.c %D%/store_internal.h %D%/engine.h %D%/sqlite/engine.c \
	%D%/lane.c %D%/migrate.c %D%/backup.c %D%/changes.c %D%/changes.h \
	%D%/sql_people.c %D%/sql_lists.c %D%/sql_postings.c %D%/sql_objects.c %D%/sql_registry.h %D%/sql_once.c %D%/sql_logins.c \
	%D%/sql_audit.c %D%/sql_changes.c %D%/sql_presence.c %D%/sql_access.c %D%/sql_incidents.c %D%/sql_documents.c %D%/sql_drafts.c %D%/sql_inventory.c %D%/sql_gateway.c %D%/sql_spool.c %D%/sql_feeds.c %D%/sealed.c %D%/sealed.h
if FAILPOINTS
%C%_libstore_a_SOURCES += %D%/sqlite/faulty.c
endif

# The schema's text as a C string: one file for all engines.
EXTRA_DIST += %D%/0001-first.sql %D%/0002-access.sql %D%/0003-incident.sql %D%/0004-inventory.sql %D%/0005-lists.sql %D%/0006-draft.sql %D%/0007-document.sql %D%/0008-part.sql %D%/0009-spool.sql %D%/0010-feed.sql

CLEANFILES += %D%/0001-first.sql.h %D%/0002-access.sql.h %D%/0003-incident.sql.h %D%/0004-inventory.sql.h %D%/0005-lists.sql.h %D%/0006-draft.sql.h %D%/0007-document.sql.h %D%/0008-part.sql.h %D%/0009-spool.sql.h %D%/0010-feed.sql.h
%D%/0001-first.sql.h: %D%/0001-first.sql
%D%/0002-access.sql.h: %D%/0002-access.sql
%D%/0003-incident.sql.h: %D%/0003-incident.sql
%D%/0004-inventory.sql.h: %D%/0004-inventory.sql
%D%/0005-lists.sql.h: %D%/0005-lists.sql
%D%/0006-draft.sql.h: %D%/0006-draft.sql
%D%/0007-document.sql.h: %D%/0007-document.sql
%D%/0008-part.sql.h: %D%/0008-part.sql
%D%/0009-spool.sql.h: %D%/0009-spool.sql
%D%/0010-feed.sql.h: %D%/0010-feed.sql
%D%/0001-first.sql.h %D%/0002-access.sql.h %D%/0003-incident.sql.h %D%/0004-inventory.sql.h %D%/0005-lists.sql.h %D%/0006-draft.sql.h %D%/0007-document.sql.h %D%/0008-part.sql.h %D%/0009-spool.sql.h %D%/0010-feed.sql.h:
	$(AM_V_GEN)mkdir -p %D% && (echo "static const char schema_`basename $@ .sql.h | tr - _`[] ="; \
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$$/\\n"/' $(srcdir)/$(@:.h=); echo '    ;') > $@.tmp && mv $@.tmp $@
%D%/migrate.$(OBJEXT): %D%/0001-first.sql.h %D%/0002-access.sql.h %D%/0003-incident.sql.h %D%/0004-inventory.sql.h %D%/0005-lists.sql.h %D%/0006-draft.sql.h %D%/0007-document.sql.h %D%/0008-part.sql.h %D%/0009-spool.sql.h %D%/0010-feed.sql.h

check_PROGRAMS += tests/unit/%D%/test_store tests/unit/%D%/test_once tests/unit/%D%/test_crash tests/unit/%D%/test_lists
tests_unit_%C%_test_lists_SOURCES = tests/unit/%D%/test_lists.c
tests_unit_%C%_test_store_SOURCES = tests/unit/%D%/test_store.c
tests_unit_%C%_test_once_SOURCES = tests/unit/%D%/test_once.c
tests_unit_%C%_test_crash_SOURCES = tests/unit/%D%/test_crash.c
check_PROGRAMS += tests/unit/%D%/test_inventory
tests_unit_%C%_test_inventory_SOURCES = tests/unit/%D%/test_inventory.c
check_PROGRAMS += tests/unit/%D%/test_spool
tests_unit_%C%_test_spool_SOURCES = tests/unit/%D%/test_spool.c
