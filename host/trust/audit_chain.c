/* Hashing records, and holding one against the one before it. Used by the host, which makes the
 * chain, and by plugctl, which verifies it. Never reads a file. */
#include "trust/audit_chain.h"

#include <errno.h>
#include <inttypes.h>

#include "observe/errors.h"

static const struct str domain = {"plugd.audit.record.v1", sizeof("plugd.audit.record.v1") - 1};

static void add_number(struct digest_stream *stream, uint64_t number)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (56 - 8 * i));
	digest_stream_add(stream, bytes, sizeof(bytes));
}

static void add_text(struct digest_stream *stream, struct str text)
{
	add_number(stream, text.len);
	if (text.len > 0)
		digest_stream_add(stream, text.data, text.len);
}

int audit_row_hash(const struct audit_row *row, struct digest *out)
{
	struct digest_stream *stream = digest_stream_new();

	if (!stream)
		return -EIO;
	add_text(stream, domain);
	add_number(stream, (uint64_t)row->seq);
	add_number(stream, (uint64_t)row->time_ms);
	add_text(stream, row->event);
	add_text(stream, row->subject);
	add_text(stream, row->actor);
	add_text(stream, row->details);
	add_text(stream, (struct str){(const char *)row->previous.bytes, DIGEST_BYTES});
	return digest_stream_end(stream, out);
}

static int refuse(int64_t seq, struct err *err, const char *what)
{
	err_set(err, ERR_AUDIT_CHAIN, "record %" PRId64 " %s", seq, what);
	return -EBADMSG;
}

int audit_link_next(struct audit_link *link, const struct audit_row *row, struct err *err)
{
	struct digest hash;

	if (row->seq != link->seq + 1)
		return refuse(link->seq + 1, err, "is missing");
	if (audit_row_hash(row, &hash) < 0) {
		err_set(err, ERR_AUDIT_FILE, "OpenSSL has no SHA-256");
		return -EIO;
	}
	if (!digest_eq(&hash, &row->hash))
		return refuse(row->seq, err, "was changed: its hash is another");
	if (!digest_eq(&link->hash, &row->previous))
		return refuse(row->seq, err, "does not follow from the one before it");
	*link = (struct audit_link){row->seq, hash};
	return 0;
}
