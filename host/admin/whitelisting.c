/* The whitelist alone, read again. The work is done by the composition root; here its report
 * becomes JSON. Owns nothing. */
#include "admin/whitelisting.h"

#include "base/member.h"

struct answered whitelisting_reload(struct office *office, const json_t *args, struct reply *reply)
{
	struct pins_report report;
	struct err err;
	json_t *object;

	if (office->ops->reload_whitelist(office->user, &report, &err) < 0)
		return reply_fail(reply, &err);
	object = json_object();
	member_int(object, "entries", (int64_t)report.entries);
	member_int(object, "revoked", report.revoked);
	member_int(object, "restored", report.restored);
	return reply_ok(reply, object);
}
