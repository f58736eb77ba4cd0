/* Which content coding a client wants (RFC 9110, 12.5.3). Pure. */
#ifndef PLUGD_NET_ACCEPT_ENCODING_H
#define PLUGD_NET_ACCEPT_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "net/coding.h"
#include "net/message.h"

/* How much each is wanted, in thousandths; ACCEPT_UNSAID: it is not named. */
#define ACCEPT_UNSAID (-1)

struct accept_encoding {
	int16_t weight[CODING_COUNT];
	int16_t identity; /* the body as it is */
	int16_t star;	  /* what is not named */
};

/* Nothing was said. */
void accept_encoding_init(struct accept_encoding *accept);

/* The value of one Accept-Encoding field; there may be several. An element that is malformed is
 * passed over; of one that is named twice the least weight counts. */
void accept_encoding_add(struct accept_encoding *accept, struct str value);

/* All that the fields of a request say. */
void accept_encoding_read(struct accept_encoding *accept, const struct http_field *fields,
			  size_t count);

/* The best of `order`: what the client wants most, of those alike the first. CODING_COUNT: none,
 * the body goes as it is. A client that names none wants none. */
enum coding_id accept_encoding_choose(const struct accept_encoding *accept,
				      const enum coding_id *order, size_t count);

/* The client doesn't take the body as it is (identity;q=0, or *;q=0). */
bool accept_encoding_needs_one(const struct accept_encoding *accept);

#endif
