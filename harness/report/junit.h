/* junit.xml: a testsuite for each cell, a testcase for each expectation and one for the verdict. Threads: one. */
#ifndef MF_REPORT_JUNIT_H
#define MF_REPORT_JUNIT_H

#include "report/report.h"

/* Writes dir/junit.xml. A failed expectation is a failure; one of which the run says nothing, an error; a skipped cell
 * is skipped. */
int mf_junit_write(const char *dir, const struct mf_report *report, struct mf_error *err);

#endif
