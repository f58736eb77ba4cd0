/* Who answers to a service's name.
 *
 * Owns a hash table from names to targets, and who stands in for whom. Of several who provide a
 * service the name leads to the one that the others stand in for, so that a stand-in never takes a
 * request from a plugin that is there; when that one goes, the name is the next one's. The names
 * and methods belong to the manifests of the pools, which the host keeps as long as they are
 * entered here. */
#include "registry/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "proto/wire_http.h"

struct provider {
	const char *name; /* of the service */
	struct target *target;
	const struct manifest_service *service;
	const struct manifest *manifest;
	struct meter *const *meters; /* of the service's methods; in the entry */
	UT_hash_handle hh;
};

/* What each target provides, also services that are not in the table because they are
 * everybody's. */
struct entry {
	struct target *target;
	const struct manifest *manifest;
	struct meter **meters; /* of all its methods, service after service; owned */
	bool is_nameless;      /* nothing of it is in the table, nor will be */
	struct entry *next;
};

struct relation {
	const struct target *target;
	const struct target *stand_in;
};

struct registry {
	struct provider *providers; /* by name */
	struct entry *entries;
	struct relation *relations;
	size_t relation_count;
	struct meters *meters; /* NULL: calls are not counted */
	uint64_t version;
};

struct registry *registry_new(void)
{
	struct registry *registry = mem_new(struct registry);

	registry->version = 1;
	return registry;
}

void registry_measure(struct registry *registry, struct metrics *metrics)
{
	registry->meters = meters_new(metrics);
}

/* ---- who stands in for whom ---- */

/* NULL: nothing. */
static const struct target *stand_in_of(const struct registry *registry,
					const struct target *target)
{
	for (size_t i = 0; i < registry->relation_count; i++) {
		if (registry->relations[i].target == target)
			return registry->relations[i].stand_in;
	}
	return NULL;
}

/* Also for one that stands in for it. */
static bool stands_in_for(const struct registry *registry, const struct target *stand_in,
			  const struct target *target)
{
	do
		target = stand_in_of(registry, target);
	while (target && target != stand_in);
	return target != NULL;
}

/* ---- the names ---- */

static struct provider *find_provider(const struct registry *registry, struct str name)
{
	struct provider *found;

	HASH_FIND(hh, registry->providers, name.data, name.len, found);
	return found;
}

/* Those of the service, in the entry's list. */
static struct meter *const *meters_of(const struct entry *entry,
				      const struct manifest_service *service)
{
	struct meter *const *meters = entry->meters;

	for (const struct manifest_service *before = entry->manifest->services; before < service;
	     before++)
		meters += before->method_count;
	return meters;
}

static bool is_everybodys(const struct manifest_service *service)
{
	return strcmp(service->name, WIRE_HTTP_SERVICE) == 0;
}

static void remove_provider(struct registry *registry, struct provider *provider)
{
	HASH_DEL(registry->providers, provider);
	free(provider);
}

/* The name leads to it, unless it leads to one that it may not take it from. */
static void enter_service(struct registry *registry, const struct entry *entry,
			  const struct manifest_service *service)
{
	struct provider *provider = find_provider(registry, str_from(service->name));

	if (provider && !stands_in_for(registry, provider->target, entry->target))
		return;
	if (provider)
		remove_provider(registry, provider);
	provider = mem_new(struct provider);
	*provider = (struct provider){.name = service->name,
				      .target = entry->target,
				      .service = service,
				      .manifest = entry->manifest,
				      .meters = meters_of(entry, service)};
	HASH_ADD_KEYPTR(hh, registry->providers, provider->name, strlen(provider->name), provider);
}

static void enter_services(struct registry *registry, const struct entry *entry)
{
	for (size_t i = 0; i < entry->manifest->service_count; i++) {
		if (!is_everybodys(&entry->manifest->services[i]))
			enter_service(registry, entry, &entry->manifest->services[i]);
	}
}

/* Names that have become free are those of who provides them too. */
static void fill_names(struct registry *registry)
{
	for (const struct entry *entry = registry->entries; entry; entry = entry->next) {
		if (!entry->is_nameless)
			enter_services(registry, entry);
	}
	registry->version++;
}

/* Of the target; NULL: of everybody. */
static void remove_names(struct registry *registry, const struct target *target)
{
	struct provider *provider, *next;

	HASH_ITER (hh, registry->providers, provider, next) {
		if (!target || provider->target == target)
			remove_provider(registry, provider);
	}
}

void registry_set_stand_ins(struct registry *registry, struct target *const *targets,
			    struct target *const *stand_ins, size_t count)
{
	free(registry->relations);
	registry->relations = mem_array(count ? count : 1, sizeof(*registry->relations));
	registry->relation_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (stand_ins[i])
			registry->relations[registry->relation_count++] =
				(struct relation){targets[i], stand_ins[i]};
	}
	remove_names(registry, NULL);
	fill_names(registry);
}

/* ---- who provides what ---- */

void registry_free_names(struct registry *registry, const struct target *target)
{
	for (struct entry *entry = registry->entries; entry; entry = entry->next) {
		if (entry->target == target)
			entry->is_nameless = true;
	}
	remove_names(registry, target);
	fill_names(registry);
}

static void drop_entry(struct registry *registry, struct entry **link)
{
	struct entry *entry = *link;

	registry_free_names(registry, entry->target);
	*link = entry->next;
	free(entry->meters);
	free(entry);
}

void registry_withdraw(struct registry *registry, const struct target *target)
{
	for (struct entry **link = &registry->entries; *link; link = &(*link)->next) {
		if ((*link)->target == target) {
			drop_entry(registry, link);
			return;
		}
	}
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	while (registry->entries)
		drop_entry(registry, &registry->entries);
	free(registry->relations);
	meters_free(registry->meters);
	free(registry);
}

int registry_check(const struct registry *registry, const struct target *target,
		   const struct manifest *manifest, struct err *err)
{
	for (size_t i = 0; i < manifest->service_count; i++) {
		const struct manifest_service *service = &manifest->services[i];
		const struct provider *other = find_provider(registry, str_from(service->name));

		if (other && other->target != target &&
		    !stands_in_for(registry, other->target, target) &&
		    !stands_in_for(registry, target, other->target))
			return err_set(err, ERR_REGISTRY_DUPLICATE,
				       "service \"%s\" is provided by plugin \"%s\" already",
				       service->name, other->target->plugin->name);
	}
	return 0;
}

static struct meter **find_meters(struct registry *registry, const struct target *target,
				  const struct manifest *manifest)
{
	struct meter **meters;
	size_t count = 0;

	for (size_t i = 0; i < manifest->service_count; i++)
		count += manifest->services[i].method_count;
	meters = mem_array(count ? count : 1, sizeof(struct meter *));
	count = 0;
	for (size_t i = 0; i < manifest->service_count; i++) {
		const struct manifest_service *service = &manifest->services[i];

		for (size_t j = 0; j < service->method_count; j++)
			meters[count++] = meters_take(registry->meters, target->plugin->name,
						      service->name, service->methods[j].name);
	}
	return meters;
}

int registry_provide(struct registry *registry, struct target *target,
		     const struct manifest *manifest, struct err *err)
{
	struct entry *entry;
	int r = registry_check(registry, target, manifest, err);

	if (r < 0)
		return r;
	registry_withdraw(registry, target);
	entry = mem_new(struct entry);
	*entry = (struct entry){.target = target,
				.manifest = manifest,
				.meters = find_meters(registry, target, manifest),
				.next = registry->entries};
	registry->entries = entry;
	enter_services(registry, entry);
	registry->version++;
	return 0;
}

/* `provider`: what it provides, and where that is counted. */
static int find_method(const struct provider *provider, struct str method,
		       struct service_method *out, struct err *err)
{
	const struct manifest_service *service = provider->service;

	for (size_t i = 0; i < service->method_count; i++) {
		if (!str_eq(str_from(service->methods[i].name), method))
			continue;
		*out = (struct service_method){provider->target, &service->methods[i],
					       provider->manifest, provider->meters[i]};
		return 0;
	}
	err_set(err, ERR_REGISTRY_NO_METHOD, "service \"%s\" has no method \"%.*s\"", service->name,
		STR_ARG(method));
	return -ENOENT;
}

static int no_service(struct str service, struct err *err)
{
	err_set(err, ERR_REGISTRY_NO_SERVICE, "no plugin provides service \"%.*s\"",
		STR_ARG(service));
	return -ENOENT;
}

int registry_find(const struct registry *registry, struct str service, struct str method,
		  struct service_method *out, struct err *err)
{
	const struct provider *provider = find_provider(registry, service);

	if (!provider)
		return no_service(service, err);
	return find_method(provider, method, out, err);
}

static const struct entry *find_entry(const struct registry *registry, const struct target *target)
{
	const struct entry *entry = registry->entries;

	while (entry && entry->target != target)
		entry = entry->next;
	return entry;
}

bool registry_has_told(const struct registry *registry, const struct target *target)
{
	return find_entry(registry, target) != NULL;
}

int registry_find_in(const struct registry *registry, struct target *target, struct str service,
		     struct str method, struct service_method *out, struct err *err)
{
	const struct entry *entry = find_entry(registry, target);
	const struct manifest_service *found;

	if (!entry) {
		err_set(err, ERR_PLUGIN_UNAVAILABLE, "plugin \"%s\" has not been ready yet",
			target->plugin->name);
		return -EAGAIN;
	}
	found = manifest_find_service(entry->manifest, service);
	if (found)
		return find_method(&(struct provider){.target = target,
						      .service = found,
						      .manifest = entry->manifest,
						      .meters = meters_of(entry, found)},
				   method, out, err);
	err_set(err, ERR_REGISTRY_NO_SERVICE, "plugin \"%s\" does not provide service \"%.*s\"",
		target->plugin->name, STR_ARG(service));
	return -ENOENT;
}

uint64_t registry_version(const struct registry *registry)
{
	return registry->version;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t registry_services(const struct registry *registry, const char ***names_out)
{
	size_t count = HASH_COUNT(registry->providers);
	const char **names = mem_array(count ? count : 1, sizeof(*names));
	const struct provider *provider = registry->providers;

	for (size_t i = 0; i < count; i++, provider = provider->hh.next)
		names[i] = provider->name;
	qsort(names, count, sizeof(*names), compare_names);
	*names_out = names;
	return count;
}
