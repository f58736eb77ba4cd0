/* The composition root.
 *
 * Owns every room's object. Start: the ground, addresses bound, rights given up, whitelist,
 * targets, edge, admin, listener, plugins; each needs only those before it, and a host that can't
 * listen has started no plugin. A
 * plugin that may not run or can't is logged and left out, and /health/ready tells; the others
 * serve. Stop: clients first (nobody new, finish what is there), then the plugins (finish, BYE,
 * end), then the memory.
 *
 *	RUNNING ──signal──▶ CLIENTS LEAVE ──last connection──▶ PLUGINS DRAIN ──last process──▶ end
 *	                         └───────── drain_timeout, or a second signal ─▶ both at once ─▶ end
 */
#include "host.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "access_log.h"
#include "addresses.h"
#include "admin/commands.h"
#include "admin/control.h"
#include "base/loop.h"
#include "base/member.h"
#include "dispatch/dispatch.h"
#include "edge/edge.h"
#include "ground.h"
#include "host_service.h"
#include "identity/identity.h"
#include "net/listener.h"
#include "observe/errors.h"
#include "pins.h"
#include "plugin/crashes.h"
#include "records.h"
#include "registry/service.h"
#include "reload.h"
#include "rights.h"
#include "roster.h"
#include "telemetry.h"
#include "unit.h"

/* A plugin that is told to end when the time is over still has this long. */
#define LAST_GRACE_MS 1000

enum host_phase { HOST_RUNNING, HOST_CLIENTS_LEAVE, HOST_PLUGINS_DRAIN };

struct host {
	const struct plan_source *source;
	struct roster *roster; /* in force, with its plan */
	struct ground ground;
	struct loop *loop; /* these two are the ground's */
	struct log *log;
	struct dispatch *dispatch;
	struct registry *registry;
	struct host_service service;
	struct unit_house house;
	struct identity *identity; /* who clients are, beyond one configuration */
	struct edge *edge;
	struct listener *listener;
	struct control *control;
	struct access_log *access_log;
	struct telemetry *telemetry; /* NULL: nobody could see it */
	struct office office;
	struct reload *reload;
	const char **addresses; /* NULL-terminated; each owned */
	struct loop_signal on_int;
	struct loop_signal on_term;
	struct loop_signal on_hup;
	struct loop_timer drain_timer;
	enum host_phase phase;
	bool is_forced;
};

/* ---- stop ---- */

static const struct config *config_of(const struct host *host)
{
	return &host->roster->plan->config;
}

static void stop_if_drained(void *user)
{
	struct host *host = user;

	if (host->phase == HOST_PLUGINS_DRAIN && units_are_drained(&host->house))
		loop_stop(host->loop);
}

static void drain_plugins(struct host *host, int64_t longest_ms)
{
	if (host->phase == HOST_PLUGINS_DRAIN)
		return;
	host->phase = HOST_PLUGINS_DRAIN;
	control_stop(host->control);
	host->control = NULL;
	telemetry_stop(host->telemetry);
	units_drain(&host->house, longest_ms);
	stop_if_drained(host);
}

static void on_clients_gone(void *user)
{
	struct host *host = user;

	drain_plugins(host, config_of(host)->drain_timeout_ms);
}

/* Time is over: clients are cut off, plugins get a last moment, and then the end comes anyway. */
static void on_drain_due(void *user)
{
	struct host *host = user;

	if (host->is_forced) {
		loop_stop(host->loop);
		return;
	}
	host->is_forced = true;
	log_event(host->log, LOG_WARN, "host.drain_timeout", "ends what is still in flight",
		  LOG_INT("connections", listener_connections(host->listener)));
	listener_free(host->listener);
	host->listener = NULL;
	loop_timer_start(&host->drain_timer, LAST_GRACE_MS);
	drain_plugins(host, LAST_GRACE_MS);
}

static void on_stop_signal(void *user, int signum)
{
	struct host *host = user;

	if (host->phase != HOST_RUNNING) {
		on_drain_due(host);
		return;
	}
	host->phase = HOST_CLIENTS_LEAVE;
	log_event(host->log, LOG_INFO, "host.stopping",
		  "accepts nobody new and finishes what is in flight", LOG_INT("signal", signum),
		  LOG_INT("connections", listener_connections(host->listener)),
		  LOG_INT("calls", dispatch_open_count(host->dispatch)));
	records_host_stop(host->house.audit, signum);
	reload_stop(host->reload);
	edge_set_draining(host->edge);
	loop_timer_start(&host->drain_timer, config_of(host)->drain_timeout_ms);
	listener_stop(host->listener);
}

/* ---- start ---- */

static int report(const struct host *host, struct err *err)
{
	config_place_err(config_of(host), err);
	log_event(host->log, LOG_ERROR, "host.failed", err->text, LOG_INT("code", err->code));
	return -1;
}

static void judge(void *user, struct pins_report *report)
{
	units_judge(user, report);
}

static int start_pins(struct host *host, struct err *err)
{
	struct pins_next next = {0};
	int r;

	host->house.pins = pins_new(host->loop, host->log, host->house.audit,
				    &(struct pins_upcalls){judge, &host->house});
	r = pins_prepare(host->house.pins, host->roster->plan, &next, err);
	if (r == 0)
		r = pins_record(host->house.pins, &next, err);
	if (r == 0)
		pins_commit(host->house.pins, &next);
	else
		pins_drop(&next);
	return r;
}

static void make_units(struct host *host)
{
	const struct config *config = config_of(host);

	for (size_t i = 0; i < config->plugin_count; i++)
		roster_add(host->roster,
			   unit_new(&host->house, host->roster->plan, &config->plugins[i]));
	roster_complete(host->roster);
	registry_set_stand_ins(host->registry, host->roster->targets, host->roster->stand_ins,
			       host->roster->count);
}

static void start_plugins(struct host *host)
{
	for (size_t i = 0; i < host->roster->count; i++)
		unit_start(host->roster->units[i]);
}

static int start_edge(struct host *host)
{
	struct edge_setup setup = {
		.loop = host->loop,
		.log = host->log,
		.dispatch = host->dispatch,
		.registry = host->registry,
		.version = PLUGD_VERSION,
		.metrics = telemetry_metrics(host->telemetry),
	};
	struct err err;

	host->identity = identity_new(host->loop, host->log);
	setup.identity = host->identity;
	setup.routes = roster_routes(host->roster, host->identity, &err);
	if (!setup.routes)
		return report(host, &err);
	host->edge = edge_new(&setup);
	host->house.edge = host->edge;
	edge_set_access_log(host->edge, access_log_file(host->access_log));
	return 0;
}

static void renew_addresses(struct host *host)
{
	host->addresses = addresses_renew(host->addresses, config_of(host)->net.listen,
					  host->listener, host->log);
}

/* Who connects from now on waits until start_listener(). */
static int bind_addresses(struct host *host, struct err *err)
{
	struct listener_opts opts = {
		.loop = host->loop,
		.net = &config_of(host)->net,
		.upcalls = &edge_upcalls,
		.on_stopped = on_clients_gone,
		.stopped_user = host,
		.log = host->log,
		.files = &host->ground.socket_files,
		.inherited = host->ground.inherited,
		.metrics = telemetry_metrics(host->telemetry),
	};

	host->listener = listener_new(&opts);
	return listener_prepare(host->listener, opts.net, err);
}

static void start_listener(struct host *host)
{
	listener_serve(host->listener, host->edge);
	listener_commit(host->listener);
	renew_addresses(host);
}

static void get_facts(void *user, struct office_facts *out)
{
	const struct host *host = user;

	*out = (struct office_facts){
		.listeners = host->addresses,
		.connections = host->listener ? listener_connections(host->listener) : 0,
		.is_ready = edge_is_ready(host->edge),
		.has_dropped = host->ground.rights.has_dropped,
		.is_final = rights_are_final(),
		.spawner = rights_spawner(&host->ground.rights),
	};
}

static void show_scrape(void *user, struct scrape *out)
{
	const struct host *host = user;

	out->edge = host->edge;
	out->access_log = host->access_log;
	out->listener = host->listener;
	out->roster = host->roster;
}

static int start_telemetry(struct host *host)
{
	struct err err;

	if (telemetry_serve(host->telemetry, host->edge, host->log, show_scrape, host, &err) < 0)
		return report(host, &err);
	return 0;
}

static struct unit *unit_of(const struct host *host, const struct target *target)
{
	return roster_unit_of(host->roster, target);
}

/* A swap runs what the whitelist says now, not what it said at the start. */
static int begin_swap(void *user, struct target *target, const struct swap_order *order,
		      const struct swap_viewer *viewer, struct err *err)
{
	struct host *host = user;
	int r = pins_renew(host->house.pins, err);

	if (r < 0)
		return r;
	r = unit_swap(unit_of(host, target), order, viewer, err);
	pins_judge(host->house.pins);
	return r;
}

static void leave_swap(void *user, struct target *target)
{
	unit_leave_swap(unit_of(user, target));
}

static int abort_swap(void *user, struct target *target, struct err *err)
{
	return unit_abort_swap(unit_of(user, target), err);
}

static const char *get_swap_step(void *user, const struct target *target)
{
	return unit_swap_step(unit_of(user, target));
}

static int begin_reload(void *user, bool is_dry, const struct reload_viewer *viewer,
			struct err *err)
{
	struct host *host = user;

	return reload_begin(host->reload, is_dry, viewer, err);
}

static void leave_reload(void *user)
{
	struct host *host = user;

	reload_leave(host->reload);
}

static int reload_whitelist(void *user, struct pins_report *report, struct err *err)
{
	struct host *host = user;

	return pins_reload(host->house.pins, report, err);
}

static const struct office_ops office_ops = {
	.swap = begin_swap,
	.leave_swap = leave_swap,
	.abort_swap = abort_swap,
	.get_swap_step = get_swap_step,
	.reload = begin_reload,
	.leave_reload = leave_reload,
	.reload_whitelist = reload_whitelist,
};

/* What the office shows is what is in force. */
static void renew_office(struct host *host)
{
	host->office.targets = host->roster->targets;
	host->office.stand_ins = host->roster->stand_ins;
	host->office.target_count = host->roster->count;
	host->office.edge = &config_of(host)->edge;
}

static void on_stranger(void *user, const struct audit_actor *actor)
{
	const struct office *office = user;

	records_stranger(office->audit, actor);
}

static int start_control(struct host *host)
{
	struct control_opts opts = {
		.loop = host->loop,
		.log = host->log,
		.path = config_of(host)->admin.socket,
		.on_request = commands_run,
		.on_stranger = on_stranger,
		.user = &host->office,
	};
	struct err err;

	if (!opts.path)
		return 0;
	host->office = (struct office){
		.loop = host->loop,
		.log = host->log,
		.version = PLUGD_VERSION,
		.started_ms = loop_now_ms(host->loop),
		.dispatch = host->dispatch,
		.registry = host->registry,
		.crashes = host->house.crashes,
		.audit = host->house.audit,
		.get_facts = get_facts,
		.ops = &office_ops,
		.user = host,
	};
	renew_office(host);
	if (control_start(&opts, &host->control, &err) < 0)
		return report(host, &err);
	return 0;
}

/* ---- reload ---- */

static struct roster *get_roster(void *user)
{
	return ((struct host *)user)->roster;
}

static void on_applied(void *user, struct roster *roster)
{
	struct host *host = user;
	struct roster *before = host->roster;
	struct log_opts log_opts;

	host->roster = roster;
	log_opts = ground_log_opts(config_of(host), host->loop);
	log_apply(host->log, &log_opts);
	access_log_commit(host->access_log);
	edge_set_access_log(host->edge, access_log_file(host->access_log));
	crashes_limit(host->house.crashes, config_of(host)->crashes.keep);
	renew_office(host);
	renew_addresses(host);
	reload_watch(host->reload, config_of(host)->watch_config);
	roster_release(before);
}

static void on_reload_signal(void *user, int signum)
{
	struct host *host = user;

	if (host->phase != HOST_RUNNING || !host->reload)
		return;
	access_log_reopen(host->access_log);
	edge_set_access_log(host->edge, access_log_file(host->access_log));
	reload_ask(host->reload);
}

static void start_reload(struct host *host)
{
	host->reload = reload_new(&(struct reload_site){
		.loop = host->loop,
		.log = host->log,
		.house = &host->house,
		.listener = host->listener,
		.identity = host->identity,
		.access_log = host->access_log,
		.source = host->source,
		.get_roster = get_roster,
		.on_applied = on_applied,
		.user = host,
	});
	reload_watch(host->reload, config_of(host)->watch_config);
}

/* ---- from start to end ---- */

/* Before anything starts: a signal that comes meanwhile waits for the loop, and then everything is
 * there to be stopped. */
static void listen_for_signals(struct host *host)
{
	signal(SIGPIPE, SIG_IGN);
	/* Inherited as ignored, it would take the plugins' exit statuses away. */
	signal(SIGCHLD, SIG_DFL);
	loop_timer_init(&host->drain_timer, host->loop, on_drain_due, host);
	loop_signal_start(&host->on_int, host->loop, SIGINT, on_stop_signal, host);
	loop_signal_start(&host->on_term, host->loop, SIGTERM, on_stop_signal, host);
	loop_signal_start(&host->on_hup, host->loop, SIGHUP, on_reload_signal, host);
}

/* Connections and plugins need descriptors: as many as this user may have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int start_audit(struct host *host, struct err *err)
{
	const struct audit_opts *opts = &config_of(host)->audit;

	if (!opts->file)
		log_event(host->log, LOG_INFO, "audit.off",
			  "nothing of what happens is recorded: audit.file is none");
	if (audit_open(opts, host->log, &host->house.audit, err) < 0)
		return -1;
	if (records_host_start(host->house.audit, PLUGD_VERSION, host->source->file, err) < 0)
		return -1;
	records_rights(host->house.audit, &host->ground.rights);
	return 0;
}

static int start(struct host *host)
{
	struct err err;

	host->dispatch = dispatch_new(host->loop);
	dispatch_log_to(host->dispatch, host->log);
	host->registry = registry_new();
	host->telemetry = telemetry_new(config_of(host)->admin.http, host->loop);
	if (host->telemetry)
		registry_measure(host->registry, telemetry_metrics(host->telemetry));
	host->service = (struct host_service){.version = PLUGD_VERSION,
					      .registry = host->registry,
					      .started_ms = loop_now_ms(host->loop)};
	host->house = (struct unit_house){
		.loop = host->loop,
		.log = host->log,
		.spawner = host->ground.spawner,
		.groups = host->ground.groups,
		.dispatch = host->dispatch,
		.registry = host->registry,
		.metrics = telemetry_metrics(host->telemetry),
		.service = &host->service,
		.on_drained = stop_if_drained,
		.user = host,
	};
	if (bind_addresses(host, &err) < 0 ||
	    ground_give_up_rights(&host->ground, host->source->file, &err) < 0)
		return report(host, &err);
	host->house.crashes = crashes_new(&config_of(host)->crashes, host->log, &err);
	if (!host->house.crashes || start_audit(host, &err) < 0 || start_pins(host, &err) < 0)
		return report(host, &err);
	host->access_log = access_log_new(host->loop, host->log);
	if (access_log_prepare(host->access_log, config_of(host), &err) < 0)
		return report(host, &err);
	access_log_commit(host->access_log);
	make_units(host);
	if (start_edge(host) < 0 || start_control(host) < 0 || start_telemetry(host) < 0)
		return -1;
	start_listener(host);
	start_reload(host);
	start_plugins(host);
	log_event(host->log, LOG_INFO, "host.started", "", LOG_STR("version", PLUGD_VERSION),
		  LOG_INT("pid", getpid()), LOG_INT("plugins", host->roster->count));
	return 0;
}

/* From the top down: nobody above is left who could use what goes. */
static void release(struct host *host)
{
	control_stop(host->control);
	telemetry_stop(host->telemetry);
	reload_free(host->reload);
	listener_free(host->listener);
	edge_free(host->edge);
	host->house.edge = NULL;
	identity_free(host->identity);
	access_log_free(host->access_log);
	roster_release(host->roster);
	units_free(&host->house);
	loop_turn(host->loop, false);
	registry_free(host->registry);
	dispatch_free(host->dispatch);
	telemetry_free(host->telemetry);
	crashes_free(host->house.crashes);
	pins_free(host->house.pins);
	ledger_deinit(&host->house.ledger);
	addresses_free(host->addresses);
	audit_close(host->house.audit);
}

int host_run(struct plan *plan, const struct plan_source *source)
{
	struct host host = {.source = source, .roster = roster_new(plan)};
	int r;

	if (ground_lay(config_of(&host), &host.ground) < 0) {
		roster_release(host.roster);
		return 1;
	}
	host.loop = host.ground.loop;
	host.log = host.ground.log;
	listen_for_signals(&host);
	raise_descriptor_limit();
	r = start(&host);
	if (r == 0)
		loop_run(host.loop);
	loop_signal_stop(&host.on_int);
	loop_signal_stop(&host.on_term);
	loop_signal_stop(&host.on_hup);
	loop_timer_stop(&host.drain_timer);
	release(&host);
	ground_release_processes(&host.ground);
	if (r == 0)
		log_event(host.log, LOG_INFO, "host.stopped", "");
	ground_release(&host.ground);
	return r == 0 ? 0 : 1;
}
