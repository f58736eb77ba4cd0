/* plugctl: the operator's and the author's tool.
 *
 * Reads the global options, finds the subcommand's row, holds the arguments against it and runs it.
 * All help comes from the rows. Exit status: 0 done, 1 it failed or the answer is no, 2 the command
 * line is wrong. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin_opts.h"
#include "base/mem.h"
#include "base/str.h"
#include "output.h"
#include "subcommand.h"

#define SOCKET_VARIABLE "PLUGD_ADMIN_SOCKET"

static const struct arg_option global_options[] = {
	{"socket", 's', "PATH",
	 "the host's admin socket [" SOCKET_VARIABLE ", or " ADMIN_DEFAULT_SOCKET "]"},
	{"output", 'o', "FORMAT", "how answers are written: text or json [text]"},
	{"help", 'h', NULL, "this help, or that of a command"},
	{NULL},
};

static enum exit_status run_help(const struct plugctl *plugctl, const struct args *args);
static enum exit_status run_version(const struct plugctl *plugctl, const struct args *args);

static const struct subcommand subcommands[] = {
	{.name = "status", .arguments = "", .help = "how the host is doing", .run = run_status},
	{.name = "plugins",
	 .arguments = "[<plugin>]",
	 .help = "the configured plugins and what they provide",
	 .max_operands = 1,
	 .run = run_plugins},
	{.name = "instances",
	 .arguments = "[<plugin>]",
	 .help = "the plugins' processes",
	 .max_operands = 1,
	 .run = run_instances},
	{.name = "routes",
	 .arguments = "",
	 .help = "which requests go where",
	 .more = "With --match: which route a request takes, and why each other route whose path "
		 "fits\ndoes not. A path alone is asked for by http and GET.\n",
	 .options = routes_options,
	 .run = run_routes},
	{.name = "restart",
	 .arguments = "<plugin>",
	 .help = "starts what is down of a plugin",
	 .more = "Instances that were given up, ended, or wait for their next start get a fresh "
		 "count of\nrestarts and a start now. Those that run are left alone.\n",
	 .min_operands = 1,
	 .max_operands = 1,
	 .run = run_restart},
	{.name = "call",
	 .arguments = "<service>/<method> [-]",
	 .help = "calls a method of a plugin and prints its answer",
	 .more = "The payload is --data, --file, or standard input when it is a pipe or a file, "
		 "or\n"
		 "is asked for with -. For a method whose codec is msgpack it is JSON text, and "
		 "the\n"
		 "answer is printed as JSON, one line a message. With every other codec the bytes\n"
		 "go and come as they are, and so they do with --raw.\n",
	 .min_operands = 1,
	 .max_operands = 2,
	 .options = call_options,
	 .run = run_call},
	{.name = "swap",
	 .arguments = "<plugin>",
	 .help = "replaces a running plugin by a new generation of it, without a gap",
	 .more = "The new generation is verified against the whitelist as it is on disk now, "
		 "started\n"
		 "beside the old one, and takes over when all its instances are ready; the old "
		 "one\n"
		 "finishes its calls and ends. Whatever goes wrong before that leaves the old one\n"
		 "serving. An interrupt ends plugctl, not the swap; --abort gives that up.\n",
	 .min_operands = 1,
	 .max_operands = 1,
	 .options = swap_options,
	 .run = run_swap},
	{.name = "rollback",
	 .arguments = "<plugin>",
	 .help = "swaps back to the generation that served before",
	 .more = "The very bytes that ran before run again, whatever stands at their path now.\n",
	 .min_operands = 1,
	 .max_operands = 1,
	 .options = rollback_options,
	 .run = run_rollback},
	{.name = "reload",
	 .arguments = "",
	 .help = "takes over what has changed in the configuration, all of it or nothing",
	 .more = "The file is read with the flags and the environment that plugd was started "
		 "with.\n"
		 "What can fail is prepared beside what serves: new generations of plugins must "
		 "be\n"
		 "ready, running plugins must take their new configuration, new addresses must be\n"
		 "open. Then everything is in force at once. Otherwise nothing has changed, and "
		 "the\n"
		 "reason is told. SIGHUP does the same.\n",
	 .options = reload_options,
	 .run = run_reload},
	{.name = "crashes",
	 .arguments = "[<plugin>]",
	 .help = "what is kept of processes that ended as they should not",
	 .max_operands = 1,
	 .options = crashes_options,
	 .run = run_crashes},
	{.name = "explain",
	 .arguments = "<plugin>",
	 .help = "the walls around a plugin: which of them stand, and why others don't",
	 .min_operands = 1,
	 .max_operands = 1,
	 .run = run_explain},
	{.name = "quarantine",
	 .arguments = "[<plugin>]",
	 .help = "requests that are refused because a plugin died of them",
	 .more = "A request that was in flight at two deaths of the plugin, by its own fault, and "
		 "was not\nanswered in between, is refused for a while. A swap or a release lets "
		 "it pass again.\n",
	 .max_operands = 1,
	 .options = quarantine_options,
	 .run = run_quarantine},
	{.name = "check",
	 .arguments = "<executable> [<argument>…]",
	 .help = "runs a plugin alone, without a host, and tells which rules it keeps",
	 .more = "The executable is started as plugd starts it, but without a whitelist. Options\n"
		 "stand before the executable; what follows it is its own. What the plugin writes\n"
		 "to its standard error is shown on standard error.\n",
	 .min_operands = 1,
	 .max_operands = 1000,
	 .in_order = true,
	 .options = check_options,
	 .run = run_check},
	{.name = "whitelist add",
	 .arguments = "<path>…",
	 .help = "pins executables, and the interpreters of scripts, as they are now",
	 .min_operands = 1,
	 .max_operands = 1000,
	 .options = whitelist_add_options,
	 .run = run_whitelist_add},
	{.name = "whitelist verify",
	 .arguments = "",
	 .help = "tells whether every pinned executable is still the same",
	 .options = whitelist_verify_options,
	 .run = run_whitelist_verify},
	{.name = "whitelist remove",
	 .arguments = "<path|name>…",
	 .help = "takes entries out of the whitelist; what people wrote around them stays",
	 .min_operands = 1,
	 .max_operands = 1000,
	 .options = whitelist_remove_options,
	 .run = run_whitelist_remove},
	{.name = "whitelist list",
	 .arguments = "",
	 .help = "what is pinned",
	 .options = whitelist_list_options,
	 .run = run_whitelist_list},
	{.name = "whitelist diff",
	 .arguments = "[<other whitelist>]",
	 .help = "what has changed since it was pinned, or in another whitelist",
	 .more = "Without another list: the pinned files that are missing, changed or refused. "
		 "With "
		 "one: what\nit adds, removes and changes. Exit status 1 when there is a "
		 "difference.\n",
	 .max_operands = 1,
	 .options = whitelist_diff_options,
	 .run = run_whitelist_diff},
	{.name = "whitelist keygen",
	 .arguments = "",
	 .help = "makes a pair of keys for signing the whitelist",
	 .more = "Prints the line for whitelist.public_keys. The private key is written with mode "
		 "0600 and\nwithout a passphrase; keep it off the machine that runs plugd. Nothing "
		 "is overwritten.\n",
	 .options = whitelist_keygen_options,
	 .run = run_whitelist_keygen},
	{.name = "whitelist sign",
	 .arguments = "",
	 .help = "signs the whitelist as it is now, into the file beside it that ends in .sig",
	 .more = "A plugd that knows the public key refuses a list that was changed after this, "
		 "and "
		 "a list\nwith a lower serial than one that it has accepted.\n",
	 .options = whitelist_sign_options,
	 .run = run_whitelist_sign},
	{.name = "whitelist reload",
	 .arguments = "",
	 .help = "has plugd read its whitelist again",
	 .more = "Plugins that run are judged by it: one whose executable may not run any more is\n"
		 "dealt with as whitelist.on_revoke says, one that may again is started. A file\n"
		 "that is not well-formed changes nothing.",
	 .run = run_whitelist_reload},
	{.name = "token key",
	 .arguments = "<subject>",
	 .help = "makes an API key, and its entry for the file of identity.api_keys",
	 .more = "The key is printed once, and kept nowhere: give it to its client. The entry has "
		 "its "
		 "hash;\nput it below `keys:` in the file, then plugctl reload.\n",
	 .min_operands = 1,
	 .max_operands = 1,
	 .options = token_key_options,
	 .run = run_token_key},
	{.name = "token password",
	 .arguments = "<user>",
	 .help = "hashes a password, and makes the user's entry for the file of identity.users",
	 .more = "The password is a line of standard input; at a terminal it is asked for. Put the "
		 "entry\nbelow `users:` in the file, then plugctl reload.\n",
	 .min_operands = 1,
	 .max_operands = 1,
	 .options = token_password_options,
	 .run = run_token_password},
	{.name = "token keypair",
	 .arguments = "",
	 .help = "makes a key that signs JSON Web Tokens, and the set of its public half",
	 .more = "The private key is written as PEM with mode 0600 and without a passphrase, the "
		 "public "
		 "one as a\nJWK Set for identity.jwt.issuers, jwks_file. For HS256, HS384 and "
		 "HS512 "
		 "there is one file,\nthe secret_file. Nothing is overwritten.\n",
	 .options = token_keypair_options,
	 .run = run_token_keypair},
	{.name = "token jwt",
	 .arguments = "",
	 .help = "prints a JSON Web Token that is signed by a key in a file",
	 .more = "iat and exp are set; --claim sets what else it says, or something else instead. "
		 "A value\n"
		 "that is JSON is taken as such: --claim 'roles=[\"admin\"]', --claim level=3.\n",
	 .options = token_jwt_options,
	 .run = run_token_jwt},
	{.name = "audit list",
	 .arguments = "",
	 .help = "what ran, who asked for it and what was refused, as it was recorded",
	 .more = "Reads the file, whether plugd runs or not. A record that was changed is named "
		 "on\n"
		 "standard error, the rest is shown as it stands, and the exit status is 1.\n",
	 .options = audit_list_options,
	 .run = run_audit_list},
	{.name = "audit verify",
	 .arguments = "",
	 .help = "tells whether the audit trail is whole, or the first record that is wrong",
	 .more = "A record that was changed, removed, put in or moved breaks the chain. That all "
		 "of it\n"
		 "was written anew shows only by --key or --head, and that its end is cut off only "
		 "by\n"
		 "--head, with a hash that was kept where the file's owner can't change it.\n",
	 .options = audit_verify_options,
	 .run = run_audit_verify},
	{.name = "audit export",
	 .arguments = "",
	 .help = "the whole audit trail with its hashes, as lines of JSON",
	 .options = audit_export_options,
	 .run = run_audit_export},
	{.name = "audit head",
	 .arguments = "",
	 .help = "the hash of the last record, to be kept elsewhere",
	 .options = audit_head_options,
	 .run = run_audit_head},
	{.name = "config check",
	 .arguments = "<file>",
	 .help = "tells all that is wrong with a configuration",
	 .min_operands = 1,
	 .max_operands = 1,
	 .run = run_config_check},
	{.name = "version", .arguments = "", .help = "the version of plugctl", .run = run_version},
	{.name = "help",
	 .arguments = "[<command>]",
	 .help = "this page, or that of one command",
	 .max_operands = 2,
	 .run = run_help},
};

static const size_t subcommand_count = sizeof(subcommands) / sizeof(subcommands[0]);

enum exit_status usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("plugctl: ", stderr);
	vfprintf(stderr, format, args);
	fputs("; plugctl help tells more.\n", stderr);
	va_end(args);
	return STATUS_USAGE;
}

/* ---- finding a row ---- */

/* How many words of a name's row stand at the front: 0, 1 or 2. */
static int words_matched(const char *name, char **words, int count)
{
	const char *space = strchr(name, ' ');
	size_t len = space ? (size_t)(space - name) : strlen(name);

	if (count < 1 || strlen(words[0]) != len || memcmp(words[0], name, len) != 0)
		return 0;
	if (!space)
		return 1;
	return count > 1 && strcmp(words[1], space + 1) == 0 ? 2 : 0;
}

static const struct subcommand *find(char **words, int count, int *used_out)
{
	for (size_t i = 0; i < subcommand_count; i++) {
		*used_out = words_matched(subcommands[i].name, words, count);
		if (*used_out > 0)
			return &subcommands[i];
	}
	return NULL;
}

static enum exit_status no_such_command(char **words, int count)
{
	char *asked =
		mem_printf("%s%s%s", words[0], count > 1 ? " " : "", count > 1 ? words[1] : "");
	const char *nearest = subcommands[0].name;
	unsigned distance = UINT32_MAX;

	for (size_t i = 0; i < subcommand_count; i++) {
		const char *name = subcommands[i].name;
		const char *text = strchr(name, ' ') ? asked : words[0];
		unsigned d = str_distance(str_from(text), str_from(name));

		if (d < distance) {
			distance = d;
			nearest = name;
		}
	}
	usage_error("no command \"%.60s\"; the nearest is \"%s\"", asked, nearest);
	free(asked);
	return STATUS_USAGE;
}

/* ---- help ---- */

static void print_page(void)
{
	printf("plugctl, the operator's and the author's tool of plugd\n\n"
	       "usage: plugctl [options] <command> [arguments]\n\ncommands\n");
	for (size_t i = 0; i < subcommand_count; i++) {
		const struct subcommand *row = &subcommands[i];

		printf("  %s%s%s\n      %s\n", row->name, row->arguments[0] ? " " : "",
		       row->arguments, row->help);
	}
	printf("\noptions\n");
	args_print_options(global_options, stdout);
	printf("\nexit status\n"
	       "  0  done\n"
	       "  1  it failed, or the answer is no\n"
	       "  2  the command line is wrong\n");
}

static void print_command(const struct subcommand *row)
{
	printf("usage: plugctl %s%s%s%s\n\n%s\n", row->name, row->options ? " [options]" : "",
	       row->arguments[0] ? " " : "", row->arguments, row->help);
	if (row->more)
		printf("\n%s", row->more);
	printf("\noptions\n");
	args_print_options(row->options, stdout);
	args_print_options(global_options, stdout);
}

static enum exit_status run_help(const struct plugctl *plugctl, const struct args *args)
{
	const struct subcommand *row;
	int used;

	if (args->operand_count == 0) {
		print_page();
		return STATUS_OK;
	}
	row = find(args->operands, args->operand_count, &used);
	if (!row)
		return no_such_command(args->operands, args->operand_count);
	print_command(row);
	return STATUS_OK;
}

static enum exit_status run_version(const struct plugctl *plugctl, const struct args *args)
{
	if (plugctl->is_json)
		printf("{\"version\": \"%s\"}\n", PLUGD_VERSION);
	else
		printf("plugctl %s\n", PLUGD_VERSION);
	return STATUS_OK;
}

/* ---- running ---- */

static bool take_globals(const struct args *args, struct plugctl *plugctl)
{
	const char *format = args_value(args, "output");
	const char *socket = args_value(args, "socket");

	if (!socket)
		socket = getenv(SOCKET_VARIABLE);
	plugctl->socket = socket && socket[0] ? socket : ADMIN_DEFAULT_SOCKET;
	plugctl->is_json = format && strcmp(format, "json") == 0;
	return !format || plugctl->is_json || strcmp(format, "text") == 0;
}

static enum exit_status run(const struct subcommand *row, const struct args *args)
{
	struct plugctl plugctl;

	if (args_has(args, "help")) {
		print_command(row);
		return STATUS_OK;
	}
	if (!take_globals(args, &plugctl))
		return usage_error("\"%.60s\" is no output format; write text or json",
				   args_value(args, "output"));
	if (args->operand_count < row->min_operands)
		return usage_error("%s needs %s", row->name, row->arguments);
	if (args->operand_count > row->max_operands)
		return usage_error("%s takes %s", row->name,
				   row->arguments[0] ? row->arguments : "no arguments");
	return row->run(&plugctl, args);
}

/* A write error shows at the end at the latest: a full disk must not look like success. */
static enum exit_status flush_output(enum exit_status status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fputs("plugctl: the output can't be written.\n", stderr);
	return status == STATUS_OK ? STATUS_FAILED : status;
}

int main(int argc, char **argv)
{
	const struct subcommand *row;
	struct args args = {0};
	char **words;
	int used;

	if (!args_parse(&args, argc, argv, NULL, global_options, true))
		return usage_error("%s", args.why);
	if (args.operand_count == 0 && args_has(&args, "help")) {
		print_page();
		return flush_output(STATUS_OK);
	}
	if (args.operand_count == 0)
		return usage_error("which command?");
	words = args.operands;
	row = find(words, args.operand_count, &used);
	if (!row)
		return no_such_command(words, args.operand_count);
	if (!args_parse(&args, args.operand_count - used + 1, words + used - 1, row->options,
			global_options, row->in_order))
		return usage_error("%s", args.why);
	return flush_output(run(row, &args));
}
