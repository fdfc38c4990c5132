/*-------------------------------------------------------------------------
 *
 * base/receive.c
 *	  Rows of statements, one by one, as the executor has them: they are neither
 *	  copied nor kept.
 *
 * Between SPI_connect() and SPI_finish().  Statements see what the active snapshot
 * sees.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/receive.h"

#include "nodes/params.h"
#include "tcop/dest.h"
#include "utils/memutils.h"

typedef struct Receiver
{
	DestReceiver pub;
	SkReceive	receive;
	void	   *arg;
	MemoryContext context;		/* of a row */
} Receiver;

static bool
receive_slot(TupleTableSlot *slot, DestReceiver *self)
{
	Receiver   *receiver = (Receiver *) self;
	MemoryContext old = MemoryContextSwitchTo(receiver->context);

	receiver->receive(receiver->arg, slot);
	MemoryContextSwitchTo(old);
	MemoryContextReset(receiver->context);
	return true;
}

static void
start(DestReceiver *self, int operation, TupleDesc tupdesc)
{
}

static void
end(DestReceiver *self)
{
}

static Receiver
make_receiver(SkReceive receive, void *arg)
{
	Receiver	receiver = {
		.pub = {receive_slot, start, end, end, DestSQLFunction},
		.receive = receive,
		.arg = arg,
		.context = AllocSetContextCreate(CurrentMemoryContext,
										 "schemakit received row",
										 ALLOCSET_DEFAULT_SIZES),
	};

	return receiver;
}

static ParamListInfo
make_params(int nargs, const Oid *types, const Datum *values, const char *nulls)
{
	ParamListInfo params;

	if (nargs == 0)
		return NULL;
	params = makeParamList(nargs);
	for (int i = 0; i < nargs; i++)
	{
		params->params[i].value = values[i];
		params->params[i].isnull = nulls != NULL && nulls[i] == 'n';
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = types[i];
	}
	return params;
}

/*
 * Call "receive" for each row of a SELECT that has been prepared, in a context of the
 * row.  No parameter is null.
 */
void
sk_receive_of_plan(SPIPlanPtr plan, int nargs, const Oid *types, const Datum *values,
				   SkReceive receive, void *arg)
{
	Receiver	receiver = make_receiver(receive, arg);
	SPIExecuteOptions options = {
		.params = make_params(nargs, types, values, NULL),
		.read_only = true,
		.dest = &receiver.pub,
	};
	int			code = SPI_execute_plan_extended(plan, &options);

	if (code != SPI_OK_SELECT)
		elog(ERROR, "statement returned %s", SPI_result_code_string(code));
	MemoryContextDelete(receiver.context);
}

/*
 * The same of one that has not.  "nulls" as for SPI.
 */
void
sk_receive_of_query(const char *sql, int nargs, const Oid *types, const Datum *values,
					const char *nulls, SkReceive receive, void *arg)
{
	Receiver	receiver = make_receiver(receive, arg);
	SPIExecuteOptions options = {
		.params = make_params(nargs, types, values, nulls),
		.read_only = true,
		.dest = &receiver.pub,
	};
	int			code = SPI_execute_extended(sql, &options);

	if (code != SPI_OK_SELECT)
		elog(ERROR, "statement returned %s: %s", SPI_result_code_string(code), sql);
	MemoryContextDelete(receiver.context);
}
