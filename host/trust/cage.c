/* Cages: from what an operator sets to the plan that a child enters, and that plan as bytes. Owned
 * by a generation of a plugin; its instances share it. Decides which walls a profile has, and knows
 * which paths any program needs; it puts up none of them (cage_enter.c does). */
#include "trust/cage.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "trust/call_filter.h"
#include "trust/identity.h"

/* Users that plugins get for their own: a part of the number space that no distribution gives away,
 * below the sign bit. Two of a thousand names meet with a probability of 0.2 %. */
#define OWN_USER_FIRST 0x70000000u
#define OWN_USER_MASK  0x0fffffffu
#define OWN_USER       "own"
#define HOST_USER      "host"

#define TEMPORARY "/tmp"

#define STRICT_FILES	 256
#define STRICT_PROCESSES 64

#define STANDARD_WALLS                                                                             \
	(WALL_BIT(WALL_NO_NEW_PRIVS) | WALL_BIT(WALL_CAPABILITIES) | WALL_BIT(WALL_CALLS) |        \
	 WALL_BIT(WALL_SCOPE) | WALL_BIT(WALL_CORE))
#define STRICT_WALLS                                                                               \
	(STANDARD_WALLS | WALL_BIT(WALL_PATHS) | WALL_BIT(WALL_PORTS) | WALL_BIT(WALL_PIDS) |      \
	 WALL_BIT(WALL_MOUNTS) | WALL_BIT(WALL_TEMPORARY) | WALL_BIT(WALL_PROC) |                  \
	 WALL_BIT(WALL_IPC) | WALL_BIT(WALL_HOSTNAME))
#define NAMESPACE_WALLS                                                                            \
	(WALL_BIT(WALL_PIDS) | WALL_BIT(WALL_MOUNTS) | WALL_BIT(WALL_IPC) |                        \
	 WALL_BIT(WALL_HOSTNAME) | WALL_BIT(WALL_NETWORK))

static const struct {
	const char *name;
	const char *text;
} walls[WALL_COUNT] = {
#define WALL(name, word, text) [WALL_##name] = {word, text},
#include "trust/walls.def"
#undef WALL
};

/* What a program needs to be loaded and to run: its libraries, the time zone, the harmless devices.
 * /proc is its own where there is one; a machine's own /proc is never among them. */
static const struct cage_rule basic_rules[] = {
	{"/usr/lib", CAGE_READ},
	{"/usr/lib32", CAGE_READ},
	{"/usr/lib64", CAGE_READ},
	{"/usr/libexec", CAGE_READ},
	{"/usr/local/lib", CAGE_READ},
	{"/usr/share", CAGE_READ},
	{"/lib", CAGE_READ},
	{"/lib64", CAGE_READ},
	{"/etc/ld.so.cache", CAGE_READ},
	{"/etc/localtime", CAGE_READ},
	{"/dev/null", CAGE_READ | CAGE_WRITE | CAGE_DEVICE},
	{"/dev/zero", CAGE_READ | CAGE_WRITE},
	{"/dev/full", CAGE_READ | CAGE_WRITE},
	{"/dev/random", CAGE_READ},
	{"/dev/urandom", CAGE_READ},
};

/* The dynamic loaders, which the kernel executes for the program. */
static const struct cage_rule loader_rules[] = {
	{"/lib64/ld-linux-x86-64.so.2", CAGE_EXECUTE},
	{"/lib/ld-linux-aarch64.so.1", CAGE_EXECUTE},
	{"/lib/ld-linux-riscv64-lp64d.so.1", CAGE_EXECUTE},
	{"/lib/ld-musl-x86_64.so.1", CAGE_EXECUTE},
	{"/lib/ld-musl-aarch64.so.1", CAGE_EXECUTE},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *wall_name(enum wall wall)
{
	return walls[wall].name;
}

const char *wall_text(enum wall wall)
{
	return walls[wall].text;
}

const struct cage_rule *cage_basic_rule(size_t index)
{
	if (index < COUNT(basic_rules))
		return &basic_rules[index];
	index -= COUNT(basic_rules);
	return index < COUNT(loader_rules) ? &loader_rules[index] : NULL;
}

/* ---- paths and ports ---- */

static void add_rule(struct cage *cage, const char *path, unsigned access)
{
	cage->rules = mem_realloc(cage->rules, (cage->rule_count + 1) * sizeof(cage->rules[0]));
	cage->rules[cage->rule_count++] = (struct cage_rule){mem_strdup(path), access};
}

static int add_listed(struct cage *cage, char *const *paths, unsigned rights, const char *setting,
		      struct err *err)
{
	for (; paths && *paths; paths++) {
		if (access(*paths, F_OK) < 0)
			return err_set_errno(err, ERR_SANDBOX, errno, "sandbox.%s: '%s'", setting,
					     *paths);
		add_rule(cage, *paths, rights);
	}
	return 0;
}

static int add_paths(struct cage *cage, const struct sandbox_opts *opts, struct err *err)
{
	const struct cage_rule *rule;
	int rc;

	for (size_t i = 0; (rule = cage_basic_rule(i)); i++)
		add_rule(cage, rule->path, rule->access);
	rc = add_listed(cage, opts->read, CAGE_READ, "read", err);
	if (rc == 0)
		rc = add_listed(cage, opts->write, CAGE_READ | CAGE_WRITE, "write", err);
	if (rc == 0)
		rc = add_listed(cage, opts->execute, CAGE_READ | CAGE_EXECUTE, "execute", err);
	return rc;
}

static bool has_temporary(char *const *paths)
{
	for (; paths && *paths; paths++) {
		if (strcmp(*paths, TEMPORARY) == 0 || strncmp(*paths, TEMPORARY "/", 5) == 0)
			return true;
	}
	return false;
}

bool cage_lists_temporary(const struct sandbox_opts *opts)
{
	return has_temporary(opts->read) || has_temporary(opts->write) ||
	       has_temporary(opts->execute);
}

static void add_ports(struct cage *cage, char *const *texts, bool bind)
{
	for (; texts && *texts; texts++) {
		cage->ports =
			mem_realloc(cage->ports, (cage->port_count + 1) * sizeof(cage->ports[0]));
		cage->ports[cage->port_count++] = (struct cage_port){
			.port = (uint16_t)strtoul(*texts, NULL, 10), .bind = bind};
	}
}

/* ---- users ---- */

/* FNV-1a: stable over machines and versions, because files keep their owner. */
static uid_t own_user(const char *plugin)
{
	uint32_t hash = 2166136261u;

	for (; *plugin; plugin++)
		hash = (hash ^ (uint8_t)*plugin) * 16777619u;
	return OWN_USER_FIRST | (hash & OWN_USER_MASK);
}

static int find_user(const char *text, const char *plugin, struct cage *cage, struct err *err)
{
	const struct passwd *entry;

	if (strcmp(text, OWN_USER) == 0) {
		cage->uid = cage->gid = own_user(plugin);
		return 0;
	}
	if (id_parse(text, &cage->uid)) {
		cage->gid = cage->uid;
		return 0;
	}
	errno = 0;
	entry = getpwnam(text);
	if (!entry)
		return err_set(err, ERR_SANDBOX, "sandbox.user: there is no user '%s'", text);
	cage->uid = entry->pw_uid;
	cage->gid = entry->pw_gid;
	return 0;
}

static int find_group(const char *text, struct cage *cage, struct err *err)
{
	const struct group *entry;

	if (id_parse(text, &cage->gid))
		return 0;
	entry = getgrnam(text);
	if (!entry)
		return err_set(err, ERR_SANDBOX, "sandbox.group: there is no group '%s'", text);
	cage->gid = entry->gr_gid;
	return 0;
}

/* What root starts for a host that is root no longer is never root: spawner_main.h. */
static int check_not_root(const struct cage *cage, bool by_root, struct err *err)
{
	if (!by_root || geteuid() == 0 || (cage->uid != 0 && cage->gid != 0))
		return 0;
	return err_set(
		err, ERR_SANDBOX,
		"sandbox.user: plugd is not root any more (process.user), and so no plugin can "
		"be; name another user and group");
}

/* Only root can make it another user. Strict asks for one of its own then; where it can't be had,
 * the user namespace and the paths are what is left, and explain says so. */
static int choose_user(struct cage *cage, const struct sandbox_opts *opts, const char *plugin,
		       bool by_root, struct err *err)
{
	const char *user = opts->user;
	int rc;

	if (!user && opts->profile == SANDBOX_STRICT && by_root)
		user = OWN_USER;
	if (user && strcmp(user, HOST_USER) == 0)
		user = NULL;
	if (!user && !opts->group)
		return 0;
	cage->asked |= WALL_BIT(WALL_USER);
	cage->uid = geteuid();
	cage->gid = getegid();
	rc = user ? find_user(user, plugin, cage, err) : 0;
	if (rc == 0 && opts->group)
		rc = find_group(opts->group, cage, err);
	return rc == 0 ? check_not_root(cage, by_root, err) : rc;
}

/* ---- limits ---- */

static void set_limit(struct cage *cage, enum wall wall, uint64_t value)
{
	if (value == 0)
		return;
	cage->asked |= WALL_BIT(wall);
	cage->limits[wall] = value;
}

static void set_limits(struct cage *cage, const struct sandbox_opts *opts)
{
	bool is_strict = opts->profile == SANDBOX_STRICT;

	set_limit(cage, WALL_MEMORY, opts->memory_bytes);
	set_limit(cage, WALL_ADDRESS_SPACE, opts->address_space_bytes);
	set_limit(cage, WALL_FILES, opts->files ? opts->files : is_strict ? STRICT_FILES : 0);
	set_limit(cage, WALL_PROCESSES,
		  opts->processes ? opts->processes
		  : is_strict	  ? STRICT_PROCESSES
				  : 0);
	set_limit(cage, WALL_CPU_TIME, (uint64_t)(opts->cpu_time_ms + 999) / 1000);
	set_limit(cage, WALL_FILE_SIZE, opts->file_size_bytes);
	set_limit(cage, WALL_GROUP_MEMORY, opts->group_memory_bytes);
	set_limit(cage, WALL_GROUP_CPU, opts->group_cpu_percent);
	set_limit(cage, WALL_GROUP_PROCESSES, opts->group_processes);
}

/* ---- a cage ---- */

static bool is_networked(const struct sandbox_opts *opts)
{
	if (opts->network == SANDBOX_NETWORK_PROFILE)
		return opts->profile != SANDBOX_STRICT || opts->connect || opts->bind;
	return opts->network == SANDBOX_NETWORK_HOST;
}

static uint32_t walls_of(const struct sandbox_opts *opts)
{
	uint32_t asked = 0;

	switch (opts->profile) {
	case SANDBOX_NONE:
		break;
	case SANDBOX_STANDARD:
		asked = STANDARD_WALLS;
		break;
	case SANDBOX_STRICT:
		asked = STRICT_WALLS;
		break;
	}
	if (opts->connect || opts->bind)
		asked |= WALL_BIT(WALL_PORTS) | WALL_BIT(WALL_NO_NEW_PRIVS);
	if (!is_networked(opts))
		asked |= WALL_BIT(WALL_NETWORK);
	if (cage_lists_temporary(opts))
		asked &= ~WALL_BIT(WALL_TEMPORARY);
	return asked;
}

static int build(struct cage *cage, const struct sandbox_opts *opts, const char *plugin,
		 bool by_root, struct err *err)
{
	const struct call_filter_wish wish = {
		.profile = opts->profile,
		.with_network = is_networked(opts),
		.with_execute = opts->execute != NULL,
		.allow = opts->allow_calls,
	};
	int rc = choose_user(cage, opts, plugin, by_root, err);

	set_limits(cage, opts);
	if (rc == 0 && cage->asked & WALL_BIT(WALL_PATHS))
		rc = add_paths(cage, opts, err);
	if (rc == 0 && cage->asked & WALL_BIT(WALL_CALLS))
		rc = call_filter_build(&wish, &cage->filter, &cage->filter_count, err);
	add_ports(cage, opts->connect, false);
	add_ports(cage, opts->bind, true);
	if (cage->asked & WALL_BIT(WALL_TEMPORARY))
		add_rule(cage, TEMPORARY, CAGE_READ | CAGE_WRITE);
	if (cage->asked & WALL_BIT(WALL_PROC))
		add_rule(cage, "/proc", CAGE_READ);
	return rc;
}

int cage_new(const struct sandbox_opts *opts, const char *plugin, bool by_root, struct cage **out,
	     struct err *err)
{
	struct cage *cage = mem_new(struct cage);
	int rc;

	cage->asked = walls_of(opts);
	cage->required = opts->required;
	cage->on_violation = opts->on_violation;
	cage->temporary_bytes = opts->temporary_bytes;
	rc = build(cage, opts, plugin, by_root, err);
	if (rc < 0) {
		cage_free(cage);
		return rc;
	}
	*out = cage;
	return 0;
}

void cage_free(struct cage *cage)
{
	if (!cage)
		return;
	for (size_t i = 0; i < cage->rule_count; i++)
		free((char *)cage->rules[i].path);
	cage_deinit(cage);
	free(cage);
}

bool cage_wants_keeper_caged(const struct cage *cage)
{
	return cage && cage->asked & NAMESPACE_WALLS;
}

/* ---- on the way ---- */

void cage_pack(const struct cage *cage, struct buf *out)
{
	buf_append(out, cage, sizeof(*cage)); /* the counts; its pointers mean nothing there */
	buf_append(out, cage->filter, cage->filter_count * sizeof(cage->filter[0]));
	buf_append(out, cage->ports, cage->port_count * sizeof(cage->ports[0]));
	for (size_t i = 0; i < cage->rule_count; i++) {
		buf_append(out, &cage->rules[i].access, sizeof(cage->rules[i].access));
		buf_append(out, cage->rules[i].path, strlen(cage->rules[i].path) + 1);
	}
}

/* An array of its own from the front of the bytes, which are not aligned. NULL: there are not so
 * many. */
static void *take_array(struct str *rest, size_t count, size_t bytes)
{
	void *array;

	if (count > rest->len / bytes)
		return NULL;
	array = mem_alloc(count * bytes + 1);
	memcpy(array, rest->data, count * bytes);
	rest->data += count * bytes;
	rest->len -= count * bytes;
	return array;
}

static bool take_rule(struct str *rest, struct cage_rule *out)
{
	const char *end;

	if (rest->len < sizeof(out->access))
		return false;
	memcpy(&out->access, rest->data, sizeof(out->access));
	rest->data += sizeof(out->access);
	rest->len -= sizeof(out->access);
	end = rest->len > 0 ? memchr(rest->data, '\0', rest->len) : NULL;
	if (!end)
		return false;
	out->path = rest->data;
	rest->len -= (size_t)(end + 1 - rest->data);
	rest->data = end + 1;
	return true;
}

static bool take_rules(struct str *rest, struct cage *cage)
{
	size_t count = cage->rule_count;

	if (count > rest->len) /* each has more */
		return false;
	cage->rules = mem_array(count + 1, sizeof(cage->rules[0]));
	for (size_t i = 0; i < count; i++) {
		if (!take_rule(rest, &cage->rules[i]))
			return false;
	}
	return true;
}

int cage_unpack(const uint8_t *bytes, size_t len, struct cage *out)
{
	struct str rest = {(const char *)bytes, len};

	*out = (struct cage){0};
	if (len < sizeof(*out))
		return -EBADMSG;
	memcpy(out, bytes, sizeof(*out));
	rest.data += sizeof(*out);
	rest.len -= sizeof(*out);
	out->rules = NULL;
	out->ports = NULL;
	out->filter = take_array(&rest, out->filter_count, sizeof(out->filter[0]));
	if (out->filter)
		out->ports = take_array(&rest, out->port_count, sizeof(out->ports[0]));
	if (out->ports && take_rules(&rest, out) && rest.len == 0)
		return 0;
	cage_deinit(out);
	return -EBADMSG;
}

void cage_deinit(struct cage *cage)
{
	free(cage->filter);
	free(cage->ports);
	free(cage->rules);
	*cage = (struct cage){0};
}
