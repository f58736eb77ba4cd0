/* whoami: tells a client who plugd says that it is. It shows where a plugin finds the caller's
 * subject, tenant, roles, scopes and claims; no header is asked, because no header is to be
 * believed. It keeps nothing. */
#include <plug.h>
#include <stdio.h>

#define LIST_BYTES 512

typedef const char *item_at(struct plug_call *call, size_t index);

/* "a, b"; "-" for none. What doesn't fit is left out. */
static void list_items(struct plug_call *call, item_at *item, char text[LIST_BYTES])
{
	size_t used = 0;
	const char *name;

	snprintf(text, LIST_BYTES, "-");
	for (size_t i = 0; (name = item(call, i)) && used < LIST_BYTES; i++)
		used += (size_t)snprintf(text + used, LIST_BYTES - used, "%s%s", i ? ", " : "",
					 name);
}

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

static struct plug_answer whoami(struct plug_call *call)
{
	char roles[LIST_BYTES];
	char scopes[LIST_BYTES];

	list_items(call, plug_caller_role, roles);
	list_items(call, plug_caller_scope, scopes);
	return plug_http_text(call, 200,
			      "who:    %s\n"
			      "by:     %s\n"
			      "tenant: %s\n"
			      "roles:  %s\n"
			      "scopes: %s\n"
			      "claims: %s\n",
			      or_dash(plug_principal(call)), or_dash(plug_caller_method(call)),
			      or_dash(plug_tenant(call)), roles, scopes,
			      or_dash(plug_caller_claims(call)));
}

static const struct plug_http_route routes[] = {
	{.method = "GET", .pattern = "/*rest", .handler = whoami},
};

static const struct plug_plugin plugin = {
	.name = "whoami",
	.version = "1.0.0",
	PLUG_ROUTES(routes),
};

int main(void)
{
	return plug_serve(&plugin);
}
