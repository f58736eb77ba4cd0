/* Which version of HTTP a connection speaks that has agreed on none: the first bytes tell. */
#ifndef PLUGD_NET_PREFACE_H
#define PLUGD_NET_PREFACE_H

#include "net/conn.h"

/* Takes over the connection and starts it; whoever speaks the version takes it from there. */
void preface_start(struct conn *conn);

#endif
