/* The table of error numbers, made readable at run time. */
#include "observe/errors.h"

const struct error_row error_rows[] = {
#define ERROR_CODE(name, number, what, remedy) {#name, (number), (what), (remedy)},
#include "observe/errors.def"
#undef ERROR_CODE
};

const size_t error_row_count = sizeof(error_rows) / sizeof(error_rows[0]);

const struct error_row *error_find(int number)
{
	for (size_t i = 0; i < error_row_count; i++) {
		if (error_rows[i].number == number)
			return &error_rows[i];
	}
	return NULL;
}

bool error_is_protocol(int number)
{
	return number >= 2000 && number < 2100;
}
