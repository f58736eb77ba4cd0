/* Events of the host as records of the audit trail. Keeps nothing and decides nothing: what becomes
 * of a record that can't be written is trust/audit's to say. Values of settings are not told, only
 * which of them change: they may be secrets. */
#include "records.h"

#include <unistd.h>

#include "base/member.h"

/* A reload may change thousands of settings; the log has them all. */
#define CHANGES_TOLD 50

/* Takes details. */
static int put(struct audit *audit, enum audit_event event, const char *subject, json_t *details,
	       struct err *err)
{
	return audit_record(audit, &(struct audit_note){event, subject, NULL, details}, err);
}

static void put_why(json_t *details, const struct err *why)
{
	member_int(details, "code", why->code);
	member_text(details, "why", why->text);
}

/* ---- the host ---- */

int records_host_start(struct audit *audit, const char *version, const char *config_file,
		       struct err *err)
{
	json_t *details = json_object();

	member_text(details, "version", version);
	member_int(details, "pid", getpid());
	member_int(details, "uid", geteuid());
	member_text(details, "config", config_file);
	return put(audit, AUDIT_HOST_START, NULL, details, err);
}

void records_rights(struct audit *audit, const struct rights *rights)
{
	json_t *details;

	if (!rights->has_dropped)
		return;
	details = json_object();
	member_int(details, "uid", geteuid());
	member_int(details, "gid", getegid());
	member_int(details, "groups", (int64_t)rights->duty.host.group_count);
	member_text(details, "spawner", rights_spawner(rights));
	member_bool(details, "no_new_privs", rights_are_final());
	put(audit, AUDIT_PRIVILEGES_DROPPED, NULL, details, NULL);
}

void records_host_stop(struct audit *audit, int signum)
{
	json_t *details = json_object();

	member_int(details, "signal", signum);
	put(audit, AUDIT_HOST_STOP, NULL, details, NULL);
}

void records_stranger(struct audit *audit, const struct audit_actor *actor)
{
	audit_record(audit, &(struct audit_note){AUDIT_ADMIN_REFUSED, NULL, actor, NULL}, NULL);
}

int records_whitelist(struct audit *audit, const struct whitelist *now,
		      const struct whitelist *next, const char *file, struct err *err)
{
	char hash[DIGEST_TEXT];
	json_t *details;

	if (!next || (now && digest_eq(whitelist_digest(now), whitelist_digest(next))))
		return 0;
	details = json_object();
	member_text(details, "file", file);
	member_text(details, "hash", digest_format(hash, whitelist_digest(next)));
	member_int(details, "entries", (int64_t)whitelist_count(next));
	return put(audit, AUDIT_WHITELIST_LOADED, NULL, details, err);
}

void records_signature(struct audit *audit, const char *file, const struct whitelist_seal *seal,
		       const struct err *why)
{
	json_t *details = json_object();

	member_text(details, "file", file);
	if (!seal) {
		put_why(details, why);
	} else if (seal->is_signed) {
		member_text(details, "key", seal->key_id);
		member_int(details, "serial", (int64_t)seal->serial);
	}
	member_text(details, "result", !seal ? "refused" : (seal->is_signed ? "good" : "unsigned"));
	put(audit, AUDIT_SIGNATURE_CHECKED, NULL, details, NULL);
}

void records_revoked(struct audit *audit, const char *plugin, uint32_t generation,
		     const char *action, const struct err *why)
{
	json_t *details = json_object();

	member_int(details, "generation", generation);
	member_text(details, "action", action);
	put_why(details, why);
	put(audit, AUDIT_PLUGIN_REVOKED, plugin, details, NULL);
}

/* ---- processes ---- */

void records_shortfall(struct audit *audit, const char *plugin, uint32_t generation,
		       const char *missing)
{
	json_t *details = json_object();

	member_int(details, "generation", generation);
	member_text(details, "missing", missing);
	put(audit, AUDIT_SANDBOX_SHORTFALL, plugin, details, NULL);
}

/* What strict would have refused it for, and the policy tolerates. */
static void put_remarks(json_t *details, const struct guard_remarks *remarks)
{
	json_t *list = json_array();

	for (size_t i = 0; i < remarks->count; i++)
		json_array_append_new(list, json_string(remarks->rows[i].text));
	if (remarks->count > 0)
		json_object_set(details, "tolerated", list);
	json_decref(list);
}

static void put_file(json_t *details, const char *path_name, const char *hash_name,
		     const struct exec_file *file)
{
	char hash[DIGEST_TEXT];

	member_text(details, path_name, file->real);
	member_text(details, hash_name, digest_format(hash, &file->digest));
}

int records_start(struct audit *audit, const char *plugin, const struct pool *pool, unsigned number,
		  struct err *err)
{
	const struct exec_image *image = pool_image(pool);
	json_t *details = json_object();

	member_int(details, "generation", pool_generation(pool));
	member_int(details, "instance", number);
	put_file(details, "executable", "hash", &image->file);
	if (image->interpreter.fd >= 0)
		put_file(details, "interpreter", "interpreter_hash", &image->interpreter);
	put_remarks(details, &image->remarks);
	return put(audit, AUDIT_PLUGIN_START, plugin, details, err);
}

void records_end(struct audit *audit, const char *plugin, const struct instance *instance,
		 const struct err *why, bool failed)
{
	json_t *details = json_object();

	member_text(details, "instance", instance_id(instance));
	member_int(details, "pid", instance_pid(instance));
	member_bool(details, "failed", failed);
	put_why(details, why);
	put(audit, AUDIT_PLUGIN_END, plugin, details, NULL);
}

void records_refused(struct audit *audit, const struct plugin_opts *plugin, const struct err *why)
{
	json_t *details = json_object();

	member_text(details, "executable", plugin->executable);
	put_why(details, why);
	put(audit, AUDIT_PLUGIN_REFUSED, plugin->name, details, NULL);
}

/* ---- swaps ---- */

int records_swap_begin(struct audit *audit, const char *plugin, const struct swap_order *order,
		       struct err *err)
{
	json_t *details = json_object();

	member_text(details, "for", !order ? "reload" : (order->is_rollback ? "rollback" : "swap"));
	if (order && order->executable)
		member_text(details, "executable", order->executable);
	if (order && order->with_state)
		member_bool(details, "state", true);
	if (order && order->canary.permille > 0)
		member_int(details, "canary_permille", order->canary.permille);
	return put(audit, AUDIT_SWAP_BEGIN, plugin, details, err);
}

int records_swap_switch(struct audit *audit, const char *plugin, const struct pool *next,
			struct err *err)
{
	json_t *details = json_object();

	member_int(details, "generation", pool_generation(next));
	put_file(details, "executable", "hash", &pool_image(next)->file);
	return put(audit, AUDIT_SWAP_SWITCH, plugin, details, err);
}

void records_swap_end(struct audit *audit, const char *plugin, uint32_t generation,
		      const struct err *why)
{
	json_t *details = json_object();

	member_int(details, "generation", generation);
	if (why)
		put_why(details, why);
	put(audit, why ? AUDIT_SWAP_FAILED : AUDIT_SWAP_DONE, plugin, details, NULL);
}

/* ---- reloads ---- */

int records_reload(struct audit *audit, const struct diff *diff, struct err *err)
{
	json_t *details = json_object();
	json_t *changes = json_array();

	for (size_t i = 0; i < diff->count && i < CHANGES_TOLD; i++)
		json_array_append_new(changes, text_json(str_from(diff->changes[i].setting)));
	member_int(details, "count", (int64_t)diff->count);
	member_json(details, "changes", changes);
	return put(audit, AUDIT_RELOAD_COMMIT, NULL, details, err);
}

void records_reload_refused(struct audit *audit, const struct err *why)
{
	json_t *details = json_object();

	put_why(details, why);
	put(audit, AUDIT_RELOAD_REFUSED, NULL, details, NULL);
}
