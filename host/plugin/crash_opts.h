/* What an operator sets for the crash capsules that are kept. */
#ifndef PLUGD_PLUGIN_CRASH_OPTS_H
#define PLUGD_PLUGIN_CRASH_OPTS_H

struct crash_opts {
	char *directory; /* absolute; NULL: in memory */
	unsigned keep;	 /* so many, all plugins together */
};

#endif
