/* Days and times. timegm() mends what does not exist (the 31st of April), so what it made of a time
 * is held against what was written. */
#include "identity/expiry.h"

#include <time.h>

static bool read_digits(struct str text, size_t at, size_t len, int *out)
{
	*out = 0;
	for (size_t i = at; i < at + len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		*out = *out * 10 + (text.data[i] - '0');
	}
	return true;
}

static bool has_form(struct str text, const char *form)
{
	if (text.len != strlen(form))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (form[i] != '0' && form[i] != text.data[i])
			return false;
	}
	return true;
}

bool expiry_parse(struct str text, int64_t *wall_s_out)
{
	bool has_time = has_form(text, "0000-00-00T00:00:00Z");
	struct tm time = {0}, made;
	time_t wall;

	if (!has_time && !has_form(text, "0000-00-00"))
		return false;
	if (!read_digits(text, 0, 4, &time.tm_year) || !read_digits(text, 5, 2, &time.tm_mon) ||
	    !read_digits(text, 8, 2, &time.tm_mday))
		return false;
	if (has_time &&
	    (!read_digits(text, 11, 2, &time.tm_hour) || !read_digits(text, 14, 2, &time.tm_min) ||
	     !read_digits(text, 17, 2, &time.tm_sec)))
		return false;
	time.tm_year -= 1900;
	time.tm_mon -= 1;
	made = time;
	wall = timegm(&made);
	if (made.tm_mday != time.tm_mday || made.tm_mon != time.tm_mon ||
	    made.tm_hour != time.tm_hour || made.tm_min != time.tm_min ||
	    made.tm_sec != time.tm_sec)
		return false;
	*wall_s_out = wall;
	return true;
}
