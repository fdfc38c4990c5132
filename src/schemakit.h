/*-------------------------------------------------------------------------
 *
 * schemakit.h
 *	  Names that every part of schemakit shares.
 *
 * The bottom of the house: this header depends on nothing of ours, and holds
 * nothing but names.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCHEMAKIT_H
#define SCHEMAKIT_H

/* The extension, and the schema that all of its objects live in. */
#define SK_EXTENSION		"schemakit"
#define SK_SCHEMA			"schemakit"

/*
 * Row triggers of one kind fire in the order of their names.  Ours must see
 * what the others did to the row, so their names sort last.
 */
#define SK_TRIGGER_PREFIX	"zz_schemakit_"

#endif							/* SCHEMAKIT_H */
