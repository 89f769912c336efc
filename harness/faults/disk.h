/* A file system of our own below the node's folder, small enough to be filled.
 *
 * It is mounted in a mount namespace of this program's own: nobody else sees it, and it goes with the last program of
 * ours, whatever way that ends. */
#ifndef MF_FAULTS_DISK_H
#define MF_FAULTS_DISK_H

#include "faults/fault.h"

/* Before the first file is put into site->scratch. Sets site->is_mounted; where we may not mount, that stays false and
 * 0 is returned: no_disk then takes the limit on files' sizes. */
int mf_disk_open(struct mf_fault_site *site, struct mf_error *err);
/* After the target's last program has ended. */
void mf_disk_close(struct mf_fault_site *site);

#endif
