/* The loader's answer is the same for all of the process, and so this is the one place that keeps
 * something outside of a struct of somebody's. Never unloads: libraries below libcurl do not take
 * that well. */
#include "net/curl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

/* Since 7.83, with the calls for headers; the number changes when a call does. */
#define CURL_LIBRARY "libcurl.so.4"

static bool find(void *library, const char *name, void *call_out)
{
	void **call = call_out;

	*call = dlsym(library, name);
	return *call != NULL;
}

static bool load(struct curl *curl)
{
	void *library = dlopen(CURL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	bool is_whole = library != NULL;

#define CALL(name) is_whole = is_whole && find(library, "curl_" #name, &curl->name);
	CURL_CALLS(CALL)
#undef CALL
	return is_whole && curl->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

const struct curl *curl_load(void)
{
	static struct curl curl;
	static bool is_loaded;

	if (!is_loaded)
		is_loaded = load(&curl);
	return is_loaded ? &curl : NULL;
}
