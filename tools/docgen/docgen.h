/* Documents that follow from tables in the code, so that they can't say something else than the
 * code does. */
#ifndef PLUGD_TOOLS_DOCGEN_H
#define PLUGD_TOOLS_DOCGEN_H

#include "base/buf.h"

/* Append the whole text of a document. */
void config_md_write(struct buf *out);	  /* docs/CONFIG.md */
void example_yaml_write(struct buf *out); /* docs/plugd.example.yaml */
void errors_md_write(struct buf *out);	  /* docs/ERRORS.md */
void metrics_md_write(struct buf *out);	  /* docs/METRICS.md */
void sandbox_md_write(struct buf *out);

#endif
