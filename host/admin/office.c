/* What the operator's office may look at. */
#include "admin/office.h"

#include <string.h>

struct target *office_find_target(const struct office *office, const char *plugin)
{
	for (size_t i = 0; i < office->target_count; i++) {
		if (strcmp(office->targets[i]->plugin->name, plugin) == 0)
			return office->targets[i];
	}
	return NULL;
}
