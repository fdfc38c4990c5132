/*-------------------------------------------------------------------------
 *
 * base/spi.h
 *	  SQL from C, checked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SPI_H
#define SK_SPI_H

#include "executor/spi.h"

extern uint64 sk_spi_execute(const char *sql, int nargs, const Oid *types,
							 const Datum *values, int expected,
							 int64 *result);

#endif							/* SK_SPI_H */
