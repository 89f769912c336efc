/* Where midflight writes into the file of a module what this one is to do (harness/faults/module_file.c): a block that
 * it finds by its first bytes. As compiled it holds the defaults. */
#ifndef BROKEN_ORDER_H
#define BROKEN_ORDER_H

#include <stdint.h>

struct order {
    char magic[16];
    uint64_t number;
    char path[1000];
};
#define ORDER(default_number)                                                                                          \
    static volatile struct order order = {.magic = "midflight order\1", .number = (default_number)}

#endif
