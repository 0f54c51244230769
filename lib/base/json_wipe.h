#ifndef SP_BASE_JSON_WIPE_H
#define SP_BASE_JSON_WIPE_H

/*
 * json_wipe: bodies, answers and messages of channels hold secrets, and so does what jansson makes
 * of them: the members, and texts that it grew or dropped on the way.
 */

/* From here on whatever json.h frees is zeroed first. For the whole process; before its first
 * thread. */
void json_wipe_freed(void);

#endif
