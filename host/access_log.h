/* The file that requests are logged to, if it is another than the log's. Part of the composition
 * root. */
#ifndef PLUGD_ACCESS_LOG_H
#define PLUGD_ACCESS_LOG_H

#include "base/err.h"
#include "base/loop.h"
#include "config/config.h"
#include "observe/log.h"

struct access_log;

/* Without a file so far. Borrows both. Returns owned. */
struct access_log *access_log_new(struct loop *loop, struct log *log);
void access_log_free(struct access_log *access); /* writes what is left; NULL is fine */

/* Opens the file of this configuration, if it has one: appends to it, or makes it with mode 0640.
 * 0, or -errno with *err (ERR_ACCESS_LOG), and then nothing has changed. */
int access_log_prepare(struct access_log *access, const struct config *config, struct err *err);

/* What that would say, but makes no file: whether one could be made. */
int access_log_check(const struct config *config, struct err *err);

/* After that: from now on lines go there; or it is given up, if there is one. */
void access_log_commit(struct access_log *access);
void access_log_drop(struct access_log *access);

/* The same files anew, that which is prepared too, because what they were may have other names by
 * now. When one can't be opened, the log tells, and lines still go where they went. */
void access_log_reopen(struct access_log *access);

/* Where lines go; NULL: there is no file. Valid until the next commit or reopening. */
struct log *access_log_file(const struct access_log *access);

/* Lines that were lost, ever. */
uint64_t access_log_lost(const struct access_log *access);

#endif
