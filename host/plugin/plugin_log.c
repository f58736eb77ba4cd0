/* What a plugin says with LOG. Owns nothing; called by the instance with each such frame. A plugin
 * chooses level, text and fields, but never passes for the host or for another plugin. */
#include "plugin/plugin_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "proto/plugd.pb-c.h"

static enum log_level level_of(Plugd__V1__LogLevel level)
{
	if (level <= PLUGD__V1__LOG_LEVEL__DEBUG)
		return LOG_DEBUG;
	if (level == PLUGD__V1__LOG_LEVEL__INFO)
		return LOG_INFO;
	return level == PLUGD__V1__LOG_LEVEL__WARN ? LOG_WARN : LOG_ERROR;
}

/* Fields of the plugin's own follow those of the host, as many as a record of ours has room for. */
#define LOG_FIELDS_MAX 16

/* A plugin's field never passes for one of the host's: where a name comes twice, readers take the
 * last. The log replaces what isn't a letter, digit, '.', '-' or '_', so no other spelling of these
 * becomes one of them. */
static const char *own_field_name(const char *name)
{
	static const struct {
		const char *name;
		const char *instead;
	} taken[] = {{"ts", "ts_"},	    {"level", "level_"},
		     {"event", "event_"},   {"msg", "msg_"},
		     {"plugin", "plugin_"}, {"instance", "instance_"},
		     {"call", "call_"},	    {"", "_"}};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (strcmp(taken[i].name, name) == 0)
			return taken[i].instead;
	}
	return name;
}

/* A text of the plugin without secrets, in the message that carried it. */
static char *clean(const struct redactor *redactor, char *text)
{
	struct buf scratch = {0};
	struct str found = redact(redactor, str_from(text), false, &scratch);

	if (found.data != text) {
		explicit_bzero(text, strlen(text));
		free(text);
		text = mem_strndup(found);
	}
	buf_deinit(&scratch);
	return text;
}

static void clean_all(const struct redactor *redactor, Plugd__V1__Log *said)
{
	if (!redactor)
		return;
	said->message = clean(redactor, said->message);
	for (size_t i = 0; i < said->n_fields; i++) {
		said->fields[i]->name = clean(redactor, said->fields[i]->name);
		said->fields[i]->value = clean(redactor, said->fields[i]->value);
	}
}

int plugin_log_take(struct log *log, const struct log_speaker *speaker, struct wire_bytes body,
		    struct err *err)
{
	Plugd__V1__Log *said = plugd__v1__log__unpack(NULL, body.len, body.data);
	struct log_field fields[3 + LOG_FIELDS_MAX + 1] = {LOG_STR("plugin", speaker->plugin),
							   LOG_STR("instance", speaker->instance)};
	size_t n = 2;

	if (!said)
		return err_set(err, ERR_PROTOCOL_FRAME, "its LOG is not a valid message");
	clean_all(speaker->redactor, said);
	if (said->call_id)
		fields[n++] = LOG_INT("call", said->call_id);
	for (size_t i = 0; i < said->n_fields && i < LOG_FIELDS_MAX; i++)
		fields[n++] =
			LOG_STR(own_field_name(said->fields[i]->name), said->fields[i]->value);
	fields[n] = (struct log_field){LOG_FIELD_END};
	if (log_is_on(log, level_of(said->level)))
		log_write_bulk(log, level_of(said->level), "plugin.log", str_from(said->message),
			       fields);
	plugd__v1__log__free_unpacked(said, NULL);
	return 0;
}
