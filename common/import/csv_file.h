/*
 * CSV files, record by record (RFC 4180, by libcsv): one record may hold line breaks and quotes; lines end with LF,
 * CR LF or CR; a byte order mark is passed over. Fields are bytes, blanks and all. What is wrong with a record is said
 * in it, and the next one is read as if nothing had been. One thread.
 */
#ifndef AFTERSYNC_IMPORT_CSV_FILE_H
#define AFTERSYNC_IMPORT_CSV_FILE_H

#include "common/base/buf.h"

#define CSV_FIELDS_MAX 256
#define CSV_FIELD_MAX (64 * 1024)	      /* bytes of a field */
#define CSV_RECORD_MAX (64u * 1024 * 1024) /* bytes read for one record: what is longer lacks a quotation mark */

struct csv_file;

/* Valid until the next call. */
struct csv_record {
	unsigned long line; /* where it begins, from 1 */
	size_t n;
	struct bytes field[CSV_FIELDS_MAX];
	struct bytes raw;	 /* as it stands in the file, without the end of its last line */
	const char *wrong;	 /* NULL, or what is wrong; static */
	size_t wrong_field;	 /* in which field */
};

/* AS_EIO, AS_ENOMEM, AS_EINVAL (not a plain file) with em: what and why. */
as_err csv_file_open(struct csv_file **ret_f, const char *path, char delimiter, struct as_errmsg *em) AS_MUST_CHECK;
/* The same from memory, which is borrowed. */
as_err csv_file_memory(struct csv_file **ret_f, struct bytes text, char delimiter) AS_MUST_CHECK;
void csv_file_close(struct csv_file *f); /* accepts NULL */

/* AS_ENOTFOUND: the end. AS_EIO, AS_ENOMEM: no further. */
as_err csv_file_next(struct csv_file *f, struct csv_record *ret) AS_MUST_CHECK;

/* Bytes read so far, of how many. */
uint64_t csv_file_at(const struct csv_file *f);
uint64_t csv_file_size(const struct csv_file *f);

/* One field as CSV into b: in quotation marks where it must be. AS_ETOOBIG, AS_ENOMEM. */
as_err csv_put_field(struct buf *b, struct bytes s, char delimiter) AS_MUST_CHECK;

#endif
