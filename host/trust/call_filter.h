/* The system calls that a sandbox allows, as a program for the kernel. libseccomp writes it, from
 * the rows of calls.def. */
#ifndef PLUGD_TRUST_CALL_FILTER_H
#define PLUGD_TRUST_CALL_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "trust/sandbox_opts.h"

struct call_filter_wish {
	enum sandbox_profile profile; /* not SANDBOX_NONE */
	bool with_network;
	bool with_execute;
	char *const *allow; /* names of more calls; NULL-terminated, may be NULL */
};

/* 0 and *program_out (owned, free()) of *count_out instructions, or -errno and *err with
 * ERR_SANDBOX. */
int call_filter_build(const struct call_filter_wish *wish, struct sock_filter **program_out,
		      size_t *count_out, struct err *err);

/* The name of a call on this machine, or "call 999". `out` of `size` bytes; returns it. */
const char *call_filter_name(int number, char *out, size_t size);

/* NULL, or what is wrong with the name of a call, as the end of a sentence about it. */
const char *call_filter_check(struct str name);

/* A call with this number is newer than every row: who makes it expects that it may be missing. */
bool call_filter_is_new(int number);

#endif
