/* The Date field of responses, without strftime() whose names depend on the locale. commons.c calls
 * it once per second. */
#include "net/date.h"

#include <stdio.h>
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
