/* Who answers to a service's name. Filled by what plugins tell in their manifests; asked by the
 * edge, the admin and, later, the plugins. Pure. */
#ifndef PLUGD_REGISTRY_SERVICE_H
#define PLUGD_REGISTRY_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "dispatch/meter.h"
#include "dispatch/target.h"
#include "plugin/manifest.h"

struct registry;

/* A method that can be called now. Valid until the registry's version changes. */
struct service_method {
	struct target *target;
	const struct manifest_method *method;
	const struct manifest *manifest; /* that the method is of */
	struct meter
		*meter; /* counts its calls; NULL: nothing does. Valid as long as the registry */
};

struct registry *registry_new(void); /* returns owned */
void registry_free(struct registry *registry);

/* The calls of what is provided from now on are counted. Borrows. */
void registry_measure(struct registry *registry, struct metrics *metrics);

/* What stands in for what from now on: stand_ins[i] (NULL: nothing) for targets[i], never in a
 * circle. A stand-in may provide what the plugin provides that it stands in for: the name leads to
 * the latter. Copies the arrays, and looks into no target of them. */
void registry_set_stand_ins(struct registry *registry, struct target *const *targets,
			    struct target *const *stand_ins, size_t count);

/* Enters all services of a manifest for this target, in place of what it provided before. The
 * manifest stays the caller's and valid until it is withdrawn. 0, or -EINVAL with *err: another
 * plugin provides one of them, and neither stands in for the other. The raw HTTP service is
 * everybody's: routes name the plugin. */
int registry_provide(struct registry *registry, struct target *target,
		     const struct manifest *manifest, struct err *err);

/* Whether registry_provide() would take it; as it would answer. Enters nothing. */
int registry_check(const struct registry *registry, const struct target *target,
		   const struct manifest *manifest, struct err *err);
void registry_withdraw(struct registry *registry, const struct target *target);

/* Its services are nobody's from now on, and another may provide them; who has the target itself
 * still finds its methods, until it is withdrawn. */
void registry_free_names(struct registry *registry, const struct target *target);

/* 0 and *out, or -ENOENT with *err saying whether service or method is missing. */
int registry_find(const struct registry *registry, struct str service, struct str method,
		  struct service_method *out, struct err *err);

/* The same for one plugin's method, whoever else provides the service; -EAGAIN when the plugin has
 * not told yet what it provides. */
int registry_find_in(const struct registry *registry, struct target *target, struct str service,
		     struct str method, struct service_method *out, struct err *err);

/* Whether it has told what it provides, and that has not been withdrawn. */
bool registry_has_told(const struct registry *registry, const struct target *target);

/* Changes whenever an earlier answer may be wrong; so callers may keep answers. Never 0. */
uint64_t registry_version(const struct registry *registry);

/* Names of all services, sorted, without the raw HTTP service. Returns the count; *names_out is
 * owned (one free()), the names are the manifests'. */
size_t registry_services(const struct registry *registry, const char ***names_out);

#endif
