/* One plugin run alone.
 *
 * Uses the host's own image, instance and rules, so that a plugin that passes here passes there.
 * Owns the image and the instance; the instance judges, this file notes how far it came. Never
 * fails itself: whatever goes wrong is a verdict. */
#include "probe.h"

#include <stdarg.h>
#include <stdio.h>

#include "observe/errors.h"
#include "output.h"
#include "plugin/process.h"

#define CODE_UNAVAILABLE 14

const char *probe_rule_text(enum probe_rule rule)
{
	static const char *const texts[PROBE_RULE_COUNT] = {
		[PROBE_LOADS] = "its executable can be loaded",
		[PROBE_STARTS] = "its process starts",
		[PROBE_GREETS] = "it answers HELLO with WELCOME",
		[PROBE_MANIFEST] = "its manifest keeps the rules",
		[PROBE_READY] = "it says READY",
		[PROBE_BYE] = "it says BYE after DRAIN",
		[PROBE_EXIT] = "it exits by itself with status 0",
		[PROBE_PROTOCOL] = "it sends nothing but the protocol",
	};

	return texts[rule];
}

const char *probe_verdict_text(enum probe_verdict verdict)
{
	switch (verdict) {
	case PROBE_UNKNOWN:
		return "-";
	case PROBE_OK:
		return "ok";
	case PROBE_FAIL:
		return "FAIL";
	}
	return "";
}

unsigned probe_failures(const struct probe *probe)
{
	unsigned count = 0;

	for (unsigned i = 0; i < PROBE_RULE_COUNT; i++)
		count += probe->rules[i].verdict == PROBE_FAIL;
	return count;
}

__attribute__((format(printf, 4, 5))) static void judge(struct probe *probe, enum probe_rule rule,
							enum probe_verdict verdict,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(probe->rules[rule].detail, sizeof(probe->rules[rule].detail), format, args);
	va_end(args);
	probe->rules[rule].verdict = verdict;
}

static void pass(struct probe *probe, enum probe_rule rule)
{
	judge(probe, rule, PROBE_OK, "%s", "");
}

/* ---- what the instance tells ---- */

static bool on_manifest(void *user, struct instance *instance, struct err *err)
{
	struct probe *probe = user;
	const struct manifest *manifest = instance_manifest(instance);

	judge(probe, PROBE_GREETS, PROBE_OK, "%s %s%s%s", manifest->plugin_name,
	      manifest->plugin_version, manifest->sdk[0] ? ", " : "", manifest->sdk);
	judge(probe, PROBE_MANIFEST, PROBE_OK, "%zu service%s", manifest->service_count,
	      manifest->service_count == 1 ? "" : "s");
	return true;
}

static void on_ready(void *user, struct instance *instance)
{
	struct probe *probe = user;
	char text[OUTPUT_TEXT];

	judge(probe, PROBE_READY, PROBE_OK, "%s after its start",
	      output_us(text, instance_start_us(instance)));
	instance_drain(instance, probe->plugin->drain_timeout_ms);
}

static void on_fenced(void *user, struct instance *instance)
{
}

/* Not asked for: the options of a check have no health_check. */
static void on_health(void *user, struct instance *instance, const struct err *why)
{
}

/* There is nobody else here. */
static void on_call(void *user, struct instance *instance,
		    const struct manifest_requirement *requirement,
		    const struct wire_request *request)
{
	instance_answer(instance, request->id,
			&(struct incoming_answer){
				.code = CODE_UNAVAILABLE,
				.message = STR_LITERAL("there is no host during plugctl check")});
}

/* The rule that a plugin was at when it ended. */
static enum probe_rule stage_of(const struct probe *probe)
{
	if (probe->rules[PROBE_MANIFEST].verdict != PROBE_OK)
		return PROBE_GREETS;
	return probe->rules[PROBE_READY].verdict == PROBE_OK ? PROBE_BYE : PROBE_READY;
}

static bool is_protocol_error(const struct err *why)
{
	return why->code >= ERR_PROTOCOL_FRAME && why->code < ERR_PROTOCOL_FRAME + 100 &&
	       why->code != ERR_PROTOCOL_VERSION;
}

static void judge_end(struct probe *probe, const struct err *why)
{
	const struct process_end *end = instance_end(probe->instance);

	if (why->code == ERR_PROTOCOL_MANIFEST) {
		pass(probe, PROBE_GREETS);
		judge(probe, PROBE_MANIFEST, PROBE_FAIL, "%s", why->text);
	} else if (is_protocol_error(why)) {
		judge(probe, PROBE_PROTOCOL, PROBE_FAIL, "%s", why->text);
	} else if (!instance_said_bye(probe->instance)) {
		judge(probe, stage_of(probe), PROBE_FAIL, "%s", why->text);
	}
	if (!instance_said_bye(probe->instance))
		return;
	pass(probe, PROBE_BYE);
	judge(probe, PROBE_EXIT, end->by_signal || end->status != 0 ? PROBE_FAIL : PROBE_OK, "%s",
	      end->text);
	if (probe->rules[PROBE_PROTOCOL].verdict == PROBE_UNKNOWN)
		pass(probe, PROBE_PROTOCOL);
}

static void on_dead(void *user, struct instance *instance, const struct err *why)
{
	struct probe *probe = user;

	judge_end(probe, why);
	loop_stop(probe->loop);
}

static const struct instance_ops instance_ops = {
	.on_manifest = on_manifest,
	.on_ready = on_ready,
	.on_fenced = on_fenced,
	.on_health = on_health,
	.on_call = on_call,
	.on_dead = on_dead,
};

/* ---- the run ---- */

static bool load(struct probe *probe)
{
	struct err err;

	if (exec_image_load_unpinned(probe->plugin->executable, &probe->image, &err) < 0) {
		judge(probe, PROBE_LOADS, PROBE_FAIL, "%s", err.text);
		return false;
	}
	char digest[DIGEST_TEXT];
	judge(probe, PROBE_LOADS, PROBE_OK, "%s",
	      digest_format(digest, &probe->image->file.digest));
	return true;
}

void probe_run(struct probe *probe, struct spawner *spawner, struct loop *loop, struct log *log,
	       const struct plugin_opts *plugin)
{
	struct err err;

	*probe = (struct probe){.loop = loop, .plugin = plugin};
	if (!load(probe))
		return;
	probe->instance = instance_new(&(struct instance_opts){
		.loop = loop,
		.log = log,
		.spawner = spawner,
		.plugin = plugin,
		.image = probe->image,
		.host_version = PLUGD_VERSION,
		.generation = 1,
		.number = 1,
		.ops = &instance_ops,
		.user = probe,
	});
	if (instance_start(probe->instance, &err) < 0) {
		judge(probe, PROBE_STARTS, PROBE_FAIL, "%s", err.text);
		return;
	}
	pass(probe, PROBE_STARTS);
	loop_run(loop);
}

void probe_deinit(struct probe *probe)
{
	instance_free(probe->instance);
	exec_image_release(probe->image);
}
