/* Small things that authors say: verdicts, health, names of codes. Pure. */
#include <stdio.h>

#include "sdk/plug.h"

const char *plug_code_name(enum plug_code code)
{
	static const char *const names[] = {
		[PLUG_OK] = "OK",
		[PLUG_CANCELLED] = "CANCELLED",
		[PLUG_UNKNOWN] = "UNKNOWN",
		[PLUG_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
		[PLUG_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
		[PLUG_NOT_FOUND] = "NOT_FOUND",
		[PLUG_ALREADY_EXISTS] = "ALREADY_EXISTS",
		[PLUG_PERMISSION_DENIED] = "PERMISSION_DENIED",
		[PLUG_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
		[PLUG_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
		[PLUG_ABORTED] = "ABORTED",
		[PLUG_OUT_OF_RANGE] = "OUT_OF_RANGE",
		[PLUG_UNIMPLEMENTED] = "UNIMPLEMENTED",
		[PLUG_INTERNAL] = "INTERNAL",
		[PLUG_UNAVAILABLE] = "UNAVAILABLE",
		[PLUG_DATA_LOSS] = "DATA_LOSS",
		[PLUG_UNAUTHENTICATED] = "UNAUTHENTICATED",
	};

	return (unsigned)code < PLUG_COUNT(names) ? names[code] : "UNKNOWN";
}

struct plug_verdict plug_ok(void)
{
	return (struct plug_verdict){.ok = true};
}

struct plug_verdict plug_refuse(const char *format, ...)
{
	struct plug_verdict verdict = {.ok = false};
	va_list args;

	va_start(args, format);
	vsnprintf(verdict.reason, sizeof(verdict.reason), format, args);
	va_end(args);
	return verdict;
}

struct plug_health plug_healthy(void)
{
	return (struct plug_health){.state = PLUG_HEALTHY};
}

struct plug_health plug_degraded(const char *format, ...)
{
	struct plug_health health = {.state = PLUG_DEGRADED};
	va_list args;

	va_start(args, format);
	vsnprintf(health.message, sizeof(health.message), format, args);
	va_end(args);
	return health;
}

struct plug_health plug_unhealthy(const char *format, ...)
{
	struct plug_health health = {.state = PLUG_UNHEALTHY};
	va_list args;

	va_start(args, format);
	vsnprintf(health.message, sizeof(health.message), format, args);
	va_end(args);
	return health;
}
