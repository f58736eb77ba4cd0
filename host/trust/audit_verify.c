/* One walk along the chain. What a chain alone can't show, a key and a hash that somebody kept
 * elsewhere can: that all of it was written anew, or that its end is gone. */
#include "trust/audit_verify.h"

#include <errno.h>

#include "observe/errors.h"
#include "trust/audit_anchor.h"
#include "trust/audit_file.h"

static int take_row(const struct audit_row *row, const struct audit_proof *proof,
		    struct audit_report *report, struct err *err)
{
	struct audit_link before = report->last;
	struct audit_link link = before;
	int r = audit_link_next(&link, row, err);

	if (r < 0)
		return r;
	if (str_eq(row->event, str_from("audit.anchor"))) {
		r = proof->key ? audit_anchor_check(row->details, &before, proof->key, err) : 0;
		if (r < 0)
			return r;
		report->anchors++;
		report->anchored = before.seq;
	}
	report->last = link;
	return 0;
}

static int walk(struct audit_cursor *cursor, const struct audit_proof *proof,
		struct audit_report *report, bool *has_head_out, struct err *err)
{
	struct audit_row row;
	int r;

	while ((r = audit_cursor_next(cursor, &row, err)) == 1) {
		r = take_row(&row, proof, report, err);
		if (r < 0)
			return r;
		if (proof->head && digest_eq(proof->head, &row.hash))
			*has_head_out = true;
	}
	return r;
}

static int refuse(struct err *err, const char *what)
{
	err_set(err, ERR_AUDIT_CHAIN, "%s", what);
	return -EBADMSG;
}

int audit_verify(struct store *store, const struct audit_proof *proof, struct audit_report *report,
		 struct err *err)
{
	struct audit_cursor *cursor;
	bool has_head = false;
	/* From the lowest number that there can be: what was put in front is found. */
	int r = audit_cursor_open(store, INT64_MIN, &cursor, err);

	*report = (struct audit_report){0};
	if (r < 0)
		return r;
	r = walk(cursor, proof, report, &has_head, err);
	audit_cursor_close(cursor);
	if (r < 0)
		return r;
	if (proof->head && !has_head)
		return refuse(err, "no record has this head: the end of the trail is cut off, or "
				   "it was written anew, or it is another trail");
	if (proof->key && report->anchors == 0)
		return refuse(err, "there is no anchor: whoever can write to the file may have "
				   "written all of it");
	return 0;
}
