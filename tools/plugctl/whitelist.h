/* What the commands on the whitelist's file share. */
#ifndef PLUGCTL_WHITELIST_H
#define PLUGCTL_WHITELIST_H

#include "args.h"
#include "trust/whitelist.h"

#define WHITELIST_DEFAULT_FILE	"/etc/plugd/whitelist.yaml"
#define WHITELIST_FILE_VARIABLE "PLUGD_WHITELIST_FILE"
#define WHITELIST_FILE_OPTION                                                                      \
	{                                                                                          \
		"file", 'f', "FILE",                                                               \
			"the whitelist [" WHITELIST_FILE_VARIABLE ", or " WHITELIST_DEFAULT_FILE   \
			"]"                                                                        \
	}

const char *whitelist_file_of(const struct args *args);

/* Loads it, or tells all that is wrong and returns NULL. Returns owned. */
struct whitelist *whitelist_load_or_tell(const char *file);

/* After an edit: a signature that is there fits no more. Says so on standard error. */
void whitelist_note_signature(const char *file);

#endif
