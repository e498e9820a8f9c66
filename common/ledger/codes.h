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
    codes_escalation_cause, codes_complaint_result, codes_certificate, codes_loaner_condition,
    codes_consult_topic, codes_consult_channel, codes_followup_about, codes_followup_rule,
    codes_followup_channel, codes_attempt_result, codes_follow_action, codes_customer_type, codes_contact,
    codes_erasure_cause, codes_access_purpose, codes_device_id, codes_device_change, codes_plan_target,
    codes_location, codes_carry_over, codes_period, codes_stock_class, codes_stock_owner, codes_stock_party,
    codes_part_source, codes_short_outcome, codes_incident, codes_incident_severity, codes_place,
    codes_promotion, codes_policy_area, codes_kpi, codes_external_step, codes_external_party,
    codes_external_subject, codes_external_result, codes_claim_step, codes_grade, codes_org_unit,
    codes_employment, codes_leave_cause, codes_proposal, codes_decision, codes_training,
    codes_training_result, codes_violation, codes_measure, codes_log_class, codes_state_repair,
    codes_state_complaint, codes_state_consult, codes_state_followup, codes_state_customer,
    codes_state_device, codes_state_day, codes_state_shipment, codes_state_hazard, codes_state_external,
    codes_state_claim, codes_state_staff, codes_state_assessment, codes_state_fact;

/* Is `name` (0-terminated) this text? */
bool code_name_is(const char *name, struct bytes text);

/* NULL when not in the list. */
const struct code_def *code_of(const struct code_list *list, uint64_t number);
const struct code_def *code_of_name(const struct code_list *list, struct bytes name);

/* Every code list, for documents. */
extern const struct code_list *const kinds_code_lists[];
extern const size_t kinds_code_lists_count;

#endif
