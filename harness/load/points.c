#include "load/points.h"

static void points_next(struct mf_points *points)
{
    points->next = UINT64_MAX;
    points->has_in_flight = points->has_half = false;
    for (uint32_t i = 0; i < points->count; i++) {
        if (points->armed[i].left == 0)
            continue;
        points->has_in_flight |= points->armed[i].kind == MF_PLAN_POINT_IN_FLIGHT;
        points->has_half |= points->armed[i].kind == MF_PLAN_POINT_HALF;
        if (points->armed[i].kind == MF_PLAN_POINT_MESSAGE && points->armed[i].at < points->next)
            points->next = points->armed[i].at;
    }
}

void mf_points_init(struct mf_points *points, const struct mf_plan *plan)
{
    *points = (struct mf_points){.count = plan->points};
    for (uint32_t i = 0; i < plan->points; i++) {
        const struct mf_plan_point *p = &plan->point[i];
        points->armed[i].kind = p->kind;
        points->armed[i].point = p->point;
        points->armed[i].left = p->count;
        points->armed[i].at = p->kind == MF_PLAN_POINT_IN_FLIGHT ? 0 : p->first;
        points->armed[i].every = p->every;
        points->armed[i].in_flight = p->first;
        points->armed[i].was_below = true;
    }
    points_next(points);
}

bool mf_points_take(struct mf_points *points, uint32_t *point)
{
    for (uint32_t i = 0; i < points->count; i++) {
        if (points->armed[i].left == 0 || points->armed[i].kind != MF_PLAN_POINT_MESSAGE ||
            points->armed[i].at != points->sent)
            continue;
        *point = points->armed[i].point;
        points->armed[i].left--;
        points->armed[i].at += points->armed[i].every;
        points_next(points);
        return true;
    }
    return false;
}

bool mf_points_in_flight(struct mf_points *points, uint64_t in_flight, uint32_t *point)
{
    for (uint32_t i = 0; i < points->count; i++) {
        if (points->armed[i].left == 0 || points->armed[i].kind != MF_PLAN_POINT_IN_FLIGHT)
            continue;
        points->armed[i].was_below |= in_flight - 1 < points->armed[i].in_flight; /* before this one was written */
        if (in_flight < points->armed[i].in_flight || !points->armed[i].was_below || points->sent < points->armed[i].at)
            continue;
        *point = points->armed[i].point;
        points->armed[i].left--;
        points->armed[i].was_below = false;
        points->armed[i].at = points->sent + points->armed[i].every;
        points_next(points);
        return true;
    }
    return false;
}

bool mf_points_half(struct mf_points *points, uint64_t made, uint32_t *point)
{
    for (uint32_t i = 0; i < points->count; i++) {
        if (points->armed[i].left == 0 || points->armed[i].kind != MF_PLAN_POINT_HALF || made < points->armed[i].at)
            continue;
        *point = points->armed[i].point;
        points->armed[i].left--;
        points->armed[i].at += points->armed[i].every;
        points_next(points);
        return true;
    }
    return false;
}
