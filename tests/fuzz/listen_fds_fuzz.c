/* Any three lines as the variables that tell of inherited sockets: each descriptor has a name
 * within them, or they are refused. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/listen_fds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + 1, 1);
	char *rest = text;
	struct listen_fds fds;
	struct listen_fds_texts texts;

	assert(text);
	memcpy(text, data, size);
	texts.pid = strsep(&rest, "\n");
	texts.fds = strsep(&rest, "\n");
	texts.names = rest;
	if (!listen_fds_read(&texts, 7, &fds)) {
		assert(fds.count <= LISTEN_FDS_MAX && (fds.count == 0 || !fds.is_another));
		for (unsigned i = 0; i < fds.count; i++) {
			struct str name = listen_fds_name(&fds, i);

			assert(!texts.names ||
			       (name.data >= texts.names &&
				name.data + name.len <= texts.names + strlen(texts.names)));
			assert(!name.len || !memchr(name.data, ':', name.len));
		}
	}
	free(text);
	return 0;
}
