/* The ground of the host. host.c lays it first and takes it away last. Order matters: the spawner
 * is a copy of what the host is by then, and stays so small; and the host moves to its own control
 * group before that, so that the spawner is born there. Inherited sockets are taken first of all,
 * so that nobody else gets them. */
#include "ground.h"

#include <stdio.h>
#include <string.h>

#include "base/member.h"

static int open_groups(const char *where, struct control_groups **out, struct err *err)
{
	return strcmp(where, CONTROL_GROUPS_NONE) == 0 ? 0 : control_groups_open(where, out, err);
}

struct log_opts ground_log_opts(const struct config *config, struct loop *loop)
{
	struct log_opts opts = config->log;

	opts.loop = loop;
	return opts;
}

static int lay_processes(const struct config *config, struct ground *ground, struct err *err)
{
	int rc = inherited_take(&ground->inherited, err);

	if (rc == 0)
		rc = rights_plan(&ground->rights, &config->process, err);
	if (rc == 0)
		rc = rights_of_sockets(&ground->rights, &config->net.unix_sockets,
				       &ground->socket_files, err);
	if (rc == 0)
		rc = open_groups(config->trust.control_groups, &ground->groups, err);
	if (rc == 0)
		ground->spawner = spawner_new(&ground->rights.duty, err);
	return ground->spawner ? 0 : -1;
}

int ground_lay(const struct config *config, struct ground *out)
{
	struct ground ground = {0};
	struct log_opts log_opts;
	struct err err;
	int rc;

	member_init();
	rc = lay_processes(config, &ground, &err);
	if (rc == 0)
		ground.loop = loop_new();
	if (rc < 0)
		fprintf(stderr, "plugd: %s [%d]\n", err.text, err.code);
	else if (!ground.loop)
		perror("plugd: the event loop");
	if (!ground.loop) {
		ground_release_processes(&ground);
		inherited_free(ground.inherited);
		return -1;
	}
	log_opts = ground_log_opts(config, ground.loop);
	ground.log = log_new(&log_opts);
	spawner_watch(ground.spawner, ground.loop, ground.log);
	*out = ground;
	return 0;
}

int ground_give_up_rights(struct ground *ground, const char *config_file, struct err *err)
{
	const struct identity *host = &ground->rights.duty.host;

	if (ground->groups && host->is_other)
		control_groups_give(ground->groups, host->uid, host->gid);
	return rights_give_up(&ground->rights, config_file, ground->log, err);
}

void ground_release_processes(struct ground *ground)
{
	spawner_free(ground->spawner);
	ground->spawner = NULL;
	control_groups_close(ground->groups);
	ground->groups = NULL;
}

void ground_release(struct ground *ground)
{
	inherited_free(ground->inherited);
	log_free(ground->log);
	loop_free(ground->loop);
}
