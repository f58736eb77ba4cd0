/* Sorted and not compared each with each: a map may have a hundred thousand keys. */
#include "config/duplicates.h"

#include <stdlib.h>

#include "base/mem.h"
#include "config/quote.h"
#include "observe/errors.h"

static int compare(const void *a, const void *b)
{
	const struct yaml_node *left = *(const struct yaml_node *const *)a;
	const struct yaml_node *right = *(const struct yaml_node *const *)b;
	int order = str_compare(left->text, right->text);

	return order != 0 ? order : (left->start > right->start) - (left->start < right->start);
}

size_t duplicates_report(const struct yaml_node *map, struct place place,
			 struct config_errors *errors)
{
	const struct yaml_node **keys = mem_array(map->count + 1, sizeof(const struct yaml_node *));
	size_t count = 0, found = 0;

	for (const struct yaml_node *key = map->first; key; key = key->next)
		keys[count++] = key;
	qsort(keys, count, sizeof(const struct yaml_node *), compare);
	for (size_t i = 1; i < count; i++) {
		if (!str_eq(keys[i]->text, keys[i - 1]->text))
			continue;
		place.line = keys[i]->line;
		problem_add(errors, place, ERR_CONFIG_DUPLICATE,
			    "%s is here twice, before in line %u; remove one",
			    quote_of(keys[i]->text).text, keys[i - 1]->line);
		found++;
	}
	free(keys);
	return found;
}
