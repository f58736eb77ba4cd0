/* Keys and values in an SQLite file. One thread uses a store; several processes may use one
 * file. */
#ifndef KV_STORE_H
#define KV_STORE_H

#include <plug.h>
#include <stdbool.h>
#include <stdint.h>

#define STORE_KEY_MAX	255
#define STORE_VALUE_MAX (32 << 10)

struct store;

enum store_result {
	STORE_OK,
	STORE_NOT_FOUND,
	STORE_BUSY, /* another process wrote for longer than the time-out */
	STORE_FULL, /* the disk */
	STORE_FAILED,
};

struct store_entry {
	struct plug_bytes key;
	struct plug_bytes value;
};

struct store_value {
	size_t len;
	uint8_t data[STORE_VALUE_MAX];
};

/* Opens the file, made if it isn't there, or returns NULL and says why. Waits up to busy_timeout_ms
 * for other processes, here and later. */
struct store *store_open(const char *path, int busy_timeout_ms, char *why, size_t why_size);
void store_close(struct store *store);

/* What SQLite said about the last failure. Valid until the next use of the store. */
const char *store_error(const struct store *store);

enum store_result store_get(struct store *store, struct plug_bytes key,
			    struct store_value *value_out);
enum store_result store_put(struct store *store, struct plug_bytes key, struct plug_bytes value,
			    bool *created_out);
enum store_result store_delete(struct store *store, struct plug_bytes key);

/* A number that changes when another process has written to the file; -1: nobody knows. */
int64_t store_version(struct store *store);

/* Entries in the order of their keys, from the first that is not less than `from`: store_scan(),
 * then store_next() until it is not STORE_OK (STORE_NOT_FOUND at the end), then store_scan_end().
 * An entry and `from` are valid until the next step. Nothing else uses the store meanwhile. */
void store_scan(struct store *store, struct plug_bytes from);
enum store_result store_next(struct store *store, struct store_entry *entry_out);
void store_scan_end(struct store *store);

#endif
