#include "common/out/table.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/intake/width.h"

#define CELLS_BYTES_MAX (64u << 20)

/* What one print works on. */
struct layout {
	const struct table *t;
	const char **cell;
	size_t lines;
	size_t width[TABLE_COLS_MAX];
	size_t gap;
	unsigned head_lines;
};

static void layout_done(struct layout *l)
{
	free(l->cell);
}

void table_init(struct table *t)
{
	*t = (struct table){0};
	buf_init(&t->cells, CELLS_BYTES_MAX);
	buf_init(&t->notes, CELLS_BYTES_MAX);
}

void table_done(struct table *t)
{
	buf_done(&t->cells);
	buf_done(&t->notes);
}

void table_col(struct table *t, const char *head, unsigned flags, size_t least)
{
	as_assert(t->cols_n < TABLE_COLS_MAX && t->cells_n == 0);
	t->cols[t->cols_n++] = (struct table_col){head, flags, least};
}

/* Printable, ended by a 0. */
static void add_text(struct table *t, struct buf *b, struct bytes text)
{
	size_t at = b->n;

	if (!t->err)
		t->err = buf_add(b, text.p, text.n);
	if (!t->err)
		t->err = buf_add(b, "", 1);
	for (; !t->err && at + 1 < b->n; at++)
		if (b->p[at] < 0x20 || b->p[at] == 0x7f)
			b->p[at] = '?';
}

void table_cell(struct table *t, struct bytes text)
{
	add_text(t, &t->cells, text);
	t->cells_n += !t->err;
}

void table_note(struct table *t, struct bytes text)
{
	uint8_t line[4];

	as_assert(t->err || (t->cells_n && t->cells_n % t->cols_n == 0));
	if (text.n == 0 || t->err)
		return;
	put_be32(line, (uint32_t)(t->cells_n / t->cols_n - 1));
	t->err = buf_add(&t->notes, line, sizeof line);
	add_text(t, &t->notes, text);
}

/* One of the two lines of a head. */
static struct bytes head_line(const char *head, unsigned line)
{
	const char *feed = strchr(head, '\n');

	if (feed == NULL)
		return line == 0 ? (struct bytes){0} : bytes_of_str(head);
	return line == 0 ? bytes_of(head, (size_t)(feed - head)) : bytes_of_str(feed + 1);
}

static size_t width_of(const struct layout *l, size_t from, size_t to)
{
	size_t sum = 0;

	for (size_t c = from; c < to; c++)
		sum += l->width[c] + (c > from ? l->gap : 0);
	return sum;
}

static size_t max(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void measure(struct layout *l)
{
	const struct table *t = l->t;

	for (size_t c = 0; c < t->cols_n; c++) {
		l->width[c] =
		    max(text_width(head_line(t->cols[c].head, 0)), text_width(head_line(t->cols[c].head, 1)));
		for (size_t r = 0; r < l->lines; r++)
			l->width[c] = max(l->width[c], text_width(bytes_of_str(l->cell[r * t->cols_n + c])));
	}
}

/* Takes columns from those that may be cut, the widest first. */
static void shrink(struct layout *l, size_t from, size_t to, size_t width)
{
	while (width_of(l, from, to) > width) {
		size_t best = to;
		for (size_t c = from; c < to; c++)
			if (l->t->cols[c].least && l->width[c] > l->t->cols[c].least &&
			    (best == to || l->width[c] > l->width[best]))
				best = c;
		if (best == to)
			return;
		l->width[best]--;
	}
}

/* Cuts long texts when all columns fit then; else, as parts are needed anyway, only what would leave no room.
 */
static void fit(struct layout *l, size_t keys, size_t width)
{
	size_t full[TABLE_COLS_MAX];

	memcpy(full, l->width, sizeof full);
	shrink(l, 0, l->t->cols_n, width);
	if (width_of(l, 0, l->t->cols_n) <= width)
		return;
	memcpy(l->width, full, sizeof full);
	shrink(l, 0, keys, width / 2);
	size_t used = width_of(l, 0, keys) + (keys ? l->gap : 0);
	for (size_t c = keys; c < l->t->cols_n; c++)
		shrink(l, c, c + 1, width > used ? width - used : 0);
}

static size_t keys_of(const struct table *t)
{
	size_t n = 0;

	while (n < t->cols_n && (t->cols[n].flags & TC_KEY))
		n++;
	return n;
}

static void put_cell(struct out *o, struct bytes s, size_t width, bool right)
{
	size_t w = text_width(s);
	bool cut = w > width;

	if (cut) {
		s.n = text_width_cut(s, width - 1);
		w = text_width(s) + 1;
	}
	if (right)
		out_spaces(o, width - w);
	out_add(o, s.p, s.n);
	if (cut)
		out_str(o, "…");
}

/* Is the leading key cell what the line above has, with all before it? */
static bool repeats(const struct layout *l, size_t line, size_t col)
{
	if (line == 0 || !(l->t->cols[col].flags & TC_KEY) || (l->t->cols[col].flags & TC_REPEAT))
		return false;
	for (size_t c = 0; c <= col; c++)
		if (strcmp(l->cell[line * l->t->cols_n + c], l->cell[(line - 1) * l->t->cols_n + c]) != 0)
			return false;
	return true;
}

/* A line of the head (r < head_lines) or of the cells; the keys, then columns from … to. */
static void put_line(const struct layout *l, struct out *o, size_t r, size_t keys, size_t from, size_t to)
{
	size_t last = to > from ? to - 1 : keys - 1, blank = 0;
	bool head = r < l->head_lines;

	for (size_t c = keys ? 0 : from; c < to; c = c + 1 == keys && from > keys ? from : c + 1) {
		const struct table_col *col = &l->t->cols[c];
		struct bytes s;
		if (head) {
			s = head_line(col->head, l->head_lines == 1 ? 1 : (unsigned)r);
		} else {
			size_t line = r - l->head_lines;
			s = bytes_of_str(repeats(l, line, c) ? "" : l->cell[line * l->t->cols_n + c]);
		}
		/* blanks at the end of a line are never written */
		if (s.n) {
			out_spaces(o, blank);
			put_cell(o, s, l->width[c], col->flags & TC_RIGHT);
			size_t w = text_width(s);
			blank = (w < l->width[c] && !(col->flags & TC_RIGHT) ? l->width[c] - w : 0) + l->gap;
		} else {
			blank += l->width[c] + l->gap;
		}
		if (c == last)
			break;
	}
	out_str(o, "\n");
}

#define NOTE_INDENT 2

/* The notes of that line; *at goes on. */
static void put_notes(const struct layout *l, struct out *o, size_t line, size_t *at, size_t width)
{
	while (*at < l->t->notes.n && get_be32(l->t->notes.p + *at) == line) {
		struct bytes text = bytes_of_str((const char *)l->t->notes.p + *at + 4);
		out_spaces(o, NOTE_INDENT);
		table_wrap(o, text, width - NOTE_INDENT, NOTE_INDENT);
		*at += 4 + text.n + 1;
	}
}

/* Where the part that begins at `from` ends. */
static size_t part_end(const struct layout *l, size_t keys, size_t from, size_t width)
{
	size_t used = width_of(l, 0, keys), to = from, brk = 0;

	for (; to < l->t->cols_n; to++) {
		size_t more = l->width[to] + (used ? l->gap : 0);
		if (used + more > width && to > from)
			break;
		if (to > from && (l->t->cols[to].flags & TC_BREAK))
			brk = to;
		used += more;
	}
	return to < l->t->cols_n && brk ? brk : to;
}

/* Two when a head of this part has two. */
static unsigned head_lines(const struct table *t, size_t keys, size_t from, size_t to)
{
	for (size_t c = 0; c < to; c++)
		if ((c < keys || c >= from) && strchr(t->cols[c].head, '\n'))
			return 2;
	return 1;
}

as_err table_print(struct table *t, struct out *o, size_t width)
{
	AS_AUTO(layout) struct layout l = {.t = t, .gap = 2};
	size_t keys = keys_of(t);

	if (t->err)
		return t->err;
	as_assert(t->cols_n && t->cells_n % t->cols_n == 0);
	l.lines = t->cells_n / t->cols_n;
	l.cell = malloc((t->cells_n + 1) * sizeof *l.cell);
	if (l.cell == NULL)
		return AS_ENOMEM;
	for (size_t i = 0, at = 0; i < t->cells_n; i++) {
		l.cell[i] = (const char *)t->cells.p + at;
		at += strlen(l.cell[i]) + 1;
	}
	measure(&l);
	if (width_of(&l, 0, t->cols_n) > width)
		l.gap = 1;
	fit(&l, keys, width);
	for (size_t from = keys, to; from == keys || from < t->cols_n; from = to) {
		to = part_end(&l, keys, from, width);
		l.head_lines = head_lines(t, keys, from, to);
		if (from > keys)
			out_str(o, "\n");
		size_t note = from > keys ? t->notes.n : 0;
		for (size_t r = 0; r < l.head_lines + l.lines; r++) {
			put_line(&l, o, r, keys, from, to);
			if (r >= l.head_lines)
				put_notes(&l, o, r - l.head_lines, &note, width);
		}
		if (to >= t->cols_n)
			break;
	}
	return AS_OK;
}

void table_wrap(struct out *o, struct bytes text, size_t width, size_t indent)
{
	size_t used = 0;

	for (size_t at = 0; at < text.n;) {
		size_t end = at;
		while (end < text.n && text.p[end] != ' ')
			end++;
		struct bytes word = bytes_of(text.p + at, end - at);
		size_t w = text_width(word);
		if (used && used + 1 + w > width) {
			out_str(o, "\n");
			out_spaces(o, indent);
			used = 0;
		} else if (used) {
			out_str(o, " ");
			used++;
		}
		out_add(o, word.p, word.n);
		used += w;
		at = end + 1;
	}
	out_str(o, "\n");
}
