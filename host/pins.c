/* The whitelist that is on disk now. */
#include "pins.h"

#include "trust/whitelist_file.h"

int pins_load(struct log *log, const char *file, struct whitelist **out, struct err *err)
{
	struct whitelist_problems problems = {NULL, 0, 0};
	int r;

	*out = NULL;
	if (!file)
		return 0;
	r = whitelist_load(file, out, &problems);
	for (size_t i = 0; i < problems.count; i++) {
		*err = problems.rows[i].err;
		log_event(log, LOG_ERROR, "whitelist.problem", err->text,
			  LOG_INT("code", err->code));
	}
	whitelist_problems_deinit(&problems);
	return r;
}
