/* Prints the JSON Schema of scenarios, for the build target scenario-schema. */
#include <stdio.h>
#include <stdlib.h>

#include "scenario/parts.h"

int main(void)
{
    json_t *schema = mf_scenario_schema();
    if (!schema) {
        fprintf(stderr, "midflight-scenario-schema: no memory\n");
        return MF_STATUS_INTERNAL;
    }
    int bad = json_dumpf(schema, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(schema);
    if (bad || putchar('\n') == EOF || fflush(stdout) != 0) {
        perror("midflight-scenario-schema: cannot write");
        return MF_STATUS_INTERNAL;
    }
    return 0;
}
