#include "options.h"

#include <stdio.h>
#include <string.h>

#include "vaetop/base/str.h"
#include "vaetop/conf/knob.h"

#define HELP_COLUMNS 80

static const struct option_row option_table[] = {
    {'d', "dir", "DIR", "folder that holds the studies (default: $XDG_DATA_HOME/vaetop)"},
    {'n', "name", "NAME", "name of the study"},
    {'D', "device", "A,B", "devices: an index, platform:device, part of a name, cpu, gpu, all"},
    {'s', "set", "K=V", "set a knob (section.knob=VALUE or a range); may be repeated"},
    {'T', "trials", "N", "total number of trials"},
    {'L', "slots", "N", "trials running at once"},
    {'S', "seed", "N", "seed of everything random"},
    {'2', "warm-start", "STUDY", "begin with what another study's trials in this space came to"},
    {'7', "continue", "FILE", "begin with the trials of an Optuna study over the same knobs (its SQLite file)"},
    {'N', "no-tui", NULL, "progress lines instead of the screen"},
    {'B', "detach", NULL, "start and leave at once"},
    {'R', "dry-run", NULL, "print the search space and the first ten suggestions"},
    {'t', "trial", "N", "one trial by number, or best"},
    {'j', "json", NULL, "JSON on standard output; numbers are numbers, the unit is in the key"},
    {'C', "csv", NULL, "one line a trial, comma-separated"},
    {'6', "optuna", NULL, "a copy of study.db marked as Optuna's own, for tools that look for the mark"},
    {'o', "output", "FILE", "where to write"},
    {'F', "source", "FILE", "other data than the study's own validation part"},
    {'Q', "test", NULL, "the study's test rows (data.test)"},
    {'K', "count", "N", "how many images, pairs or rows"},
    {'M', "samples", "K", "latent samples an image for the NLL (default: 64; 0: none)"},
    {'G', "from", "WHAT", "where latent points come from: prior or gmm, a mixture fitted to the training data"},
    {'P', "steps", "N", "images from one end to the other (default: 10)"},
    {'E', "labels", "FILE", "write the labels beside the latent means"},
    {'V', "self-test", NULL, "run every kernel against known results first"},
    {'W', "networks", "LIST", "networks as DATA-WIDTH-...-LATENT:BATCH, with blanks between"},
    {'I', "rounds", "N", "how often each is measured (default: 9)"},
    {'Y', "clblast", NULL, "measure CLBlast's products too; on a CPU it compiles for a minute first"},
    {'3', "tune", NULL, "measure every plan and keep which is fastest on this device"},
    {'A', "repair", NULL, "save what can be read of a damaged study as a study of another name"},
    {'4', "top", "N", "how many of the best trials (default: 5)"},
    {'5', "seeds", "N", "how many other seeds each (default: 3)"},
    {'q', "quiet", NULL, "no progress lines"},
    {'w', "slow", NULL, "draw seldom: for slow links"},
    {'a', "ascii", NULL, "ASCII characters only"},
    {'c', "color", "WHEN", "auto, never, always, 16 or 256"},
    {'H', "theme", "THEME", "default, light, mono or colour-blind"},
    {'U', "study", NULL, "the study as a whole: space, importance of knobs, best so far, front, what comes next"},
    {'O', "once", NULL, "the dashboard as text, as wide and high as the terminal"},
    {'X', "plain", NULL, "the same: nothing but text"},
    {'J', "json-lines", NULL, "one line of JSON for every trial that changes, until the study rests"},
    {'Z', "demo", NULL, "the screen on a scripted study; no device computes"},
    {'h', "help", NULL, "this text"},
};
enum { N_OPTIONS = sizeof option_table / sizeof *option_table };

const struct option_row *option_of(char letter)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (option_table[i].letter == letter) {
            return &option_table[i];
        }
    }
    return NULL;
}

static void assign(struct options *o, char letter, const char *value)
{
    switch (letter) {
    case 'd': o->dir = value; break;
    case 'n': o->name = value; break;
    case 'D': o->device = value; break;
    case 'T': o->trials = value; break;
    case 'L': o->slots = value; break;
    case 'S': o->seed = value; break;
    case '2': o->warm_start = value; break;
    case '7': o->begun = value; break;
    case '4': o->top = value; break;
    case '5': o->seeds = value; break;
    case 't': o->trial = value; break;
    case 'o': o->output = value; break;
    case 'c': o->color = value; break;
    case 'F': o->source = value; break;
    case 'K': o->count = value; break;
    case 'M': o->samples = value; break;
    case 'G': o->from = value; break;
    case 'P': o->steps = value; break;
    case 'E': o->labels = value; break;
    case 'W': o->networks = value; break;
    case 'I': o->rounds = value; break;
    case 's': o->set[o->n_set++] = value; break;
    case 'N': o->no_tui = true; break;
    case 'B': o->detach = true; break;
    case 'R': o->dry_run = true; break;
    case 'j': o->json = true; break;
    case 'C': o->csv = true; break;
    case '6': o->optuna = true; break;
    case 'V': o->self_test = true; break;
    case 'Q': o->test = true; break;
    case 'Y': o->clblast = true; break;
    case '3': o->tune = true; break;
    case 'A': o->repair = true; break;
    case 'q': o->quiet = true; break;
    case 'w': o->slow = true; break;
    case 'H': o->theme = value; break;
    case 'U': o->whole = true; break;
    case 'O': o->once = true; break;
    case 'X': o->plain = true; break;
    case 'J': o->json_lines = true; break;
    case 'Z': o->demo = true; break;
    case 'a': o->ascii = true; break;
    default: o->help = true; break;
    }
}

static bool takes(const struct cli_command *c, char letter)
{
    return letter == 'h' || strchr(c->takes, letter) != NULL;
}

/* The row of "--word", "--word=value" or "-x"; *value points behind '='. */
static const struct option_row *find_option(const char *text, const char **value)
{
    *value = NULL;
    if (text[1] != '-') {
        return text[1] >= 'a' && text[2] == '\0' ? option_of(text[1]) : NULL;
    }
    for (size_t i = 0; i < N_OPTIONS; i++) {
        size_t n = strlen(option_table[i].word);
        if (strncmp(text + 2, option_table[i].word, n) == 0 && (text[2 + n] == '\0' || text[2 + n] == '=')) {
            *value = text[2 + n] == '=' ? text + 3 + n : NULL;
            return &option_table[i];
        }
    }
    return NULL;
}

static enum err_code unknown_option(const struct cli_command *c, const char *text, struct err *e)
{
    const char *word[N_OPTIONS];
    const char *near;
    char name[64];
    char clean[128];
    size_t n = 0;
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (takes(c, option_table[i].letter)) {
            word[n++] = option_table[i].word;
        }
    }
    (void)str_copy(name, sizeof name, text + strspn(text, "-"));
    name[strcspn(name, "=")] = '\0';
    near = str_nearest(name, word, n);
    (void)str_clean(clean, sizeof clean, text);
    return err_set(e, ERR_USAGE, "%s: %s takes no such option%s%s%s; see vaetop %s --help", clean, c->word,
                   near ? ", did you mean --" : "", near ? near : "", near ? "?" : "", c->word);
}

static enum err_code check_words(const struct options *o, const struct cli_command *c, struct err *e)
{
    if (o->n_args < c->least_args) {
        return err_set(e, ERR_USAGE, "%s: a word is missing; usage: vaetop %s", c->word, c->usage);
    }
    if (o->n_args > c->most_args) {
        char clean[128];
        return err_set(e, ERR_USAGE, "%s: one word too many: %s; usage: vaetop %s", c->word,
                       str_clean(clean, sizeof clean, o->arg[c->most_args]), c->usage);
    }
    return ERR_OK;
}

enum err_code options_parse(struct options *out, const struct cli_command *c, int argc, char **argv, struct err *e)
{
    bool options_end = false;
    *out = (struct options){0};
    for (int i = 0; i < argc; i++) {
        const struct option_row *row;
        const char *value;
        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = true;
            continue;
        }
        if (options_end || argv[i][0] != '-' || argv[i][1] == '\0') {
            if (out->n_args == ARG_MAX_WORDS) {
                return err_set(e, ERR_USAGE, "%s: more than %d words", c->word, ARG_MAX_WORDS);
            }
            out->arg[out->n_args++] = argv[i];
            continue;
        }
        row = find_option(argv[i], &value);
        if (!row || !takes(c, row->letter)) {
            return unknown_option(c, argv[i], e);
        }
        if (row->arg && !value) {
            if (i + 1 == argc) {
                return err_set(e, ERR_USAGE, "--%s: needs %s; see vaetop %s --help", row->word, row->arg, c->word);
            }
            value = argv[++i];
        } else if (!row->arg && value) {
            return err_set(e, ERR_USAGE, "--%s: takes no value", row->word);
        }
        if (row->letter == 's' && out->n_set == SET_MAX) {
            return err_set(e, ERR_USAGE, "--set: more than %d times", SET_MAX);
        }
        assign(out, row->letter, value);
    }
    return out->help ? ERR_OK : check_words(out, c, e);
}

/* The knob table in brief, one paragraph a section. */
static void knobs_help(void)
{
    const char *section = "";
    int at = 0;
    (void)printf("\nknobs of --set and of presets, and their defaults; man vaetop-preset explains each:");
    for (int i = 0; i < KNOB_COUNT; i++) {
        const struct knob_info *k = knob_info((enum knob)i);
        char text[80];
        const int n = snprintf(text, sizeof text, "%s%s%s", k->name, k->default_text[0] ? "=" : "", k->default_text);
        if (strcmp(section, k->section) != 0) {
            section = k->section;
            at = printf("\n  %-10s", section) - 1;
        } else if (at + 1 + n > HELP_COLUMNS) {
            at = printf("\n  %-10s", "") - 1;
        }
        at += printf(" %s", text);
    }
    (void)printf("\n");
}

void command_help(const struct cli_command *c)
{
    (void)printf("%s\n\nusage: vaetop %s\n\nexamples:\n%s\noptions:\n", c->summary, c->usage, c->examples);
    for (const char *p = c->takes;; p++) {
        char letter = *p ? *p : 'h', left[40];
        const struct option_row *row = option_of(letter);
        if (row) {
            (void)snprintf(left, sizeof left, "--%s%s%s", row->word, row->arg ? " " : "", row->arg ? row->arg : "");
            if (letter >= 'a') {
                (void)printf("  -%c, %-16s %s\n", letter, left, row->meaning);
            } else {
                (void)printf("      %-16s %s\n", left, row->meaning);
            }
        }
        if (*p == '\0') {
            break;
        }
    }
    if (strcmp(c->word, "run") == 0) {
        knobs_help();
    }
    (void)printf("\nThe whole manual: man vaetop\n");
}

void program_help(void)
{
    (void)printf("vaetop " VAETOP_VERSION " tunes Variational Autoencoders in a terminal, on any OpenCL device\n\n"
                 "examples:\n"
                 "  vaetop run quickstart                  watch trials train on built-in digits\n"
                 "  vaetop run mnist --set data.source=t10k-images-idx3-ubyte.gz\n"
                 "  vaetop attach                          look at a running study again\n"
                 "  vaetop show quickstart                 its leaderboard as text\n\n"
                 "commands:\n");
    for (size_t i = 0; i < n_commands; i++) {
        (void)printf("  %-11s %s\n", commands[i].word, commands[i].summary);
    }
    (void)printf("\nvaetop COMMAND --help tells more; man vaetop tells all.\n"
                 "Exit status: 0 ok, 1 runtime error, 2 usage or preset, 3 no usable device, 4 only failed trials,\n"
                 "5 study in use, 6 store damaged, 128+n ended by signal n.\n");
}
