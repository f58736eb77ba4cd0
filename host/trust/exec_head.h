/* What the first bytes of an executable say: a script and its interpreter, or an ELF program, its
 * machine and its loader. Pure. */
#ifndef PLUGD_TRUST_EXEC_HEAD_H
#define PLUGD_TRUST_EXEC_HEAD_H

#include <stdbool.h>

#include "base/str.h"

#define EXEC_HEAD_BYTES 4096 /* as much as is looked at */

struct exec_script {
	struct str interpreter; /* absolute; valid as long as the head */
	struct str argument;	/* all the rest of the line, as the kernel does; empty: none */
};

/* Reads the #! line. False when the head has none. True with *wrong_out NULL and *out, or with what
 * is wrong with the line, as a sentence without a full stop. */
bool exec_head_script(struct str head, struct exec_script *out, const char **wrong_out);

bool exec_head_is_elf(struct str head);

/* The machine that an ELF program is for, as uname -m calls it; NULL for one that isn't known
 * here. */
const char *exec_head_machine(struct str head);

/* The dynamic loader that an ELF program of this machine's kind wants. Empty when it wants none, or
 * names it beyond the head. */
struct str exec_head_loader(struct str head);

#endif
