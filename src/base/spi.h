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
extern SPIPlanPtr sk_spi_keep(const char *sql, int nargs, const Oid *types,
							  int options);

#endif							/* SK_SPI_H */
