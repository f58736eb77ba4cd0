/* A route that leads to files. Inside this room only. */
#ifndef PLUGD_EDGE_STATIC_FILES_H
#define PLUGD_EDGE_STATIC_FILES_H

#include "edge/exchange.h"
#include "edge/static_root.h"

/* Answers from the exchange's route, whose `files` are open. */
void static_files_answer(struct exchange *exchange);

#endif
