/*
 * Accepting what people and programs submit at a branch (docs/recording.md): lines become events of the open log,
 * in one batch. What a line says is read when it comes, by whoever hears it (accept_read); whether it may be recorded is
 * judged by the store thread, with the writer's view.
 *
 * Every line is judged against the state that the lines before it leave, so that a whole life of a case may come in
 * one batch. Nothing is answered before the batch is durable.
 */
#ifndef AFTERSYNC_NODE_ACCEPT_H
#define AFTERSYNC_NODE_ACCEPT_H

#include "common/intake/intake.h"
#include "common/node/batch.h"

enum accept_verdict {
	ACCEPT_NEW = 0,	   /* not looked at yet */
	ACCEPT_REFUSED,	   /* answered: error */
	ACCEPT_KNOWN,	   /* answered: recorded before, the first answer again */
	ACCEPT_APPENDED,   /* in this batch: answered when it is durable */
	ACCEPT_OTHER,	   /* its case lives in the other class: hand it in again for that log */
	ACCEPT_LATER,	   /* the batch is full, or must be durable before this line can be judged */
};

#define ACCEPT_ANSWER_MAX 1024

/* One submitted line, and what became of it. */
struct accept_line {
	struct intake *in; /* what was read; the caller's memory until the batch is committed */
	enum accept_verdict verdict;
	uint8_t cls; /* ACCEPT_OTHER: enum log_class of its case */
	bool stored; /* recorded before or now */
	uint8_t event_id[16];
	uint64_t index;
	char case_text[LABEL_BYTES_MAX + 1]; /* label, or the key when it has none */
	struct intake_error error;
};

/*
 * Reads a line (without its newline) for what *l is to be judged by, of an importer or not. False: it is refused, *l says
 * why and is answered like one that was judged. Else the caller frees l->in (intake_free). Any thread.
 */
bool accept_read(const struct node_home *home, struct bytes line, bool imported, struct accept_line *ret_l);

struct accept_case;
struct accept_id;
struct accept_label;

struct accept {
	struct node *node;
	struct batch *batch;
	struct arena arena;
	uint8_t *memory;
	struct accept_case *cases; /* touched by the batch, with the state that its events leave */
	struct accept_id *ids;
	struct accept_label *labels;
	struct bytes *events;
	size_t events_n;
	struct store_key *keys; /* new subjects */
	size_t keys_n;
	uint8_t random[32]; /* of this batch, for the salts of its events */
	uint32_t serial_date, serial; /* of labels: the last given, and its day */
	char suffix[4];		      /* "-a1", or empty */
	bool serial_used;
};

as_err accept_init(struct accept *a, struct node *node, struct batch *batch) AS_MUST_CHECK;
void accept_done(struct accept *a);

/*
 * A new incarnation was begun in this batch: labels made in it end in "-" and two characters of its id, unless it is
 * the first one. A restored or cloned machine can then not give a label that is given already.
 */
as_err accept_suffix(struct accept *a, const struct log_id *live, bool has_parent, struct batch *b) AS_MUST_CHECK;

/* What the batch may not know by itself. */
struct accept_ctx {
	struct log_id log; /* the open log that is appended to */
	bool restoring;	   /* head office holds more than this branch: a case may be on its way back */
};

/*
 * Judges lines in order and adds what is to be recorded to the begun batch, blocks included; those that are refused
 * already are passed over. The lines that are
 * ACCEPT_APPENDED were not recorded unless the batch is committed afterwards.
 *
 * returns  AS_OK, also when nothing was appended (then there is nothing to commit); AS_ECORRUPT, AS_EIO, AS_ENOMEM:
 *          nothing can be recorded now. A line whose own case or person is damaged in the store is refused alone.
 */
as_err accept_lines(struct accept *a, const struct accept_ctx *ctx, struct accept_line *lines,
		    size_t n) AS_MUST_CHECK;

/*
 * When nothing can be recorded: lines that were recorded before, and those that are wrong in themselves, get
 * their verdict all the same. The others stay ACCEPT_NEW.
 */
void accept_known(struct accept *a, struct accept_line *lines, size_t n);

/*
 * The answer to a line as JSON, without newline, for what its verdict says (not OTHER, LATER). An importer is also told
 * that it was recorded before. Returns its length.
 */
size_t accept_answer(const struct accept_line *l, uint64_t line_no, char out[ACCEPT_ANSWER_MAX]);

#endif
