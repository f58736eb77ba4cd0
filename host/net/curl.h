/* libcurl, loaded when it is first asked for, and then for good. It brings two dozen libraries with
 * it (GnuTLS, Kerberos, LDAP), 4 MiB of memory and half of the time that the loader takes, and
 * most hosts never fetch anything. */
#ifndef PLUGD_NET_CURL_H
#define PLUGD_NET_CURL_H

#include <curl/curl.h>

/* Those that are called, without their "curl_". */
#define CURL_CALLS(CALL)                                                                           \
	CALL(global_init)                                                                          \
	CALL(free)                                                                                 \
	CALL(url)                                                                                  \
	CALL(url_cleanup)                                                                          \
	CALL(url_get)                                                                              \
	CALL(url_set)                                                                              \
	CALL(easy_init)                                                                            \
	CALL(easy_cleanup)                                                                         \
	CALL(easy_setopt)                                                                          \
	CALL(easy_getinfo)                                                                         \
	CALL(easy_header)                                                                          \
	CALL(easy_strerror)                                                                        \
	CALL(multi_init)                                                                           \
	CALL(multi_cleanup)                                                                        \
	CALL(multi_setopt)                                                                         \
	CALL(multi_add_handle)                                                                     \
	CALL(multi_remove_handle)                                                                  \
	CALL(multi_assign)                                                                         \
	CALL(multi_socket_action)                                                                  \
	CALL(multi_info_read)

struct curl {
#define CALL(name) __typeof__(curl_##name) *name;
	CURL_CALLS(CALL)
#undef CALL
};

/* NULL: it is not there, or not the one that we know. Valid until the process ends. */
const struct curl *curl_load(void);

#endif
