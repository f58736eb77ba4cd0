/* A plugin that keeps bytes in memory and hands them over, for the tests of state hand-off, and a
 * host's words about states. */
#ifndef PLUGD_TESTS_SDK_KEEPER_H
#define PLUGD_TESTS_SDK_KEEPER_H

#include "sdk_host.h"

/* Keeps as many bytes as the request says, in a pattern; tells how many, and the first three; holds
 * a stream until its caller ends it. */
enum { KEEP = 1, KEPT, HOLD };

/* Read only; both ways; written only, by a plugin that refuses to; read only, as {len: n}. */
enum { FORMAT_OLD = 1, FORMAT_NEW, FORMAT_LOCKED, FORMAT_VALUE };

#define KEEPER_STATE_MAX 30000 /* that the plugin takes, and its channel's window */

extern const struct plug_plugin keeper;
extern const struct plug_service keeper_services[1];
extern const char *const keeper_features[]; /* for HELLO, with "state" */
extern const struct host_hello keeper_hello;

/* The plugin after WELCOME, and after READY. */
struct host *start_greeted(const struct plug_plugin *plugin);
struct host *start_serving(const struct host_hello *hello);

void say_start(struct host *host);
void say_export(struct host *host, uint32_t format);
void say_import(struct host *host, uint32_t format);
void say_state(struct host *host, const void *data, size_t len);

/* STATE_END with the checksum of these bytes. */
void say_end(struct host *host, const void *data, size_t len, const char *error);

/* The error of IMPORTED; owned, NULL when there is none. */
char *hear_imported(struct host *host);

/* STATE_END with an error that has these words in it. */
void hear_end_with(struct host *host, const char *words);

/* `len` bytes of the pattern from there on, in pieces of at most `chunk`. */
void hear_pieces(struct host *host, size_t from, size_t len, size_t chunk);

/* STATE_END with the checksum of `len` bytes of the pattern. */
void hear_good_end(struct host *host, size_t len);

#endif
