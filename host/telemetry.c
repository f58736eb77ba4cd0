/* What is counted, with the pages that show it.
 *
 * Owns the metrics, which the rooms count in as long as they live, and the operator's pages. Called
 * by host.c at the start and at the end. It fails only when the address of the pages can't be
 * had. */
#include "telemetry.h"

#include <errno.h>
#include <stdlib.h>

#include "addresses.h"
#include "admin/site.h"
#include "base/clock.h"
#include "base/mem.h"

struct telemetry {
	char *address; /* owned: a reload may free the configuration that it came from */
	struct loop *loop;
	struct metrics *metrics;
	struct loop_measure measure;
	struct site *site; /* NULL: closed */
	struct log *log;
	telemetry_show_fn *show;
	void *user;
	int64_t started_wall_ms;
};

static void on_turn(void *turns, int64_t took_us)
{
	metric_observe(turns, took_us);
}

struct telemetry *telemetry_new(const char *address, struct loop *loop)
{
	struct telemetry *telemetry;

	if (!address)
		return NULL;
	telemetry = mem_new(struct telemetry);
	telemetry->address = mem_strdup(address);
	telemetry->loop = loop;
	telemetry->metrics = metrics_new(METRIC_MAX_SERIES);
	telemetry->started_wall_ms = clock_wall_ms();
	loop_measure(loop, &telemetry->measure, on_turn,
		     metrics_histogram(telemetry->metrics, METRIC_TURN, NULL));
	return telemetry;
}

struct metrics *telemetry_metrics(const struct telemetry *telemetry)
{
	return telemetry ? telemetry->metrics : NULL;
}

static void write_metrics(void *user, struct buf *out)
{
	const struct telemetry *telemetry = user;
	struct scrape scrape = {
		.metrics = telemetry->metrics,
		.log = telemetry->log,
		.version = PLUGD_VERSION,
		.started_wall_ms = telemetry->started_wall_ms,
		.now_ms = loop_now_ms(telemetry->loop),
	};

	telemetry->show(telemetry->user, &scrape);
	scrape_write(&scrape, out);
}

static void tell_address(const struct telemetry *telemetry)
{
	char *address = address_real(telemetry->address, site_port(telemetry->site));

	log_event(telemetry->log, LOG_INFO, "admin.http_ready", "serves /metrics and /health",
		  LOG_STR("addr", address));
	free(address);
}

int telemetry_serve(struct telemetry *telemetry, const struct edge *edge, struct log *log,
		    telemetry_show_fn *show, void *user, struct err *err)
{
	if (!telemetry)
		return 0;
	telemetry->log = log;
	telemetry->show = show;
	telemetry->user = user;
	telemetry->site = site_start(&(struct site_opts){.loop = telemetry->loop,
							 .log = log,
							 .address = telemetry->address,
							 .edge = edge,
							 .write_metrics = write_metrics,
							 .user = telemetry},
				     err);
	if (!telemetry->site)
		return -EADDRNOTAVAIL;
	tell_address(telemetry);
	return 0;
}

void telemetry_stop(struct telemetry *telemetry)
{
	if (!telemetry)
		return;
	site_stop(telemetry->site);
	telemetry->site = NULL;
}

void telemetry_free(struct telemetry *telemetry)
{
	if (!telemetry)
		return;
	telemetry_stop(telemetry);
	loop_measure_stop(telemetry->loop, &telemetry->measure);
	metrics_free(telemetry->metrics);
	free(telemetry->address);
	free(telemetry);
}
