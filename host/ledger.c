/* How many generations each plugin name has had. One small row a name, kept for the host's life. */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct ledger_row {
	char *plugin;
	uint32_t last;
	struct ledger_row *next;
};

uint32_t ledger_next(struct ledger *ledger, const char *plugin)
{
	struct ledger_row *row = ledger->rows;

	while (row && strcmp(row->plugin, plugin) != 0)
		row = row->next;
	if (!row) {
		row = mem_new(struct ledger_row);
		*row = (struct ledger_row){mem_strdup(plugin), 0, ledger->rows};
		ledger->rows = row;
	}
	return ++row->last;
}

void ledger_deinit(struct ledger *ledger)
{
	while (ledger->rows) {
		struct ledger_row *row = ledger->rows;

		ledger->rows = row->next;
		free(row->plugin);
		free(row);
	}
}
