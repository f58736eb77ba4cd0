/* What plugctl can do, one row each, and what all of it shares. */
#ifndef PLUGCTL_SUBCOMMAND_H
#define PLUGCTL_SUBCOMMAND_H

#include <jansson.h>
#include <stdbool.h>

#include "args.h"

enum exit_status { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

struct plugctl {
	const char *socket;
	bool is_json; /* --output json */
};

struct subcommand {
	const char *name;      /* one word, or two: "whitelist add" */
	const char *arguments; /* for the help: "<service>/<method> [-]" */
	const char *help;      /* one line */
	const char *more;      /* paragraphs for its own help; NULL: none */
	int min_operands;
	int max_operands;
	bool in_order; /* what follows the first operand is not plugctl's */
	const struct arg_option *options;
	enum exit_status (*run)(const struct plugctl *plugctl, const struct args *args);
};

/* Says what is wrong with the arguments, and where to read more. */
enum exit_status usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- show.c ---- */
enum exit_status run_status(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_plugins(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_instances(const struct plugctl *plugctl, const struct args *args);
void show_methods(const json_t *plugins); /* a table of what the services of each provide */
enum exit_status run_routes(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_restart(const struct plugctl *plugctl, const struct args *args);

/* ---- call.c ---- */
extern const struct arg_option call_options[];
enum exit_status run_call(const struct plugctl *plugctl, const struct args *args);

/* ---- swap.c ---- */
extern const struct arg_option swap_options[];
extern const struct arg_option rollback_options[];
enum exit_status run_swap(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_rollback(const struct plugctl *plugctl, const struct args *args);

/* ---- reload.c ---- */
extern const struct arg_option reload_options[];
enum exit_status run_reload(const struct plugctl *plugctl, const struct args *args);

/* ---- crashes.c ---- */
extern const struct arg_option crashes_options[];
enum exit_status run_crashes(const struct plugctl *plugctl, const struct args *args);

/* ---- explain.c ---- */
enum exit_status run_explain(const struct plugctl *plugctl, const struct args *args);

/* ---- quarantine.c ---- */
extern const struct arg_option quarantine_options[];
extern const struct arg_option routes_options[];
enum exit_status run_quarantine(const struct plugctl *plugctl, const struct args *args);

/* ---- check.c ---- */
extern const struct arg_option check_options[];
enum exit_status run_check(const struct plugctl *plugctl, const struct args *args);

/* ---- whitelist.c ---- */
extern const struct arg_option whitelist_add_options[];
extern const struct arg_option whitelist_verify_options[];
enum exit_status run_whitelist_add(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_whitelist_verify(const struct plugctl *plugctl, const struct args *args);

/* ---- whitelist_reload.c ---- */
enum exit_status run_whitelist_reload(const struct plugctl *plugctl, const struct args *args);

/* ---- whitelist_show.c ---- */
extern const struct arg_option whitelist_list_options[];
extern const struct arg_option whitelist_remove_options[];
extern const struct arg_option whitelist_diff_options[];
enum exit_status run_whitelist_list(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_whitelist_remove(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_whitelist_diff(const struct plugctl *plugctl, const struct args *args);

/* ---- sign.c ---- */
extern const struct arg_option whitelist_keygen_options[];
extern const struct arg_option whitelist_sign_options[];
enum exit_status run_whitelist_keygen(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_whitelist_sign(const struct plugctl *plugctl, const struct args *args);

/* ---- token.c ---- */
extern const struct arg_option token_key_options[];
extern const struct arg_option token_password_options[];
enum exit_status run_token_key(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_token_password(const struct plugctl *plugctl, const struct args *args);

/* ---- token_jwt.c ---- */
extern const struct arg_option token_keypair_options[];
extern const struct arg_option token_jwt_options[];
enum exit_status run_token_keypair(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_token_jwt(const struct plugctl *plugctl, const struct args *args);

/* ---- auditing.c ---- */
extern const struct arg_option audit_list_options[];
extern const struct arg_option audit_verify_options[];
extern const struct arg_option audit_export_options[];
extern const struct arg_option audit_head_options[];
enum exit_status run_audit_list(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_audit_verify(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_audit_export(const struct plugctl *plugctl, const struct args *args);
enum exit_status run_audit_head(const struct plugctl *plugctl, const struct args *args);

/* ---- config.c ---- */
enum exit_status run_config_check(const struct plugctl *plugctl, const struct args *args);

#endif
