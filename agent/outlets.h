/*
 * Every region's outlet. Most agents have one; it is made when a database first needs it.
 */
#pragma once

#include "agent/health.h"
#include "agent/outlet.h"

struct outlets {
    struct outlet **items;
    size_t count;
};

/* NULL: there is none for that region. */
struct outlet *outlets_find(const struct outlets *outlets, const char *region);

/*
 * One for each region in which a database of this configuration lives, made of `common` with its
 * region. When all regions are known: what earlier runs left in state_dir for another region or
 * namespace is sent there, each by a former outlet (outlet.h), which goes when it has done so.
 */
PW_CHECK bool outlets_add(struct outlets *outlets, const struct outlet_options *common,
                          struct err *err);

/*
 * The region of those without one has been found: the outlet that waited for it gets it, or gives
 * what it has to the one that is for that region already, and goes. As outlet_set_region().
 */
PW_CHECK bool outlets_set_region(struct outlets *outlets, const char *region,
                                 const char *namespace_, struct err *err);

void outlets_reconfigure(const struct outlets *outlets, const struct config *config);
void outlets_correct_clock(const struct outlets *outlets, int64_t since_ms, int64_t now_ms,
                           int64_t correction_ms);
void outlets_publish(struct outlets *outlets, int64_t until_ms);

/* Datums that CloudWatch does not have; of them, those that no disk has either. */
size_t outlets_backlog(const struct outlets *outlets);
bool outlets_are_durable(const struct outlets *outlets); /* all of them: they outlive kill -9 */
size_t outlets_in_memory(const struct outlets *outlets);

/* What waits, when the last request was acknowledged (of the region where that is longest ago), and
 * what is the trouble. */
void outlets_take_stock(const struct outlets *outlets, struct health *health);

/* One `closed` for each. */
void outlets_stop(const struct outlets *outlets, outlet_closed *closed, void *arg);
