/* What an operator sets for the walls around one plugin. config/ fills it; cage.h makes of it what
 * a process can enter. */
#ifndef PLUGD_TRUST_SANDBOX_OPTS_H
#define PLUGD_TRUST_SANDBOX_OPTS_H

#include <stdbool.h>
#include <stdint.h>

enum sandbox_profile { SANDBOX_NONE, SANDBOX_STANDARD, SANDBOX_STRICT };

enum sandbox_network { SANDBOX_NETWORK_PROFILE, SANDBOX_NETWORK_NONE, SANDBOX_NETWORK_HOST };

enum sandbox_violation { SANDBOX_DENY, SANDBOX_KILL };

/* Zeroed: no wall at all. Lists are NULL-terminated and may be NULL; a number of 0 is no limit. */
struct sandbox_opts {
	enum sandbox_profile profile;
	bool required; /* a wall that can't be put up is a failed start */
	char **read;   /* absolute paths, files or directories; for strict only */
	char **write;  /* reading too */
	char **execute;
	enum sandbox_network network;
	char **connect;			     /* TCP ports, as text */
	char **bind;			     /* TCP ports, as text */
	char **allow_calls;		     /* beside those of the profile */
	enum sandbox_violation on_violation; /* of a call that the profile doesn't allow */
	uint64_t memory_bytes;		     /* of data: heap, private writable mappings */
	uint64_t address_space_bytes;
	unsigned files;
	unsigned processes; /* threads count; of the user (see `user`) */
	int64_t cpu_time_ms;
	uint64_t file_size_bytes;
	uint64_t temporary_bytes;    /* of the private /tmp */
	uint64_t group_memory_bytes; /* of its control group, as the next two */
	unsigned group_cpu_percent;  /* of one CPU */
	unsigned group_processes;
	char *user;  /* name or number; "own"; "host"; NULL: the profile's */
	char *group; /* name or number; NULL: the user's */
};

#endif
