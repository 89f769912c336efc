/* Mutants of ourselves: one-line sabotages of the books, each of which the self test (tests/self) must find out.
 *
 * MF_SABOTAGE(n, honest, sabotaged) is `honest`, and the other is not even compiled, but in the test library of mutant
 * n (built with -DMF_MUTANT=n; see tests/CMakeLists.txt). Numbers are not used twice. */
#ifndef MF_CHECKER_SABOTAGE_H
#define MF_CHECKER_SABOTAGE_H

#ifdef MF_MUTANT
#define MF_SABOTAGE(n, honest, sabotaged) ((n) == MF_MUTANT ? (sabotaged) : (honest))
#else
#define MF_SABOTAGE(n, honest, sabotaged) (honest)
#endif

#endif
