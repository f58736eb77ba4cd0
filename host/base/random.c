/* Random numbers come from the kernel; those who decide with them take them as an argument. */
#include "base/random.h"

#include <sys/random.h>

uint32_t random_u32(void)
{
	uint32_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		return 0;
	return number;
}
