#include "common/ledger/balance.h"

#include "common/base/check.h"

#define AFTER_BRANCH (5 + BRANCH_CODE_MAX)

static const uint8_t values[CELL_TABLES] = {
    [CELL_VOLUME] = 2, [CELL_COMPLAINTS] = 1, [CELL_COMPLAINT_TIMES] = 1};

unsigned balance_values(uint8_t table)
{
	return table < CELL_TABLES ? values[table] : 0;
}

void balance_net(uint8_t table, const int64_t v[CELL_VALUES_MAX], int64_t ret[BALANCE_VALUES_MAX])
{
	switch (table) {
	case CELL_VOLUME:
		ret[BALANCE_WIP] = v[VOL_RECEIVED] + v[VOL_TRANSFER_IN] + v[VOL_REOPENED] - v[VOL_FINISHED] -
				   v[VOL_CANCELLED] - v[VOL_TRANSFER_OUT];
		ret[BALANCE_CUSTODY] = v[VOL_RECEIVED] + v[VOL_TRANSFER_IN] - v[VOL_DELIVERED] -
				       v[VOL_CANCELLED] - v[VOL_TRANSFER_OUT];
		break;
	case CELL_COMPLAINTS:
		ret[0] =
		    v[CMP_RECEIVED] + v[CMP_REOPENED] - v[CMP_CLOSED] - v[CMP_WITHDRAWN] - v[CMP_REJECTED];
		ret[1] = 0;
		break;
	default:
		as_assert(table == CELL_COMPLAINT_TIMES);
		ret[0] = v[CT_OVERDUE_IN] - v[CT_OVERDUE_OUT];
		ret[1] = 0;
		break;
	}
}

void balance_flows(uint8_t table, const int64_t net[BALANCE_VALUES_MAX], int64_t ret_v[CELL_VALUES_MAX])
{
	memset(ret_v, 0, CELL_VALUES_MAX * sizeof ret_v[0]);
	switch (table) {
	case CELL_VOLUME:
		ret_v[VOL_RECEIVED] = net[BALANCE_CUSTODY];
		ret_v[VOL_REOPENED] = net[BALANCE_WIP] - net[BALANCE_CUSTODY];
		break;
	case CELL_COMPLAINTS:
		ret_v[CMP_RECEIVED] = net[0];
		break;
	default:
		as_assert(table == CELL_COMPLAINT_TIMES);
		ret_v[CT_OVERDUE_IN] = net[0];
		break;
	}
}

void balance_keys(const struct cell_key *cell, struct cell_key ret[BALANCE_ROWS])
{
	uint32_t day = get_be32(cell->b + 1), spans[] = {day / 10000, day / 100};

	as_assert(cell->n >= AFTER_BRANCH);
	for (size_t i = 0; i < AS_COUNT(spans); i++) {
		struct cell_key *whole = &ret[2 * i], *each = &ret[2 * i + 1];
		*each = *cell;
		put_be32(each->b + 1, spans[i]);
		*whole = (struct cell_key){.n = AFTER_BRANCH};
		memcpy(whole->b, each->b, AFTER_BRANCH);
	}
}

as_err balance_key_parse(struct bytes key, struct cell_parts *ret_parts, bool *ret_whole)
{
	struct cell_parts parts = {0};
	as_err err;

	if (key.n != AFTER_BRANCH) {
		if ((err = cell_key_parse(key, &parts)))
			return err;
	} else {
		parts.table = key.p[0];
		parts.day = get_be32(key.p + 1);
		memcpy(parts.branch, key.p + 5, BRANCH_CODE_MAX);
	}
	if (balance_values(parts.table) == 0)
		return AS_EPROTO;
	*ret_whole = key.n == AFTER_BRANCH;
	*ret_parts = parts;
	return AS_OK;
}
