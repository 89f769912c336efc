/* The list of faults.def as tables. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "faults/fault.h"

#define MF_FAULT(id, name, kind, keys, text) extern const struct mf_fault mf_fault_##id;
#include "faults/faults.def"
#undef MF_FAULT

static const struct mf_fault *const faults[MF_FAULT_COUNT] = {
#define MF_FAULT(id, name, kind, keys, text) &mf_fault_##id,
#include "faults/faults.def"
#undef MF_FAULT
};
static const enum mf_fault_kind kinds[MF_FAULT_COUNT] = {
#define MF_FAULT(id, name, kind, keys, text) MF_FAULT_KIND_##kind,
#include "faults/faults.def"
#undef MF_FAULT
};

const struct mf_fault *mf_fault_of(enum mf_fault_id id)
{
    return faults[id];
}

/* What is wrong with a row; NULL: nothing. */
static const char *row_trouble(unsigned i)
{
    const struct mf_fault *f = faults[i];
    if (!f->name || strcmp(f->name, mf_fault_names[i]) != 0)
        return "its table has another name";
    if (!f->inject)
        return "`inject` is required";
    if (kinds[i] == MF_FAULT_KIND_MODULE && !f->undo)
        return "a fault of a module's file must be undone";
    return NULL;
}

int mf_faults_check(struct mf_error *err)
{
    for (unsigned i = 0; i < MF_FAULT_COUNT; i++) {
        const char *trouble = row_trouble(i);
        if (trouble)
            return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "faults.def, %s: %s", mf_fault_names[i], trouble);
    }
    return 0;
}

void mf_act_say(struct mf_fault_act *act, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(act->what, sizeof act->what, format, args);
    va_end(args);
}
