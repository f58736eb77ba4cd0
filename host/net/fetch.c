/* Outbound GETs by libcurl's multi interface, which asks for descriptors and a timer; base/loop
 * gives them. A fetcher owns its fetches' connections, and keeps none open after an answer. Called
 * by identity/jwks_source. A fetch fails with a sentence that names no more than the operator's own
 * URL would; libcurl's threads only resolve names. */
#include "net/fetch.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/curl.h"
#include "net/list.h"

#define CONNECT_TIMEOUT_MS 5000L

struct fetcher {
	struct loop *loop;
	const struct curl *curl;
	CURLM *multi;
	struct loop_timer timer;
};

/* A socket that libcurl waits for. */
struct watched {
	struct loop_io io;
	struct fetcher *fetcher;
	curl_socket_t fd;
};

struct fetch {
	struct fetcher *fetcher;
	CURL *easy;
	char *url; /* for errors */
	size_t max_bytes;
	int code;
	bool is_too_large;
	struct buf body;
	char why[CURL_ERROR_SIZE];
	fetch_done_fn *on_done;
	void *user;
};

/* ---- what an answer says ---- */

int64_t fetch_max_age(struct str text)
{
	static const struct str key = {"max-age=", 8};
	int64_t seconds = -1;
	struct str part;

	while (list_next(&text, &part)) {
		struct str head = {part.data, part.len < key.len ? part.len : key.len};
		uint64_t value;

		if (str_eq_nocase(part, STR_LITERAL("no-store")) ||
		    str_eq_nocase(part, STR_LITERAL("no-cache")))
			return 0;
		if (str_eq_nocase(head, key) &&
		    str_to_u64((struct str){part.data + key.len, part.len - key.len}, INT32_MAX,
			       &value))
			seconds = (int64_t)value;
	}
	return seconds;
}

static int64_t max_age_of(const struct curl *curl, CURL *easy)
{
	struct curl_header *header;

	if (curl->easy_header(easy, "Cache-Control", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return -1;
	return fetch_max_age(str_from(header->value));
}

static void fetch_free(struct fetch *fetch)
{
	fetch->fetcher->curl->multi_remove_handle(fetch->fetcher->multi, fetch->easy);
	fetch->fetcher->curl->easy_cleanup(fetch->easy);
	buf_deinit(&fetch->body);
	free(fetch->url);
	free(fetch);
}

/* What stands against using it; an empty error: nothing. */
static void judge(struct fetch *fetch, CURLcode result, struct err *err)
{
	long status = 0;

	fetch->fetcher->curl->easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	if (fetch->is_too_large)
		err_set(err, fetch->code, "%s: the answer has more than %zu bytes", fetch->url,
			fetch->max_bytes);
	else if (result != CURLE_OK)
		err_set(err, fetch->code, "%s: %s", fetch->url,
			fetch->why[0] ? fetch->why : fetch->fetcher->curl->easy_strerror(result));
	else if (status >= 300 && status < 400)
		err_set(err, fetch->code,
			"%s: it is answered with %ld and leads elsewhere; write the URL it leads "
			"to",
			fetch->url, status);
	else if (status != 200)
		err_set(err, fetch->code, "%s: it is answered with %ld", fetch->url, status);
}

static void fetch_finish(struct fetch *fetch, CURLcode result)
{
	struct err err = {0};
	struct fetch_answer answer;

	judge(fetch, result, &err);
	if (err.code) {
		fetch->on_done(fetch->user, NULL, &err);
	} else {
		answer.body =
			(struct str){(const char *)buf_front(&fetch->body), buf_len(&fetch->body)};
		answer.max_age_s = max_age_of(fetch->fetcher->curl, fetch->easy);
		fetch->on_done(fetch->user, &answer, &err);
	}
	fetch_free(fetch);
}

/* ---- libcurl on the loop ---- */

static void finish_those_done(struct fetcher *fetcher)
{
	CURLMsg *message;
	int left;

	while ((message = fetcher->curl->multi_info_read(fetcher->multi, &left))) {
		struct fetch *fetch = NULL;
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		fetcher->curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
		fetch_finish(fetch, result);
	}
}

static void on_ready(void *user, bool readable, bool writable)
{
	struct watched *watched = user;
	struct fetcher *fetcher = watched->fetcher;
	int events = (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0);
	int running;

	fetcher->curl->multi_socket_action(fetcher->multi, watched->fd, events, &running);
	finish_those_done(fetcher);
}

static void on_due(void *user)
{
	struct fetcher *fetcher = user;
	int running;

	fetcher->curl->multi_socket_action(fetcher->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_those_done(fetcher);
}

static int on_timer(CURLM *multi, long timeout_ms, void *user)
{
	struct fetcher *fetcher = user;

	if (timeout_ms < 0)
		loop_timer_stop(&fetcher->timer);
	else
		loop_timer_start(&fetcher->timer, timeout_ms);
	return 0;
}

static struct watched *watch_socket(struct fetcher *fetcher, curl_socket_t fd)
{
	struct watched *watched = mem_new(struct watched);

	watched->fetcher = fetcher;
	watched->fd = fd;
	loop_io_init(&watched->io, fetcher->loop, fd, on_ready, watched);
	fetcher->curl->multi_assign(fetcher->multi, fd, watched);
	return watched;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
	struct fetcher *fetcher = user;
	struct watched *watched = of_socket;

	if (what == CURL_POLL_REMOVE) {
		if (!watched)
			return 0;
		loop_io_want(&watched->io, false, false);
		fetcher->curl->multi_assign(fetcher->multi, fd, NULL);
		loop_retire(fetcher->loop, free, watched);
		return 0;
	}
	if (!watched)
		watched = watch_socket(fetcher, fd);
	loop_io_want(&watched->io, what == CURL_POLL_IN || what == CURL_POLL_INOUT,
		     what == CURL_POLL_OUT || what == CURL_POLL_INOUT);
	return 0;
}

struct fetcher *fetcher_new(struct loop *loop)
{
	struct fetcher *fetcher = mem_new(struct fetcher);

	fetcher->curl = curl_load();
	assert(fetcher->curl);
	fetcher->loop = loop;
	fetcher->multi = fetcher->curl->multi_init();
	if (!fetcher->multi)
		mem_die();
	loop_timer_init(&fetcher->timer, loop, on_due, fetcher);
	fetcher->curl->multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	fetcher->curl->multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
	fetcher->curl->multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	fetcher->curl->multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
	return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
	if (!fetcher)
		return;
	loop_timer_stop(&fetcher->timer);
	fetcher->curl->multi_cleanup(fetcher->multi);
	loop_timer_stop(&fetcher->timer);
	free(fetcher);
}

/* ---- one fetch ---- */

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
	struct fetch *fetch = user;
	size_t len = size * count;

	if (len > fetch->max_bytes - buf_len(&fetch->body)) {
		fetch->is_too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	buf_append(&fetch->body, data, len);
	return len;
}

static void set_options(CURL *easy, struct fetch *fetch, const struct fetch_opts *opts)
{
	const struct curl *curl = fetch->fetcher->curl;

	curl->easy_setopt(easy, CURLOPT_URL, opts->url);
	curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
			  strncasecmp(opts->url, "https:", 6) == 0 ? "https" : "http");
	curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl->easy_setopt(easy, CURLOPT_PROXY, ""); /* nor one of the environment */
	curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl->easy_setopt(easy, CURLOPT_USERAGENT, "plugd");
	curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)opts->timeout_ms);
	curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	if (opts->ca_file) {
		curl->easy_setopt(easy, CURLOPT_CAINFO, opts->ca_file);
		curl->easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->why);
	curl->easy_setopt(easy, CURLOPT_PRIVATE, fetch);
	curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl->easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
}

struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_opts *opts,
			  fetch_done_fn *on_done, void *user)
{
	struct fetch *fetch = mem_new(struct fetch);

	fetch->fetcher = fetcher;
	fetch->url = mem_strdup(opts->url);
	fetch->max_bytes = opts->max_bytes;
	fetch->code = opts->code;
	fetch->on_done = on_done;
	fetch->user = user;
	fetch->easy = fetcher->curl->easy_init();
	if (!fetch->easy)
		mem_die();
	set_options(fetch->easy, fetch, opts);
	fetcher->curl->multi_add_handle(fetcher->multi, fetch->easy);
	return fetch;
}

void fetch_cancel(struct fetch *fetch)
{
	if (fetch)
		fetch_free(fetch);
}

/* ---- URLs ---- */

static bool is_this_machine(const char *host)
{
	return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "[::1]") == 0 ||
	       strcasecmp(host, "localhost") == 0;
}

static const char no_url[] =
	"is no URL; write the whole of it, such as https://login.example.com/keys";

static const char *check_parts(const struct curl *curl, CURLU *url)
{
	char *scheme = NULL, *host = NULL, *user = NULL;
	const char *why = NULL;

	curl->url_get(url, CURLUPART_SCHEME, &scheme, 0);
	curl->url_get(url, CURLUPART_HOST, &host, 0);
	if (!scheme || !host)
		why = no_url;
	else if (curl->url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK)
		why = "holds a user's name, which would be in logs";
	else if (strcmp(scheme, "http") == 0 && !is_this_machine(host))
		why = "is not https, and not of this machine: anybody on the way could change what "
		      "is fetched";
	else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		why = "is not https";
	curl->free(scheme);
	curl->free(host);
	curl->free(user);
	return why;
}

const char *fetch_check_url(struct str text)
{
	const struct curl *curl = curl_load();
	const char *why = no_url;
	char *copy;
	CURLU *url;

	if (!curl)
		return "can't be fetched, because libcurl is not installed (the package libcurl4)";
	copy = mem_strndup(text);
	url = curl->url();
	if (strlen(copy) == text.len && url &&
	    curl->url_set(url, CURLUPART_URL, copy, 0) == CURLUE_OK)
		why = check_parts(curl, url);
	curl->url_cleanup(url);
	free(copy);
	return why;
}
