/* What a text of `listen` says. The scheme names what clients speak, the rest is the address, so
 * that other kinds of address and of protocol find their place. listener.c and config/ call it. */
#include "net/endpoint.h"

#include "observe/errors.h"

static const struct {
	struct str text;
	bool is_tls;
} schemes[] = {
	{{"http://", 7}, false},
	{{"https://", 8}, true},
};

int endpoint_parse(struct str text, struct endpoint *out, struct err *err)
{
	*out = (struct endpoint){.where = text};
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = schemes[i].text.len;

		if (!str_starts_with(text, schemes[i].text))
			continue;
		out->is_tls = schemes[i].is_tls;
		out->where = (struct str){text.data + len, text.len - len};
	}
	if (out->where.data == text.data && text.len > 0 && memmem(text.data, text.len, "://", 3))
		return err_set(err, ERR_LISTEN,
			       "\"%.*s\" begins with a scheme that plugd can't serve; write "
			       "https://, http://, or none for http",
			       STR_ARG(text));
	return addr_parse(out->where, &out->addr, err);
}
