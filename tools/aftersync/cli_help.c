/* What the table of commands says to people, to bash, and to tests. */
#include <stdio.h>
#include <string.h>

#include "tools/aftersync/cli.h"

void cli_help(void)
{
	printf("usage: aftersync COMMAND --dir DIR [OPTION]...\n\n");
	for (size_t i = 0; i < cli_commands_n; i++)
		printf("  %-16s %s\n", cli_commands[i].words, cli_commands[i].help);
	printf(
	    "\n`aftersync COMMAND --help` shows the options, aftersync(1) explains them.\n"
	    "Exit: 0 done, 1 refused or wrong, 64 usage, 69 no daemon, 74 input/output, 78 configuration.\n");
}

void cli_help_of(const struct command *cmd)
{
	char left[80];

	printf("usage: aftersync %s%s%s [OPTION]...\n%s\n", cmd->words, cmd->arg ? " " : "",
	       cmd->arg ? cmd->arg : "", cmd->help);
	for (size_t i = 0; i < cmd->opts_n; i++) {
		const struct opt *o = &cmd->opts[i];
		char letter[8] = "";
		if (o->letter)
			snprintf(letter, sizeof letter, "-%c, ", o->letter);
		snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		printf("  %-24s %s", left, o->help);
		if (o->choices)
			printf(": %s", o->choices);
		if (o->required)
			printf(" (needed)");
		else if (o->fallback)
			printf(" (%s)", o->fallback);
		putchar('\n');
	}
}

/* Words of `choices` for compgen -W. */
static void put_choices(const char *choices)
{
	for (; *choices; choices++)
		putchar(*choices == '|' ? ' ' : *choices);
}

/* Every word that may stand at that place of a command. */
static void put_words(size_t place, const char *before, size_t before_n)
{
	const char *last = "";
	size_t last_n = 0;

	for (size_t i = 0; i < cli_commands_n; i++) {
		const char *w = cli_commands[i].words;
		if (strncmp(w, before, before_n) != 0 || (place && w[before_n] != ' '))
			continue;
		w += before_n + (place != 0);
		size_t k = strcspn(w, " ");
		if (k != last_n || memcmp(w, last, k) != 0)
			printf("%s%.*s", last_n ? " " : "", (int)k, w);
		last = w;
		last_n = k;
	}
}

void cli_completion(void)
{
	printf("# bash completion of aftersync, made by `aftersync --completion`\n"
	       "_aftersync()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= i\n"
	       "\tCOMPREPLY=()\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\t[[ ${COMP_WORDS[i]} == -* ]] && break\n"
	       "\t\tcmd+=${cmd:+ }${COMP_WORDS[i]}\n"
	       "\tdone\n"
	       "\tcase $cmd in\n\t'') COMPREPLY=($(compgen -W '");
	put_words(0, "", 0);
	printf(" --help --version' -- \"$cur\")); return ;;\n");
	for (size_t i = 0; i < cli_commands_n; i++) {
		const char *w = cli_commands[i].words;
		for (size_t k = strcspn(w, " "); w[k]; k += 1 + strcspn(w + k + 1, " ")) {
			if (i && strncmp(w, cli_commands[i - 1].words, k + 1) == 0)
				continue; /* not the first of its group */
			printf("\t'%.*s') COMPREPLY=($(compgen -W '", (int)k, w);
			put_words(1, w, k);
			printf("' -- \"$cur\")); return ;;\n");
		}
	}
	printf("\tesac\n\tcase \"$cmd $prev\" in\n");
	for (size_t i = 0; i < cli_commands_n; i++)
		for (size_t k = 0; k < cli_commands[i].opts_n; k++) {
			const struct opt *o = &cli_commands[i].opts[k];
			if (o->choices == NULL)
				continue;
			printf("\t'%s'*' --%s') COMPREPLY=($(compgen -W '", cli_commands[i].words, o->name);
			put_choices(o->choices);
			printf("' -- \"$cur\")%s); return ;;\n",
			       o->kind == OPT_FILE ? " $(compgen -f -- \"$cur\")" : "");
		}
	printf("\t*' --dir') COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
	       "\tesac\n"
	       "\tif [[ $cur != -* ]]; then\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n\t\treturn\n\tfi\n"
	       "\tcase $cmd in\n");
	for (size_t i = 0; i < cli_commands_n; i++) {
		printf("\t'%s'*) COMPREPLY=($(compgen -W '", cli_commands[i].words);
		for (size_t k = 0; k < cli_commands[i].opts_n; k++)
			if (cli_commands[i].opts[k].letter)
				printf("-%c --%s ", cli_commands[i].opts[k].letter,
				       cli_commands[i].opts[k].name);
			else
				printf("--%s ", cli_commands[i].opts[k].name);
		printf("--help' -- \"$cur\")) ;;\n");
	}
	printf("\tesac\n}\ncomplete -o filenames -F _aftersync aftersync\n");
}

void cli_list(void)
{
	for (size_t i = 0; i < cli_commands_n; i++) {
		printf("%s\n", cli_commands[i].words);
		for (size_t k = 0; k < cli_commands[i].opts_n; k++)
			printf("%s\t--%s\n", cli_commands[i].words, cli_commands[i].opts[k].name);
	}
}
