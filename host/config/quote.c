/* What people and files wrote reaches terminals and logs only in this form. */
#include "config/quote.h"

#include <stdio.h>

#define LONGEST_PIECE 4		    /* bytes of a character, and of "\xNN" */
#define TAIL	      sizeof("…\"") /* what must fit behind the last piece */

struct quote quote_of(struct str text)
{
	struct quote quote = {"\""};
	size_t used = 1;

	while (text.len > 0 && used + LONGEST_PIECE + TAIL <= sizeof(quote.text)) {
		size_t len = str_utf8_next(text);
		unsigned char byte = (unsigned char)text.data[0];
		if (len == 0 || byte < ' ' || byte == 0x7f) {
			used += (size_t)sprintf(quote.text + used, "\\x%02x", byte);
			len = 1;
		} else {
			memcpy(quote.text + used, text.data, len);
			used += len;
		}
		text.data += len;
		text.len -= len;
	}
	str_copy(quote.text + used, sizeof(quote.text) - used,
		 str_from(text.len > 0 ? "…\"" : "\""));
	return quote;
}
