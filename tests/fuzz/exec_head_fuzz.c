/* Any bytes as the head of an executable: what is said about them lies inside them. */
#include <assert.h>
#include <stdint.h>

#include "trust/exec_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct str head, struct str part)
{
	assert(part.len == 0 ||
	       (part.data >= head.data && part.data + part.len <= head.data + head.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str head = {(const char *)data, size};
	struct exec_script script;
	const char *wrong = NULL;

	if (exec_head_script(head, &script, &wrong)) {
		check_inside(head, script.interpreter);
		check_inside(head, script.argument);
		assert(wrong || script.interpreter.data[0] == '/');
	}
	check_inside(head, exec_head_loader(head));
	assert(!exec_head_machine(head) || exec_head_is_elf(head));
	return 0;
}
