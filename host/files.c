/* What --check looks at beyond the configuration itself. Each room checks its own files with the
 * functions that its start uses, and tells the first that it can't use. Owns nothing. */
#include "files.h"

#include <errno.h>

#include "access_log.h"
#include "edge/edge.h"
#include "identity/book.h"
#include "net/listener.h"
#include "trust/whitelist_signed.h"

static int check_certificates(const struct config *config, struct err *err)
{
	return listener_check_files(&config->net, err);
}

static int check_book(const struct config *config, struct err *err)
{
	return book_check_files(&config->edge.identity, err);
}

static int check_directories(const struct config *config, struct err *err)
{
	return edge_check_files(&config->edge, err);
}

/* Serials are not looked at: whoever does remembers them. */
static int check_whitelist(const struct config *config, struct err *err)
{
	struct whitelist_problems problems = {NULL, 0, 0};
	struct trust_opts opts = config->trust;
	struct whitelist *whitelist = NULL;
	struct whitelist_seal seal;
	int r = 0;

	opts.serial_file = NULL;
	if (opts.whitelist_file)
		r = whitelist_load_signed(&opts, &whitelist, &seal, &problems);
	if (r < 0)
		whitelist_problems_sum(&problems, err);
	whitelist_free(whitelist);
	whitelist_problems_deinit(&problems);
	return r;
}

static int (*const checks[])(const struct config *config, struct err *err) = {
	check_certificates, check_book, check_directories, access_log_check, check_whitelist};

int files_check(const struct config *config, FILE *out)
{
	struct err err;
	int r = 0;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (checks[i](config, &err) == 0)
			continue;
		if (!config_place_err(config, &err))
			err_prefix(&err, "%s", config->file);
		fprintf(out, "%s [%d]\n", err.text, err.code);
		r = -EINVAL;
	}
	return r;
}
