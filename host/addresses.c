/* Makes the list anew whenever the listener has changed. Owns nothing: host.c keeps the list, and
 * the office shows it. */
#include "addresses.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

char *address_real(const char *configured, unsigned port)
{
	const char *colon = strrchr(configured, ':');

	if (!colon || port == 0)
		return mem_strdup(configured);
	return mem_printf("%.*s:%u", (int)(colon - configured), configured, port);
}

static bool has_address(const char *const *addresses, const char *address)
{
	while (addresses && *addresses && strcmp(*addresses, address) != 0)
		addresses++;
	return addresses && *addresses;
}

static void log_others(struct log *log, const char *const *all, const char *const *but,
		       const char *event, const char *text)
{
	for (; all && *all; all++) {
		if (!has_address(but, *all))
			log_event(log, LOG_INFO, event, text, LOG_STR("addr", *all));
	}
}

void addresses_free(const char **addresses)
{
	for (size_t i = 0; addresses && addresses[i]; i++)
		free((char *)addresses[i]);
	free(addresses);
}

const char **addresses_renew(const char **before, char *const *listen,
			     const struct listener *listener, struct log *log)
{
	const char **now;
	size_t count = 0;

	while (listen[count])
		count++;
	now = mem_array(count + 1, sizeof(char *));
	for (size_t i = 0; i < count; i++)
		now[i] = address_real(listen[i], listener_port(listener, i));
	log_others(log, now, before, "listener.ready", "accepts clients");
	log_others(log, before, now, "listener.closed", "accepts nobody any more");
	addresses_free(before);
	return now;
}
