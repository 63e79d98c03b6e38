/* figures.h - time, medians and what else the figures of the benchmarks are made of. */
#ifndef TENON_TESTS_FIGURES_H
#define TENON_TESTS_FIGURES_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int compare_figures(const void *left, const void *right)
{
	double one = *(const double *)left;
	double other = *(const double *)right;

	return (one > other) - (one < other);
}

/* Sorts them. */
static inline double median(double *figures, size_t count)
{
	qsort(figures, count, sizeof(figures[0]), compare_figures);
	return count % 2 ? figures[count / 2]
	                 : (figures[count / 2 - 1] + figures[count / 2]) / 2;
}

#endif
