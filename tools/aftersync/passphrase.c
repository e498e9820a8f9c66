#include "tools/aftersync/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/crypto/random.h"

void passphrase_done(struct passphrase *p)
{
	as_wipe(p, sizeof *p);
}

/* One line, without its end. */
static as_err read_line(struct passphrase *p, int fd, const char *name, struct as_errmsg *em)
{
	ssize_t k = 1;

	p->n = 0;
	while (p->n < sizeof p->text && (k = read(fd, p->text + p->n, 1)) == 1 && p->text[p->n] != '\n')
		p->n++;
	if (k < 0) {
		as_errmsg_set(em, "%.120s: %s", name, strerror(errno));
		return AS_EIO;
	}
	if (p->n && p->n < sizeof p->text && p->text[p->n - 1] == '\r')
		p->n--;
	if (p->n && p->n < sizeof p->text)
		return AS_OK;
	as_errmsg_set(em, "%.120s: its first line is %s", name, p->n ? "too long for a passphrase" : "empty");
	return AS_EINVAL;
}

as_err passphrase_read_file(struct passphrase *p, const char *path, struct as_errmsg *em)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		as_errmsg_set(em, "%.120s: %s", path, strerror(errno));
		return AS_EIO;
	}
	as_err err = read_line(p, fd, path, em);
	close(fd);
	return err;
}

as_err passphrase_ask(struct passphrase *p, const char *prompt, struct as_errmsg *em)
{
	struct termios was, quiet;

	if (tcgetattr(STDIN_FILENO, &was) != 0) {
		as_errmsg_set(em, "no terminal to ask for the passphrase: use --passphrase-file");
		return AS_EINVAL;
	}
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(stderr, "%s: ", prompt);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	as_err err = read_line(p, STDIN_FILENO, "the passphrase", em);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	fputc('\n', stderr);
	return err;
}
