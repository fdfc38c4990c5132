/*-------------------------------------------------------------------------
 *
 * base/trust.h
 *	  Whose code it is that an expression would run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TRUST_H
#define SK_TRUST_H

#include "nodes/nodes.h"

extern Oid	sk_trust_reader(Oid relid);
extern bool sk_trust_expression(Node *expr);
extern bool sk_trust_expression_by(Node *expr, Oid role);
extern Oid	sk_trust_language(Oid function);
extern Oid	sk_trust_maker(Oid type, bool *several);

#endif							/* SK_TRUST_H */
