#include "common/report/volume.h"

int64_t volume_wip(const int64_t v[CELL_VALUES_MAX])
{
	return v[VOL_RECEIVED] + v[VOL_TRANSFER_IN] + v[VOL_REOPENED] - v[VOL_FINISHED] - v[VOL_CANCELLED] -
	       v[VOL_TRANSFER_OUT];
}

int64_t volume_custody(const int64_t v[CELL_VALUES_MAX])
{
	return v[VOL_RECEIVED] + v[VOL_TRANSFER_IN] - v[VOL_DELIVERED] - v[VOL_CANCELLED] -
	       v[VOL_TRANSFER_OUT];
}

int64_t complaints_open(const int64_t v[CELL_VALUES_MAX])
{
	return v[CMP_RECEIVED] + v[CMP_REOPENED] - v[CMP_CLOSED] - v[CMP_WITHDRAWN] - v[CMP_REJECTED];
}

void volume_row_make(const int64_t before[CELL_VALUES_MAX], const int64_t flow[CELL_VALUES_MAX],
		     struct volume_row *ret)
{
	*ret =
	    (struct volume_row){.opening_wip = volume_wip(before), .opening_custody = volume_custody(before)};
	memcpy(ret->flow, flow, sizeof ret->flow);
	ret->closing_wip = ret->opening_wip + volume_wip(flow);
	ret->closing_custody = ret->opening_custody + volume_custody(flow);
}
