#include "load/points.h"

static void points_next(struct mf_points *points)
{
    points->next = UINT64_MAX;
    for (uint32_t i = 0; i < points->count; i++)
        if (points->armed[i].left > 0 && points->armed[i].at < points->next)
            points->next = points->armed[i].at;
}

void mf_points_init(struct mf_points *points, const struct mf_plan *plan)
{
    *points = (struct mf_points){.count = plan->points};
    for (uint32_t i = 0; i < plan->points; i++) {
        const struct mf_plan_point *p = &plan->point[i];
        points->armed[i].point = p->point;
        points->armed[i].left = p->count;
        points->armed[i].at = p->first;
        points->armed[i].every = p->every;
    }
    points_next(points);
}

bool mf_points_take(struct mf_points *points, uint32_t *point)
{
    for (uint32_t i = 0; i < points->count; i++) {
        if (points->armed[i].left == 0 || points->armed[i].at != points->sent)
            continue;
        *point = points->armed[i].point;
        points->armed[i].left--;
        points->armed[i].at += points->armed[i].every;
        points_next(points);
        return true;
    }
    return false;
}
