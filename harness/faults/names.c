#include "faults/plan.h"

const char *const mf_fault_names[MF_FAULT_COUNT] = {
#define MF_FAULT(id, name, kind, keys, text) name,
#include "faults/faults.def"
#undef MF_FAULT
};
const char *const mf_fault_texts[MF_FAULT_COUNT] = {
#define MF_FAULT(id, name, kind, keys, text) text,
#include "faults/faults.def"
#undef MF_FAULT
};
const char *const mf_whom_names[MF_WHOM_COUNT] = {
    [MF_WHOM_OLD] = "old", [MF_WHOM_NEW] = "new", [MF_WHOM_BOTH] = "both"};
