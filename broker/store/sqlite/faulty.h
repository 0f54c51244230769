#ifndef SP_STORE_SQLITE_FAULTY_H
#define SP_STORE_SQLITE_FAULTY_H

/*
 * faulty: in debug builds the files of the database pass through failpoints (lib/base/failpoint.h):
 *
 *   wal:write, db:write  errno: the write fails so
 *   wal:short, db:short  short: only so much is written, then there is no space
 *   store:torn           passed after a short write: "exit" leaves a torn page behind
 *   wal:sync,  db:sync   errno, delay: a failing or slow disk
 *   wal:truncate, db:truncate, db:read
 *
 * Any thread; the first call decides for the process.
 */

#ifdef SP_FAILPOINTS
void faulty_files(void);
#define FAULTY_FILES() faulty_files()
#else
#define FAULTY_FILES() ((void)0)
#endif

#endif
