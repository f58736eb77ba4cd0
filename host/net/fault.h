/* Why a request is refused before anybody above sees it: one row each. Pure. */
#ifndef PLUGD_NET_FAULT_H
#define PLUGD_NET_FAULT_H

/* FAULT(NAME, status, "a sentence for the client, without a full stop") */
/* clang-format off */
#define FAULT_ROWS(FAULT) \
	FAULT(NONE,               200, "") \
	FAULT(LINE_END,           400, "a line of the head does not end with CR LF") \
	FAULT(REQUEST_LINE,       400, "the request line is not METHOD TARGET HTTP/1.1") \
	FAULT(NEEDS_TLS,          400, "this port speaks HTTPS: write https://") \
	FAULT(HAS_NO_TLS,         400, "this port speaks HTTP without TLS: write http://") \
	FAULT(METHOD,             400, "the method is not a token") \
	FAULT(TARGET,             400, "the target is not one that the method may have") \
	FAULT(TARGET_CHARACTER,   400, "the target holds a character that must be encoded") \
	FAULT(PATH_ESCAPE,        400, "the path holds an incomplete percent escape") \
	FAULT(PATH_CHARACTER,     400, "the path holds a control character or is not UTF-8") \
	FAULT(PATH_ABOVE_ROOT,    400, "the path leads above the root") \
	FAULT(TARGET_LONG,        414, "the request line is too long") \
	FAULT(VERSION,            505, "this server speaks HTTP/1.1") \
	FAULT(CONNECT,            501, "CONNECT is not supported") \
	FAULT(HEAD_LONG,          431, "the head is too long") \
	FAULT(FIELD_COUNT,        431, "the head has too many fields") \
	FAULT(FIELD_NAME,         400, "a field name is not a token directly followed by a colon") \
	FAULT(FIELD_FOLDED,       400, "a field is folded over several lines") \
	FAULT(FIELD_VALUE,        400, "a field value holds a control character") \
	FAULT(HOST_MISSING,       400, "the Host field is missing") \
	FAULT(HOST_SEVERAL,       400, "there are several Host fields") \
	FAULT(HOST_INVALID,       400, "the host is not a name or address with an optional port") \
	FAULT(LENGTH,             400, "Content-Length is not one decimal number") \
	FAULT(LENGTH_SEVERAL,     400, "there are several Content-Length fields") \
	FAULT(LENGTH_AND_CHUNKED, 400, "there are both Content-Length and Transfer-Encoding") \
	FAULT(CODING,             400, "chunked must be the last transfer coding, once") \
	FAULT(CODING_UNKNOWN,     501, "this server knows no transfer coding but chunked") \
	FAULT(CODING_VERSION,     400, "HTTP/1.0 has no Transfer-Encoding") \
	FAULT(EXPECTATION,        417, "this server knows no expectation but 100-continue") \
	FAULT(CHUNK_SIZE,         400, "a chunk size is not a hexadecimal number") \
	FAULT(CHUNK_EXTENSION,    400, "a chunk extension is malformed or too long") \
	FAULT(CHUNK_END,          400, "a chunk is not as long as it says") \
	FAULT(TRAILER,            400, "a trailer is malformed or too long") \
	FAULT(SLOW_HEAD,          408, "the head did not arrive in time") \
	FAULT(HEAD_INCOMPLETE,    400, "a pseudo-header field is missing") \
	FAULT(FLOOD,              429, "the connection asks for much that serves no request") \
	FAULT(SLOW_BODY,          408, "the body did not arrive in time")
/* clang-format on */

enum fault {
#define FAULT(name, status, why) FAULT_##name,
	FAULT_ROWS(FAULT)
#undef FAULT
		FAULT_COUNT
};

struct fault_row {
	unsigned status;
	const char *why;
	const char *name;
};

/* Indexed by enum fault. */
extern const struct fault_row fault_rows[FAULT_COUNT];

#endif
