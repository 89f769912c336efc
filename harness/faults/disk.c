#include "faults/disk.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#define DISK_OPTIONS "size=24m,mode=0700"

/* Once per program: what is mounted from here on stays among us. */
static bool namespace_open(void)
{
    static bool is_open;
    if (!is_open && unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
        is_open = true;
    return is_open;
}

int mf_disk_open(struct mf_fault_site *site, struct mf_error *err)
{
    if (!namespace_open())
        return 0;
    if (mount("midflight", site->scratch, "tmpfs", MS_NOSUID | MS_NODEV, DISK_OPTIONS) == 0)
        site->is_mounted = true;
    else if (errno != EPERM)
        return mf_error_errno(err, MF_STATUS_INTERNAL, site->scratch, "cannot mount a small disk there");
    return 0;
}

void mf_disk_close(struct mf_fault_site *site)
{
    if (site->is_mounted && umount2(site->scratch, UMOUNT_NOFOLLOW) != 0)
        umount2(site->scratch, MNT_DETACH | UMOUNT_NOFOLLOW); /* a descriptor of ours is still in there */
    site->is_mounted = false;
}
