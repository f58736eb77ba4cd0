/* What a request shows to say who asks: reads it, and judges nothing. Pure. */
#ifndef PLUGD_IDENTITY_CREDENTIALS_H
#define PLUGD_IDENTITY_CREDENTIALS_H

#include "base/str.h"
#include "net/message.h"

/* A longer one is refused unread. */
#define CREDENTIAL_MAX_BYTES (16u << 10)

enum credential_kind {
	CREDENTIAL_API_KEY,	/* the header of API keys */
	CREDENTIAL_BASIC,	/* Authorization: Basic */
	CREDENTIAL_BEARER,	/* Authorization: Bearer */
	CREDENTIAL_CERTIFICATE, /* of the connection, verified by TLS */
	CREDENTIAL_KINDS,
};

#define CREDENTIAL_BIT(kind) (1u << (kind))

struct credential {
	enum credential_kind kind;
	struct str text;		       /* the key, or what follows the scheme */
	const struct http_client *certificate; /* of CREDENTIAL_CERTIFICATE */
};

enum credentials_verdict {
	CREDENTIALS_ABSENT,
	CREDENTIALS_ONE,
	CREDENTIALS_SEVERAL, /* nobody can say which one counts */
	CREDENTIALS_MALFORMED,
	CREDENTIALS_TOO_LONG,
};

/* Reads what a request shows of these kinds (bits); others are as if they were not there. A
 * certificate counts only where the request itself shows nothing, and `certificate` is NULL where
 * the connection is not the client's own. *out borrows from the request. */
enum credentials_verdict credentials_read(const struct http_request *request, unsigned kinds,
					  struct str api_key_header,
					  const struct http_client *certificate,
					  struct credential *out);

/* A header that holds credentials, whichever kind: plugins need not see it. */
bool credentials_is_header(struct str name, struct str api_key_header);

#endif
