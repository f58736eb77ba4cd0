/* Any bytes as an executable whose libraries are asked for: told or refused, without a crash. */
#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "trust/elf_needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct elf_needs needs;
	struct err err = {0};

	assert(fd >= 0 && fd_write_all(fd, data, size) == 0);
	if (elf_needs_read(fd, "fuzz", &needs, &err) < 0)
		assert(err.code != 0);
	else
		assert(needs.is_elf || !needs.needed[0]);
	elf_needs_deinit(&needs);
	close(fd);
	return 0;
}
