/* Dates in fields of HTTP. They are written without strftime(), whose names depend on the locale;
 * commons.c has the one of now written once per second. They are read with strptime(), because
 * plugd never leaves the locale "C". */
#include "net/date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void date_format(char out[DATE_TEXT], int64_t wall_s)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t when = wall_s;
	struct tm tm = {0};
	char text[64];

	gmtime_r(&when, &tm);
	snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
		 tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		 tm.tm_sec);
	snprintf(out, DATE_TEXT, "%.*s", DATE_TEXT - 1, text);
}

bool date_parse(struct str text, int64_t *wall_s_out)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT", /* what everybody should write */
		"%A, %d-%b-%y %H:%M:%S GMT", /* RFC 850, obsolete */
		"%a %b %d %H:%M:%S %Y",	     /* asctime(), obsolete */
	};
	char copy[64];

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, '\0', text.len))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {0};
		const char *end = strptime(copy, forms[i], &tm);

		if (!end || *end != '\0')
			continue;
		*wall_s_out = timegm(&tm);
		return true;
	}
	return false;
}
