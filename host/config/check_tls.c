/* What can only be said of several settings of addresses and TLS together. Part of check.c. */
#include "config/check.h"

#include "net/endpoint.h"
#include "observe/errors.h"

static struct place place_of(const struct filling *filling, enum setting_id setting, char *name)
{
	return (struct place){filling->file, filling->single.lines[setting],
			      setting_path(&settings[setting], name)};
}

static bool has_proxies(char *const *proxies)
{
	return proxies && proxies[0];
}

static bool is_within(const struct endpoint *one, const struct endpoint *all)
{
	return one->kind == ENDPOINT_ADDRESS && all->kind == ENDPOINT_ADDRESS && all->addr.is_any &&
	       !one->addr.is_any && addr_port(&one->addr) != 0 &&
	       addr_port(&one->addr) == addr_port(&all->addr);
}

/* An address is one, whatever is spoken there. */
static void check_pair(struct filling *filling, const char *text, const char *before)
{
	struct endpoint one, other;
	char name[SETTING_NAME];
	struct place place = place_of(filling, SETTING_TOP_LISTEN, name);

	endpoint_parse(str_from(text), &one, NULL);
	endpoint_parse(str_from(before), &other, NULL);
	if (str_eq(one.where, other.where))
		problem_add(filling->errors, place, ERR_CONFIG_DUPLICATE,
			    "%s and %s are the same address; choose another for one of them",
			    before, text);
	else if (is_within(&one, &other) || is_within(&other, &one))
		problem_add(filling->errors, place, ERR_CONFIG_DUPLICATE,
			    "%s has that port of every address, that of %s too; leave one of them "
			    "out",
			    other.addr.is_any ? before : text, other.addr.is_any ? text : before);
}

static void check_addresses(struct filling *filling)
{
	char **listen = filling->config->net.listen;
	char name[SETTING_NAME];
	struct endpoint one;

	for (size_t i = 0; listen && listen[i]; i++) {
		endpoint_parse(str_from(listen[i]), &one, NULL);
		if (one.is_tls && filling->config->net.tls.certificate_count == 0 &&
		    !element_has_refused(&filling->single, SETTING_CERTIFICATES_CERTIFICATE))
			problem_add(filling->errors, place_of(filling, SETTING_TOP_LISTEN, name),
				    ERR_CONFIG_MISSING,
				    "%s needs a certificate; add tls.certificates", listen[i]);
		if (one.is_proxied && !has_proxies(filling->config->net.trusted_proxies) &&
		    !element_has_refused(&filling->single, SETTING_TOP_TRUSTED_PROXIES))
			problem_add(filling->errors, place_of(filling, SETTING_TOP_LISTEN, name),
				    ERR_CONFIG_MISSING,
				    "%s takes connections from trusted proxies only, and there are "
				    "none; add trusted_proxies",
				    listen[i]);
		for (size_t j = 0; j < i; j++)
			check_pair(filling, listen[i], listen[j]);
	}
}

/* What nobody would look at. */
static void check_needless(struct filling *filling, enum setting_id setting, const char *value)
{
	char name[SETTING_NAME];

	if (value)
		problem_add(filling->errors, place_of(filling, setting, name), ERR_CONFIG_CONFLICT,
			    "is for clients with certificates, which are not asked for any; write "
			    "tls.client_certificates: optional or required, or leave it out");
}

static void check_clients(struct filling *filling)
{
	const struct tls_opts *tls = &filling->config->net.tls;
	char name[SETTING_NAME];

	if (element_has_refused(&filling->single, SETTING_TLS_CLIENT_CERTIFICATES))
		return;
	if (tls->client_mode == TLS_CLIENT_NONE) {
		check_needless(filling, SETTING_TLS_CLIENT_CA, tls->client_ca);
		check_needless(filling, SETTING_TLS_CLIENT_CRL, tls->client_crl);
	} else if (!tls->client_ca && filling->single.lines[SETTING_TLS_CLIENT_CA] == 0) {
		problem_add(filling->errors,
			    place_of(filling, SETTING_TLS_CLIENT_CERTIFICATES, name),
			    ERR_CONFIG_CONFLICT,
			    "needs tls.client_ca, or no certificate of a client could be verified");
	}
}

void check_tls(struct filling *filling)
{
	check_addresses(filling);
	check_clients(filling);
}
