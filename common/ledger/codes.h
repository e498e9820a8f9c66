/*
 * The code lists of the table of kinds. Codes are numbers on the wire and in cells, symbols in JSON and CSV,
 * and have a Chinese name for people. Numbers are never used again for something else. Pure; everything is
 * const.
 */
#ifndef AFTERSYNC_LEDGER_CODES_H
#define AFTERSYNC_LEDGER_CODES_H

#include "common/base/bytes.h"

struct code_def {
	uint32_t number;
	const char *name;
	const char *zh;
};

struct code_list {
	const char *name;
	uint32_t count;
	const struct code_def *codes; /* ascending numbers, 1 … 62; posts to 90 */
};

extern const struct code_list codes_post, codes_channel, codes_via, codes_hold, codes_taken_by, codes_occurs,
    codes_appearance, codes_accessories, codes_proof, codes_level, codes_resolution, codes_outcome,
    codes_warranty, codes_symptom, codes_cause, codes_factory_result, codes_complaint_type,
    codes_complaint_channel, codes_category, codes_severity, codes_department, codes_unit,
    codes_escalation_cause, codes_complaint_result, codes_log_class, codes_state_repair,
    codes_state_complaint;

/* Is `name` (0-terminated) this text? */
bool code_name_is(const char *name, struct bytes text);

/* NULL when not in the list. */
const struct code_def *code_of(const struct code_list *list, uint64_t number);
const struct code_def *code_of_name(const struct code_list *list, struct bytes name);

/* Every code list, for documents. */
extern const struct code_list *const kinds_code_lists[];
extern const size_t kinds_code_lists_count;

#endif
