#include "report/upgrade.h"

const char *mf_upgrade_outcome(const struct mf_upgrade_result *u)
{
    if (!u->fired)
        return "not_fired";
    switch (u->outcome) {
    case MF_UPGRADE_COMMITTED:
        return "committed";
    case MF_UPGRADE_ROLLED_BACK:
        return "rolled_back";
    case MF_UPGRADE_FAILED:
        return "failed";
    case MF_UPGRADE_PENDING:
        break;
    }
    return "pending";
}

const char *mf_upgrade_stage(const struct mf_upgrade_result *u)
{
    return u->has_trigger && u->trigger_stage < MF_POINT_STAGE_COUNT ? mf_point_stage_keys[u->trigger_stage] : NULL;
}

const char *mf_upgrade_trigger_outcome(const struct mf_upgrade_result *u)
{
    bool known = u->has_trigger && u->trigger_outcome >= 0 && u->trigger_outcome < MF_OUTCOME_COUNT;
    return known ? mf_outcome_keys[u->trigger_outcome] : NULL;
}
