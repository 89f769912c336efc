/* The command target's inside: shared by the files that make it up (command.c: its life; command_upgrade.c: its
 * upgrades; command_folder.c: its folder and what it needs). Threads: the loop's. */
#ifndef MF_TARGETS_COMMAND_H
#define MF_TARGETS_COMMAND_H

#include "targets/course.h"
#include "targets/ports.h"
#include "targets/scene.h"
#include "targets/target.h"
#include "targets/watch.h"

enum mf_command_stage {
    MF_COMMAND_PREPARING,
    MF_COMMAND_STARTING, /* until it is ready */
    MF_COMMAND_IDLE,
    MF_COMMAND_UPGRADING,  /* its steps */
    MF_COMMAND_COMPLETING, /* until it is complete */
    MF_COMMAND_FAILING,    /* it has said that it failed: does the old version go on? */
    MF_COMMAND_STOPPING,   /* its steps */
    MF_COMMAND_LEAVING,    /* until nobody is left, by itself, by SIGTERM, by SIGKILL */
    MF_COMMAND_CLOSING,
};

struct mf_command {
    struct mf_target target; /* first: a target is cast to its command */
    struct mf_command_options options;
    const struct mf_command_target *plan;
    struct mf_scene scene;
    struct mf_ports ports;
    char dir[PATH_MAX];
    enum mf_command_stage stage;
    uv_timer_t timer;
    bool is_ready, has_failed, is_stopping, was_told_dead;
    uint64_t stage_ns; /* when this stage began */
    uint64_t next_trim_ns;
    uint64_t strangers_ns;   /* since when its port seems to be another program's; 0: it never did */
    struct mf_course course; /* of the steps under way */
    struct mf_watch watch;   /* ready, complete */
    struct mf_watch failure; /* failed */
    int escalation;          /* LEAVING: how far it has come */

    /* The upgrade under way, or the last one. */
    uint32_t k;
    uint64_t requested_ns;
    uint64_t replies_at_failure;
};

void mf_command_stage_to(struct mf_command *c, enum mf_command_stage stage);
/* The first failure ends the target. */
void mf_command_fail(struct mf_command *c, const struct mf_error *err);
/* Whether one of its processes lives; writes which is the one that counts into the recorder (0: none). */
bool mf_command_lives(struct mf_command *c);

/* command_upgrade.c */
void mf_command_upgrade(struct mf_command *c, uint32_t k);
void mf_command_upgrade_tick(struct mf_command *c);
/* Who of those that lived at the last upgrade's request has gone since: into its slot. */
void mf_command_count_gone(struct mf_command *c);
void mf_command_slot_fail(struct mf_command *c, uint32_t k, enum mf_upgrade_outcome outcome, const char *reason);

/* command_folder.c */
/* Makes the folder, the ports, the logs, the environment and the files. -1 with *err; mf_command_folder_remove takes
 * what is there. */
int mf_command_folder_make(struct mf_command *c, struct mf_error *err);
void mf_command_folder_remove(struct mf_command *c);

#endif
