/* `plugctl whitelist reload`: the host reads its whitelist again. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "output.h"
#include "subcommand.h"

static void print_report(const json_t *result)
{
	printf("the whitelist is in force: %" PRId64 " entries, %" PRId64 " revoked, %" PRId64
	       " restored\n",
	       output_number(result, "entries"), output_number(result, "revoked"),
	       output_number(result, "restored"));
}

enum exit_status run_whitelist_reload(const struct plugctl *plugctl, const struct args *args)
{
	return ask_and_show(plugctl, "whitelist_reload", NULL, print_report);
}
