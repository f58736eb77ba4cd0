/* Lists as fields have them. Owns nothing, calls nobody, can't fail. */
#include "net/list.h"

struct str list_cut(struct str *list)
{
	const char *comma = memchr(list->data, ',', list->len);
	size_t len = comma ? (size_t)(comma - list->data) : list->len;
	size_t used = len + (comma != NULL);
	struct str member = {list->data, len};

	*list = (struct str){list->data + used, list->len - used};
	return str_trim(member);
}

bool list_next(struct str *list, struct str *member_out)
{
	while (list->len > 0) {
		*member_out = list_cut(list);
		if (member_out->len > 0)
			return true;
	}
	return false;
}

bool list_last(struct str *list, struct str *member_out)
{
	while (list->len > 0) {
		const char *comma = memrchr(list->data, ',', list->len);
		size_t before = comma ? (size_t)(comma - list->data) : 0;
		size_t from = comma ? before + 1 : 0;

		*member_out = str_trim((struct str){list->data + from, list->len - from});
		list->len = before;
		if (member_out->len > 0)
			return true;
	}
	return false;
}

bool list_has(struct str list, struct str word)
{
	struct str member;

	while (list_next(&list, &member)) {
		if (str_eq_nocase(member, word))
			return true;
	}
	return false;
}
