/*
 * Writes docs/domain.md and docs/bodies.proto from the table of kinds, the transitions and the cell tables.
 *
 *	gen_domain domain|bodies > FILE
 */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/ledger/checks.h"
#include "common/ledger/deadline.h"
#include "common/ledger/ledger.h"
#include "common/ledger/transitions.h"

static const char *const type_names[] = {
    [FT_U32] = "number",     [FT_I64] = "number",      [FT_BOOL] = "yes/no", [FT_CODE] = "code",
    [FT_CODE_SET] = "codes", [FT_CODE_LIST] = "codes", [FT_MONEY] = "fen",   [FT_DATE] = "date",
    [FT_TIME] = "time",	     [FT_TEXT] = "text",       [FT_BYTES] = "bytes", [FT_BLOB] = "bytes",
    [FT_STAFF] = "staff",    [FT_BRANCH] = "branch",   [FT_IMEI] = "IMEI",   [FT_PHONE] = "phone",
    [FT_ROWS] = "rows"};

static const char *const proto_types[] = {[FT_U32] = "uint32",
					  [FT_I64] = "sint64",
					  [FT_BOOL] = "bool",
					  [FT_CODE] = "uint32",
					  [FT_CODE_SET] = "uint64",
					  [FT_CODE_LIST] = "uint32",
					  [FT_MONEY] = "uint32",
					  [FT_DATE] = "uint32",
					  [FT_TIME] = "sint64",
					  [FT_TEXT] = "string",
					  [FT_BYTES] = "bytes",
					  [FT_BLOB] = "bytes",
					  [FT_STAFF] = "uint32",
					  [FT_BRANCH] = "string",
					  [FT_IMEI] = "string",
					  [FT_PHONE] = "string",
					  [FT_ROWS] = ""}; /* the row's message */

static const char *const dim_names[] = {[DIM_CHANNEL] = "channel",
					[DIM_WARRANTY] = "warranty",
					[DIM_CAUSE] = "cause",
					[DIM_TYPE] = "type",
					[DIM_CATEGORY] = "category",
					[DIM_SEVERITY] = "severity",
					[DIM_COMPLAINT_CHANNEL] = "channel",
					[DIM_BUCKET] = "minutes",
					[DIM_MODEL] = "model"};

static void limits(const struct field_def *f)
{
	switch (f->type) {
	case FT_U32:
	case FT_I64:
	case FT_MONEY:
		if (f->max == INT64_MAX)
			printf("from %lld", (long long)f->min);
		else
			printf("%lld … %lld", (long long)f->min, (long long)f->max);
		break;
	case FT_TEXT:
	case FT_BLOB:
		printf("≤ %lld bytes", (long long)f->max);
		break;
	case FT_BYTES:
		printf("%lld bytes", (long long)f->max);
		break;
	case FT_CODE:
	case FT_CODE_SET:
	case FT_CODE_LIST:
		printf("[%s](#codes)", f->codes->name);
		break;
	case FT_ROWS:
		printf("≤ %lld of [%s](#rows)", (long long)f->max, f->row->name);
		break;
	default:
		break;
	}
}

/* Who sets it when the caller does not. */
static void set_by(const struct kind_def *k, const struct field_def *f)
{
	if (f->flags & FF_SYSTEM)
		printf("set by the branch");
	for (size_t i = 0; i < due_rows_count; i++)
		if (due_rows[i].kind == k->number && strcmp(due_rows[i].field, f->name) == 0)
			printf("%s`%s`", f->flags & FF_SYSTEM ? ", " : "when not given: ",
			       policy_defs[due_rows[i].value].name);
}

static void field_row(const struct kind_def *k, const struct field_def *f)
{
	printf("| %u | `%s` | %s | %s | ", f->number, f->name, f->zh, type_names[f->type]);
	limits(f);
	printf(" | %s%s%s | %s | ",
	       f->flags & FF_REQUIRED	     ? "yes"
	       : f->flags & FF_LIVE_REQUIRED ? "unless imported"
					     : "",
	       f->rule ? ", " : "", f->rule ? rule_name(f->rule) : "", f->flags & FF_PERSONAL ? "P" : "");
	set_by(k, f);
	printf(" |\n");
}

static void posts(uint32_t mask)
{
	const char *sep = "";

	for (uint32_t i = 0; i < codes_post.count; i++) {
		if (!(mask & kind_post_bit(codes_post.codes[i].number)))
			continue;
		printf("%s%s", sep, codes_post.codes[i].name);
		sep = ", ";
	}
}

static const char *state_name(uint8_t type, uint8_t state)
{
	if (state == TO_PREVIOUS)
		return "the state before";
	return state == 0 ? "–" : ledger_state_name(type, state);
}

static void transition_rows(const struct kind_def *k)
{
	bool any = false;

	for (size_t i = 0; i < transitions_count; i++) {
		const struct transition *t = &transitions[i];
		if (t->kind != k->number)
			continue;
		if (!any)
			printf("\n| from | to | when |\n|---|---|---|\n");
		any = true;
		printf("| %s | %s | ", state_name(k->case_type, t->from), state_name(k->case_type, t->to));
		for (size_t g = 0; g < TRANSITION_GUARDS_MAX && t->guards[g]; g++)
			printf("%s%s (%s%s)", g ? "; " : "", guard_defs[t->guards[g]].text,
			       rule_name(guard_defs[t->guards[g]].rule),
			       guard_defs[t->guards[g]].later ? ", later" : "");
		printf(" |\n");
	}
}

static void check_rows_of(const struct kind_def *k)
{
	bool any = false;

	for (size_t i = 0; i < checks_count; i++) {
		const struct check *c = &checks[i];
		if (c->kind != k->number)
			continue;
		if (!any)
			printf("\nRefused, unless imported:\n\n");
		any = true;
		printf("* %s%s%s%s\n", c->text, c->rule ? " " : "", c->rule ? rule_name(c->rule) : "",
		       c->or_approver ? ", unless approved" : "");
	}
}

/* The rules that bind a kind: of its fields, guards, checks and row; those of every kind stand in the table.
 */
static void rules_of(const struct kind_def *k)
{
	bool is[RULES] = {false};
	static const char *const status[] = {" (later)", " (in part)", ""};
	const char *sep = "\nRules: ";

	for (unsigned i = 0; i < k->fields_n; i++)
		is[k->fields[i].rule] = true;
	for (size_t i = 0; i < transitions_count; i++)
		for (size_t g = 0; transitions[i].kind == k->number && g < TRANSITION_GUARDS_MAX; g++)
			is[guard_defs[transitions[i].guards[g]].rule] = true;
	for (size_t i = 0; i < checks_count; i++)
		if (checks[i].kind == k->number)
			is[checks[i].rule] = true;
	for (size_t i = 0; i < KIND_RULES_MAX; i++)
		is[k->rules[i]] = true;
	is[R_NONE] = is[R_03] = is[R_04] = is[R_07] = false;
	for (unsigned r = 0; r < RULES; r++) {
		if (!is[r])
			continue;
		printf("%s[%s](#rules)%s", sep, rule_name(r), status[rule_defs[r].status]);
		sep = ", ";
	}
	if (sep[0] == ',')
		printf(".\n");
}

static void rule_section(void)
{
	static const char *const status[] = {"later", "in part", "yes"};

	printf("\n## Rules\n\nB: refused at the branch, naming the rule. H: marked at head office (R-04: "
	       "flagged). A: an alarm "
	       "or an overdue figure. C: a policy may change its values. R-03, R-04 and R-07 bind every "
	       "kind. Source: S the "
	       "handbook, with its numbers, L law, D decided here.\n\n"
	       "| rule | text | source | where | enforced | its test | what the rest needs "
	       "|\n|---|---|---|---|---|---|---|\n");
	for (unsigned r = 1; r < RULES; r++) {
		const struct rule_def *d = &rule_defs[r];
		printf("| %s | %s | %s |%s%s%s%s | %s | %s%s | %s |\n", d->name, d->text, d->source,
		       d->where & RULE_BRANCH ? " B" : "", d->where & RULE_HQ ? " H" : "",
		       d->where & RULE_ALARM ? " A" : "", d->where & RULE_POLICY ? " C" : "",
		       status[d->status], d->shown ? "tests/" : "", d->shown ? d->shown : "",
		       d->needs ? d->needs : "");
	}
	printf("\n### Values of a policy\n\n| value | default | | rule |\n|---|---|---|---|\n");
	for (unsigned i = 0; i < POLICY_VALUES; i++)
		printf("| `%s` | %d | %s | %s |\n", policy_defs[i].name, policy_defs[i].value,
		       policy_defs[i].unit, policy_defs[i].rule ? rule_name(policy_defs[i].rule) : "");
}

static void case_section(void)
{
	printf("\n## Cases\n\n| case | 中文 | label | states | deadlines |\n|---|---|---|---|---|\n");
	for (unsigned t = 1; t < CASE_TYPES; t++) {
		const struct case_type_def *d = &case_types[t];
		printf("| %s | %s | %s | ", d->name, d->zh, d->label ? d->label : "–");
		for (uint32_t i = 0; i < d->states->count; i++)
			printf("%s%s %s", i ? " · " : "", d->states->codes[i].name, d->states->codes[i].zh);
		printf(" |");
		for (size_t i = 0; i < 3; i++)
			if (d->due[i])
				printf(" %s", d->due[i]);
		printf(" |\n");
	}
}

static void kind_section(const struct kind_def *k)
{
	printf("\n### %u %s %s\n\n%s%s%s%s%s. Posts: ", k->number, k->name, k->zh,
	       case_types[k->case_type].name,
	       k->flags & KF_JOINS   ? ", opens it or goes on with it"
	       : k->flags & KF_OPENS ? ", opens it"
				     : "",
	       k->flags & KF_SYSTEM ? ", made by nodes only"
	       : k->flags & KF_HQ   ? ", recorded by head office only"
				    : "",
	       k->flags & KF_REASON ? ", `reason` needed unless imported" : "",
	       k->flags & KF_APPROVER ? ", `approver` needed" : "");
	posts(k->posts);
	printf(".\n");
	if (k->fields_n)
		printf("\n| no. | field | 中文 | type | limits | required | PD | "
		       "|\n|---|---|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < k->fields_n; i++)
		field_row(k, &k->fields[i]);
	transition_rows(k);
	check_rows_of(k);
	rules_of(k);
}

/* The sub-tables of lists, each where it is met first. */
#define ROWS_MAX 32
static const struct row_def *row_defs[ROWS_MAX];
static size_t row_defs_n;

static void collect_rows(void)
{
	for (size_t i = 0; i < kinds_count(); i++)
		for (unsigned k = 0; k < kind_at(i)->fields_n; k++) {
			const struct row_def *def = kind_at(i)->fields[k].row;
			size_t at = 0;
			while (at < row_defs_n && row_defs[at] != def)
				at++;
			if (def && at == row_defs_n) {
				as_assert(at < ROWS_MAX);
				row_defs[row_defs_n++] = def;
			}
		}
}

static void row_sections(void)
{
	printf("\n## Rows\n\nWhat one item of a list holds.\n");
	for (size_t i = 0; i < row_defs_n; i++) {
		printf("\n**%s**\n\n| no. | field | 中文 | type | limits | required "
		       "|\n|---|---|---|---|---|---|\n",
		       row_defs[i]->name);
		for (unsigned k = 0; k < row_defs[i]->cols_n; k++) {
			const struct field_def *f = &row_defs[i]->cols[k];
			printf("| %u | `%s` | %s | %s | ", f->number, f->name, f->zh, type_names[f->type]);
			limits(f);
			printf(" | %s |\n", f->flags & FF_REQUIRED ? "yes" : "");
		}
	}
}

static void code_sections(void)
{
	printf("\n## Codes\n\nNumbers are those on the wire and in cells.\n");
	for (size_t i = 0; i < kinds_code_lists_count; i++) {
		const struct code_list *l = kinds_code_lists[i];
		printf("\n**%s**: ", l->name);
		for (uint32_t c = 0; c < l->count; c++)
			printf("%s%u `%s` %s", c ? " · " : "", l->codes[c].number, l->codes[c].name,
			       l->codes[c].zh);
		printf("\n");
	}
}

static void cell_section(void)
{
	printf("\n## Cells\n\nKey: table (1 byte), day YYYYMMDD (4, big-endian), branch (8, zero padded), "
	       "then the "
	       "dimensions: codes 1 byte, minutes 4 bytes big-endian, model last without a length.\n\n"
	       "| no. | table | report | dimensions | values |\n|---|---|---|---|---|\n");
	for (unsigned t = 1; t < CELL_TABLES; t++) {
		const struct cell_table_def *d = &cell_tables[t];
		printf("| %u | %s | %s | ", d->table, d->name, d->report);
		for (unsigned i = 0; i < d->dims_n; i++)
			printf("%s%s", i ? ", " : "", dim_names[d->dims[i]]);
		printf(" | ");
		for (unsigned i = 0; i < d->values_n; i++)
			printf("%s%s", i ? ", " : "", d->values[i]);
		printf(" |\n");
	}
}

static int domain(void)
{
	printf("# What can be recorded\n\nWritten by `make docs` from common/ledger; do not edit. Ledger "
	       "version %u. PD = P: "
	       "personal, in the sealed part. A rule or condition marked (later) is not enforced yet. Every "
	       "kind may carry "
	       "`reason` (≤ %d bytes, personal). What the words mean: docs/ledger.md.\n",
	       LEDGER_VERSION, REASON_BYTES_MAX);
	case_section();
	printf("\n## Kinds\n");
	for (size_t i = 0; i < kinds_count(); i++)
		kind_section(kind_at(i));
	row_sections();
	rule_section();
	code_sections();
	cell_section();
	return 0;
}

/* REPAIR_RECEIVED → RepairReceived */
static void message_name(const char *kind)
{
	bool up = true;

	for (; *kind; kind++) {
		if (*kind == '_') {
			up = true;
			continue;
		}
		putchar(up || *kind < 'A' ? *kind : *kind - 'A' + 'a');
		up = false;
	}
}

static void message(const struct kind_def *k, uint8_t want)
{
	printf("\nmessage ");
	message_name(k->name);
	printf("%s { // kind %u%s\n", want ? "Personal" : "", k->number, want ? ", sealed part" : "");
	for (unsigned i = 0; i < k->fields_n; i++) {
		const struct field_def *f = &k->fields[i];
		if ((f->flags & FF_PERSONAL) != want)
			continue;
		bool list = f->type == FT_CODE_LIST;
		printf("\t%s %s %s = %u%s;%s%s\n", list || f->row ? "repeated" : "optional",
		       f->row ? f->row->name : proto_types[f->type], f->name, f->number,
		       list ? " [packed = true]" : "", f->codes ? " // " : "",
		       f->codes ? f->codes->name : "");
	}
	if (want)
		printf("\toptional string reason = %d;\n", KIND_REASON_NUMBER);
	printf("}\n");
}

static int bodies(void)
{
	printf("// Bodies of the kinds, written by `make docs` from common/ledger/kinds.c; do not edit. "
	       "Codes and limits:\n"
	       "// docs/domain.md. Event.body holds the kind's message, the opened Event.personal its "
	       "…Personal.\n"
	       "syntax = \"proto2\";\n\npackage aftersync.bodies;\n");
	for (size_t i = 0; i < row_defs_n; i++) {
		printf("\nmessage %s { // a row\n", row_defs[i]->name);
		for (unsigned k = 0; k < row_defs[i]->cols_n; k++) {
			const struct field_def *f = &row_defs[i]->cols[k];
			printf("\toptional %s %s = %u;%s%s\n", proto_types[f->type], f->name, f->number,
			       f->codes ? " // " : "", f->codes ? f->codes->name : "");
		}
		printf("}\n");
	}
	for (size_t i = 0; i < kinds_count(); i++) {
		message(kind_at(i), 0);
		if (!(kind_at(i)->flags & KF_SYSTEM))
			message(kind_at(i), FF_PERSONAL);
	}
	return 0;
}

int main(int argc, char **argv)
{
	collect_rows();
	if (argc == 2 && strcmp(argv[1], "domain") == 0)
		return domain();
	if (argc == 2 && strcmp(argv[1], "bodies") == 0)
		return bodies();
	fprintf(stderr, "usage: gen_domain domain|bodies\n");
	return 64;
}
