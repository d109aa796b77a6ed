/* What each command does; the table in cli.c lists them. */
#ifndef VAETOP_CLI_COMMANDS_H
#define VAETOP_CLI_COMMANDS_H

#include "options.h"
#include "study.h"
#include "vaetop/ipc/client.h"
#include "vaetop/ui/ui.h"

WUR enum err_code run_command(const struct options *o, struct err *e);
WUR enum err_code attach_command(const struct options *o, struct err *e);
WUR enum err_code ls_command(const struct options *o, struct err *e);
WUR enum err_code show_command(const struct options *o, struct err *e);
WUR enum err_code stop_command(const struct options *o, struct err *e);
WUR enum err_code pause_command(const struct options *o, struct err *e);
WUR enum err_code resume_command(const struct options *o, struct err *e);
WUR enum err_code set_command(const struct options *o, struct err *e);
WUR enum err_code enqueue_command(const struct options *o, struct err *e);
WUR enum err_code clone_command(const struct options *o, struct err *e);
enum err_code rerun_command(const struct options *o, struct err *e);
WUR enum err_code space_command(const struct options *o, struct err *e);
WUR enum err_code rm_command(const struct options *o, struct err *e);
WUR enum err_code presets_command(const struct options *o, struct err *e);
WUR enum err_code devices_command(const struct options *o, struct err *e);
WUR enum err_code export_command(const struct options *o, struct err *e);
WUR enum err_code eval_command(const struct options *o, struct err *e);
WUR enum err_code sample_command(const struct options *o, struct err *e);
WUR enum err_code reconstruct_command(const struct options *o, struct err *e);
WUR enum err_code interpolate_command(const struct options *o, struct err *e);
WUR enum err_code encode_command(const struct options *o, struct err *e);
WUR enum err_code bench_command(const struct options *o, struct err *e);
WUR enum err_code fsck_command(const struct options *o, struct err *e);

/* Bare `vaetop`: the Studies screen; without a terminal a list of the studies and the presets to start. */
WUR enum err_code home_command(const struct options *o, struct err *e);
WUR enum err_code studies_overview(struct err *e);

/* Shows a study until it ends or the person leaves: the screen on a terminal, else progress lines.
 * client may be NULL: nothing runs, look only. owner: INT and TERM stop the study, not only this client. */
struct client;
/* A line on stderr when a logout or the end of a batch job would end what was just started. */
void say_what_ends_it(const char *study);
WUR enum err_code watch_study(struct study *s, struct client *client, const struct options *o, bool owner, struct err *e);

/* True when standard input and output are a terminal that can show the screen, and --no-tui and --quiet are absent. */
bool screen_wanted(const struct options *o);
struct ui_options screen_options(const struct options *o);
/* Errors: USAGE (--theme has no such word). */
WUR enum err_code check_theme(const struct options *o, struct err *e);

/* A new study and its engine, after all that it needs was checked. Owns: caller frees *dir and *client. Errors: as run. */
WUR enum err_code study_start(char **dir, struct client **client, const struct preset *p, const char *name,
                              const struct options *o, struct err *e);

/* set STUDY --trials N, --slots N; with or without an engine. */
WUR enum err_code set_numbers(const struct options *o, struct err *e);
/* Gives the new study in dir the ended trials of --warm-start that lie in p's space. Errors: USAGE (none does, and why). */
WUR enum err_code warm_start(const char *dir, const struct preset *p, const struct options *o, struct err *e);

/* show --once: the dashboard as text. show --json-lines: a line for every trial that changes, while it runs. */
WUR enum err_code show_once(const struct study *s, const struct options *o, struct err *e);
WUR enum err_code show_json_lines(struct study *s, const struct options *o, struct err *e);

/* Completions for a shell (bash, zsh, fish), and the words they ask for: studies, presets, knobs, or the values of a
 * knob. NULL: no such shell or kind. Owns: caller frees. */
char *completions(const char *shell);
char *completion_words(const char *kind);

/* Sends one command to the engine of the study named first, about --trial when that is given, and prints its answer.
 * Errors: NOTFOUND (no engine runs it), what the engine refused. */
WUR enum err_code tell(const struct options *o, enum command to_study, enum command to_trial, const char *arg,
                       struct err *e);
/* A client of the study's engine, started where none runs, told to go on, with --trials, --slots and --device. One that is
 * ending, because the study was stopped just now or its end was looked at long enough, is waited for and the next one is
 * told all of it. *reply: what an engine that ran answered, else NULL; reply may be NULL.
 * Errors: those of client_start(), BUSY (still ending after two minutes). Owns: caller frees *out, *reply. */
WUR enum err_code resume_engine(struct client **out, char **reply, const char *dir, const struct options *o, struct err *e);

/* show --study: the study as a whole, as on the Study screen. */
WUR enum err_code show_whole_study(struct study *s, const struct options *o, struct err *e);

/* A signal that ended the command (set by watch_study): the exit status becomes 128 + it. 0: none. */
extern int command_signal;

/* Prints a part of the man page made from a table: keys, knobs. Returns the exit status. */
int manual_part(const char *part);

/* Writes JSON text to stdout or --output. Errors: IO. */
WUR enum err_code report_study_json(const struct study *s, const struct options *o, struct err *e);
WUR enum err_code report_trial_json(const struct study *s, const struct trial_row *t, const struct options *o,
                                    struct err *e);
/* One trial as one line on stdout, at once. */
WUR enum err_code report_trial_line(const struct study *s, const struct trial_row *t, struct err *e);
/* Errors: IO. path NULL or "-": stdout. */
WUR enum err_code write_text(const char *path, const char *text, size_t len, struct err *e);

/* Enqueues n trials with the values of trial `of`, marked as its repetitions; an engine is told, else they are written. */
WUR enum err_code rerun_add(const struct options *o, int of, int n, struct err *e);

#endif
