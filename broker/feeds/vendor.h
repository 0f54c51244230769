#ifndef SP_FEEDS_VENDOR_H
#define SP_FEEDS_VENDOR_H

/*
 * vendor: which vendors can be asked, and what each needs and gives. A table. One feed a vendor:
 * its namespace in policies is the vendor's, not the feed's.
 */

#include "lib/base/view.h"

enum feed_vendor { FEED_NONE = 0, FEED_CROWDSTRIKE, FEED_INTUNE, FEED_VENDORS };

enum { VENDOR_REGIONS_MAX = 6, VENDOR_SIGNALS_MAX = 7 };

struct vendor_region {
    const char *name; /* "us-1"; NULL ends the list */
    const char *base_url, *login_url;
};
struct vendor {
    const char *name;       /* "crowdstrike": of the feed, its path and its command */
    const char *title;      /* "CrowdStrike" */
    const char *source;     /* "falcon": who says a value, as policy and say.c name it */
    const char *permission; /* that the API client needs */
    bool tenant;            /* the account stands in a tenant */
    const char *signals[VENDOR_SIGNALS_MAX];          /* ended by NULL */
    struct vendor_region regions[VENDOR_REGIONS_MAX]; /* the first is the usual one */
};

/* FEED_NONE has no name and no region. */
const struct vendor *vendor_of(enum feed_vendor v);
enum feed_vendor vendor_find(struct view name); /* FEED_NONE: none of ours */
/* NULL: no such region */
const struct vendor_region *vendor_region(enum feed_vendor v, struct view name);
/* The region whose addresses these are; "": other ones. */
const char *vendor_region_of(enum feed_vendor v, const char *base_url, const char *login_url);

#endif
