/* What can only be said of several settings together: names that must be unique, names that must
 * exist, settings that contradict each other. Pure. */
#ifndef PLUGD_CONFIG_CHECK_H
#define PLUGD_CONFIG_CHECK_H

#include "config/fill.h"

/* After everything else. Values that were refused before are still unset and are passed over. */
void check_all(struct filling *filling);

/* Of the plugins' sandboxes: settings that their profile does not look at. */
void check_sandboxes(struct filling *filling);

/* Of addresses and of TLS. */
void check_tls(struct filling *filling);

/* Of where routes lead, and which requests they take. */
void check_routes(struct filling *filling);

/* Of a route's places. */
void check_concurrency(struct filling *filling);

/* Of what pages of other origins may do. */
void check_cors(struct filling *filling);

/* Of who clients are. */
void check_identity(struct filling *filling);

/* Of whose tokens are accepted. */
void check_jwt(struct filling *filling);

/* Of bodies that are compressed or decompressed. */
void check_compress(struct filling *filling);

/* Two settings of an element, the first of which is never above the second. */
struct order {
	enum setting_id low;
	enum setting_id high;
	int64_t low_value;
	int64_t high_value;
};

/* Refuses what is written of them if it is not so. `section`: of the list; SECTION_TOP: they exist
 * once. */
void check_order(struct filling *filling, enum section_id section, size_t index,
		 const struct order *order);

/* Where an element of a list sets it, or where the element begins. */
struct place element_place(struct filling *filling, enum section_id section, size_t index,
			   enum setting_id setting);

#endif
