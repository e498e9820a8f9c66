#include "common/report/volume.h"

void volume_row_make(const int64_t before[CELL_VALUES_MAX], const int64_t flow[CELL_VALUES_MAX],
		     struct volume_row *ret)
{
	int64_t opening[BALANCE_VALUES_MAX], change[BALANCE_VALUES_MAX];

	balance_net(CELL_VOLUME, before, opening);
	balance_net(CELL_VOLUME, flow, change);
	*ret = (struct volume_row){.opening_wip = opening[BALANCE_WIP],
				   .opening_custody = opening[BALANCE_CUSTODY]};
	memcpy(ret->flow, flow, sizeof ret->flow);
	ret->closing_wip = ret->opening_wip + change[BALANCE_WIP];
	ret->closing_custody = ret->opening_custody + change[BALANCE_CUSTODY];
}
