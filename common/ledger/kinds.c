#include "common/ledger/kinds.h"

#include "common/base/check.h"

const struct field_def kind_reason_field = {.name = "reason",
					    .zh = "原因",
					    .number = KIND_REASON_NUMBER,
					    .type = FT_TEXT,
					    .flags = FF_PERSONAL,
					    .min = 1,
					    .max = REASON_BYTES_MAX};

extern const struct kind_group kinds_repair, kinds_complaint, kinds_consult, kinds_followup, kinds_customer,
    kinds_device, kinds_day, kinds_stock, kinds_site, kinds_network, kinds_staff, kinds_site_more,
    kinds_stock_more, kinds_node, kinds_roster;

/* Ascending numbers; repair orders, most of all events, come first. */
static const struct kind_group *const groups[] = {
    &kinds_repair, &kinds_complaint, &kinds_consult,	&kinds_followup, &kinds_customer,
    &kinds_device, &kinds_day,	     &kinds_stock,	&kinds_site,	 &kinds_network,
    &kinds_staff,  &kinds_site_more, &kinds_stock_more, &kinds_node,	 &kinds_roster,
};

size_t kinds_count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < AS_COUNT(groups); i++)
		n += groups[i]->n;
	return n;
}

const struct kind_def *kind_at(size_t at)
{
	size_t i = 0;

	while (i < AS_COUNT(groups) && at >= groups[i]->n)
		at -= groups[i++]->n;
	as_assert(i < AS_COUNT(groups));
	return &groups[i]->rows[at];
}

const struct kind_def *kind_of(uint32_t number)
{
	if (number - REPAIR_RECEIVED < kinds_repair.n)
		return &kinds_repair.rows[number - REPAIR_RECEIVED];
	for (size_t i = 1; i < AS_COUNT(groups) && number >= groups[i]->first; i++)
		if (number - groups[i]->first < groups[i]->n)
			return &groups[i]->rows[number - groups[i]->first];
	return NULL;
}

const struct kind_def *kind_of_name(struct bytes name)
{
	for (size_t i = 0; i < AS_COUNT(groups); i++)
		for (size_t k = 0; k < groups[i]->n; k++)
			if (code_name_is(groups[i]->rows[k].name, name))
				return &groups[i]->rows[k];
	return NULL;
}

int kind_field_index(const struct kind_def *kind, struct bytes name)
{
	for (unsigned i = 0; i < kind->fields_n; i++)
		if (code_name_is(kind->fields[i].name, name))
			return (int)i;
	return -1;
}
