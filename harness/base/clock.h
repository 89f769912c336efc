/* Time inside midflight: nanoseconds on CLOCK_MONOTONIC, which all processes of one host share. */
#ifndef MF_BASE_CLOCK_H
#define MF_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define MF_NS_PER_US 1000ULL
#define MF_NS_PER_MS 1000000ULL
#define MF_NS_PER_S 1000000000ULL

static inline uint64_t mf_clock_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * MF_NS_PER_S + (uint64_t)t.tv_nsec;
}

static inline struct timespec mf_clock_timespec(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / MF_NS_PER_S), .tv_nsec = (long)(ns % MF_NS_PER_S)};
}

#endif
