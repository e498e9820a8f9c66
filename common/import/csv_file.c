#include "common/import/csv_file.h"

#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (256 * 1024)

static const char too_long[] = "the field is longer than 64 KiB";
static const char too_many[] = "the record has over 256 fields";
static const char bad_quote[] = "a quotation mark inside of a field, or text behind the closing one: write \"\" for one "
				"inside of quotation marks";
static const char no_end[] = "quotation marks are opened in this record and not closed up to the end of the file";
static const char too_large[] = "quotation marks are opened in this record and not closed within 64 MiB: the rest of the "
				"file is not read";

struct csv_file {
	struct csv_parser parser;
	int fd; /* -1: memory */
	uint8_t *chunk;
	struct bytes left; /* read and not looked at */
	uint64_t at, size;
	bool end, after_cr, started;
	unsigned long line; /* of the next byte */
	/* the record being read */
	bool in_record, whole;
	struct buf raw, text;
	size_t n, offset[CSV_FIELDS_MAX], length[CSV_FIELDS_MAX];
	const char *wrong;
	size_t wrong_field;
	as_err err;
};

static int never(unsigned char c)
{
	(void)c;
	return 0;
}

static void blame(struct csv_file *f, const char *what)
{
	if (f->wrong == NULL) {
		f->wrong = what;
		f->wrong_field = f->n;
	}
}

/* A field is whole. */
static void on_field(void *p, size_t n, void *arg)
{
	struct csv_file *f = arg;

	if (f->n == CSV_FIELDS_MAX) {
		blame(f, too_many);
		return;
	}
	if (n > CSV_FIELD_MAX) {
		blame(f, too_long);
		n = 0;
	}
	f->offset[f->n] = f->text.n;
	f->length[f->n] = n;
	if (n && !f->err)
		f->err = buf_add(&f->text, p, n);
	f->n++;
}

static void on_record(int c, void *arg)
{
	struct csv_file *f = arg;

	(void)c;
	f->whole = true;
}

static as_err parser_init(struct csv_file *f, char delimiter)
{
	if (csv_init(&f->parser, CSV_STRICT | CSV_STRICT_FINI))
		return AS_ENOMEM;
	csv_set_delim(&f->parser, (unsigned char)delimiter);
	csv_set_space_func(&f->parser, never); /* blanks belong to their field */
	csv_set_blk_size(&f->parser, 64 * 1024);
	return AS_OK;
}

static as_err file_new(struct csv_file **ret_f, char delimiter)
{
	struct csv_file *f = calloc(1, sizeof *f);

	if (f == NULL || parser_init(f, delimiter)) {
		free(f);
		return AS_ENOMEM;
	}
	f->fd = -1;
	f->line = 1;
	buf_init(&f->raw, CSV_RECORD_MAX + CHUNK);
	buf_init(&f->text, (size_t)CSV_FIELDS_MAX * CSV_FIELD_MAX);
	*ret_f = f;
	return AS_OK;
}

as_err csv_file_memory(struct csv_file **ret_f, struct bytes text, char delimiter)
{
	as_err err = file_new(ret_f, delimiter);

	if (!err) {
		(*ret_f)->left = text;
		(*ret_f)->size = text.n;
	}
	return err;
}

as_err csv_file_open(struct csv_file **ret_f, const char *path, char delimiter, struct as_errmsg *em)
{
	struct csv_file *f;
	struct stat st;
	as_err err = file_new(&f, delimiter);

	if (err) {
		as_errmsg_set(em, "%.150s: %s", path, as_err_text(err));
		return err;
	}
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0 || fstat(f->fd, &st)) {
		as_errmsg_set(em, "%.150s: %s", path, strerror(errno));
		err = AS_EIO;
	} else if (!S_ISREG(st.st_mode)) {
		as_errmsg_set(em, "%.150s: not a plain file: it is read twice, so it must be one", path);
		err = AS_EINVAL;
	} else if ((f->chunk = malloc(CHUNK)) == NULL) {
		as_errmsg_set(em, "%.150s: %s", path, as_err_text(AS_ENOMEM));
		err = AS_ENOMEM;
	}
	if (err) {
		csv_file_close(f);
		return err;
	}
	f->size = (uint64_t)st.st_size;
	*ret_f = f;
	return AS_OK;
}

void csv_file_close(struct csv_file *f)
{
	if (f == NULL)
		return;
	if (f->fd >= 0)
		close(f->fd);
	csv_free(&f->parser);
	buf_done(&f->raw);
	buf_done(&f->text);
	free(f->chunk);
	free(f);
}

uint64_t csv_file_at(const struct csv_file *f)
{
	return f->at;
}

uint64_t csv_file_size(const struct csv_file *f)
{
	return f->size;
}

/* More bytes in f->left, unless the file has ended. */
static as_err fill(struct csv_file *f)
{
	ssize_t k = 0;

	if (f->left.n == 0 && f->fd >= 0 && !f->end) {
		do
			k = read(f->fd, f->chunk, CHUNK);
		while (k < 0 && errno == EINTR);
		if (k < 0)
			return AS_EIO;
		f->left = bytes_of(f->chunk, (size_t)k);
	}
	if (!f->started && f->left.n >= 3 && memcmp(f->left.p, "\xef\xbb\xbf", 3) == 0) {
		f->left = bytes_of(f->left.p + 3, f->left.n - 3);
		f->at += 3;
	}
	f->started = true;
	f->end = f->left.n == 0;
	return AS_OK;
}

/* How many bytes to the end of this line, or all that there are. */
static size_t segment(const struct csv_file *f, bool *ret_ends)
{
	for (size_t i = 0; i < f->left.n; i++)
		if (f->left.p[i] == '\n' || f->left.p[i] == '\r') {
			*ret_ends = true;
			return i + 1;
		}
	*ret_ends = false;
	return f->left.n;
}

static void count_lines(struct csv_file *f, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		f->line += p[i] == '\r' || (p[i] == '\n' && !f->after_cr);
		f->after_cr = p[i] == '\r';
	}
	f->at += n;
	f->left = bytes_of(p + n, f->left.n - n);
}

static void pass_blank_lines(struct csv_file *f)
{
	size_t n = 0;

	while (n < f->left.n && (f->left.p[n] == '\n' || f->left.p[n] == '\r'))
		n++;
	count_lines(f, f->left.p, n);
}

/* After what is no CSV: the rest of this line belongs to the record, then it begins anew. */
static as_err resync(struct csv_file *f, const char *what, bool line_ended)
{
	unsigned char delimiter = csv_get_delim(&f->parser);
	bool ends = line_ended;
	as_err err = AS_OK;

	blame(f, what);
	csv_free(&f->parser);
	while (!ends && !err && !(err = fill(f)) && !f->end) {
		size_t n = segment(f, &ends);
		err = buf_add(&f->raw, f->left.p, n);
		count_lines(f, f->left.p, n);
	}
	f->whole = true;
	as_err again = parser_init(f, (char)delimiter);
	return err ? err : again;
}

static as_err feed(struct csv_file *f)
{
	bool ends;
	size_t n = segment(f, &ends);
	const uint8_t *p = f->left.p;
	as_err err = buf_add(&f->raw, p, n);

	if (err)
		return err;
	size_t k = csv_parse(&f->parser, p, n, on_field, on_record, f);
	count_lines(f, p, n);
	if (k == n)
		return f->err;
	return csv_error(&f->parser) == CSV_EPARSE ? resync(f, bad_quote, ends) : AS_ENOMEM;
}

static void give(struct csv_file *f, struct csv_record *ret)
{
	while (f->raw.n && (f->raw.p[f->raw.n - 1] == '\n' || f->raw.p[f->raw.n - 1] == '\r'))
		f->raw.n--;
	ret->raw = buf_bytes(&f->raw);
	ret->n = f->n;
	for (size_t i = 0; i < f->n; i++)
		ret->field[i] = bytes_of(f->length[i] ? f->text.p + f->offset[i] : NULL, f->length[i]);
	ret->wrong = f->wrong;
	ret->wrong_field = f->wrong_field;
	f->in_record = false;
}

as_err csv_file_next(struct csv_file *f, struct csv_record *ret)
{
	as_err err;

	for (;;) {
		if ((err = fill(f)))
			return err;
		if (!f->in_record) {
			pass_blank_lines(f);
			if (f->left.n == 0 && !f->end)
				continue;
			if (f->end)
				return AS_ENOTFOUND;
			buf_reset(&f->raw);
			buf_reset(&f->text);
			f->n = 0;
			f->wrong = NULL;
			f->whole = false;
			f->err = AS_OK;
			f->in_record = true;
			ret->line = f->line;
		}
		if (f->end) {
			if (csv_fini(&f->parser, on_field, on_record, f))
				blame(f, csv_error(&f->parser) == CSV_EPARSE ? no_end : too_large);
			f->whole = true;
		} else if ((err = feed(f))) {
			return err;
		}
		if (!f->whole && f->raw.n > CSV_RECORD_MAX) {
			blame(f, too_large);
			f->end = f->whole = true;
			f->left.n = 0;
			if (f->fd >= 0)
				close(f->fd);
			f->fd = -1;
		}
		if (f->whole) {
			give(f, ret);
			return AS_OK;
		}
	}
}

as_err csv_put_field(struct buf *b, struct bytes s, char delimiter)
{
	bool quote = false;
	as_err err;

	for (size_t i = 0; i < s.n; i++)
		quote = quote || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r' || s.p[i] == (uint8_t)delimiter;
	if (!quote)
		return s.n ? buf_add(b, s.p, s.n) : AS_OK;
	if ((err = buf_add(b, "\"", 1)))
		return err;
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] == '"' && (err = buf_add(b, "\"", 1))) || (err = buf_add(b, s.p + i, 1)))
			return err;
	return buf_add(b, "\"", 1);
}
