/* What the shells complete, from the tables of commands and options: `vaetop __manual bash|zsh|fish` prints the files
 * that are installed, `vaetop __words KIND` the words they ask for while a person types. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
#include "vaetop/conf/knob.h"
#include "vaetop/conf/paths.h"

/* What stands for a value or a word, by the name it has in usage and option table. words: fixed ones; kind: of
 * `vaetop __words`; files, dirs: paths. */
enum what { NOTHING, WORDS, KIND, FILES, DIRS };
struct value {
    const char *arg;
    enum what what;
    const char *text;
};

static struct value value_of(const char *arg)
{
    static const struct value table[] = {{"STUDY", KIND, "studies"}, {"PRESET", KIND, "presets"},
                                         {"[STUDY]", KIND, "studies"}, {"[NAME]", KIND, "presets"},
                                         {"[STUDY", KIND, "studies"},
                                         {"DIR", DIRS, ""},          {"FILE", FILES, ""},
                                         {"K=V", KIND, "knobs"},     {"A,B", WORDS, "cpu gpu all"},
                                         {"WHEN", WORDS, "auto never always 16 256"}, {"WHAT", WORDS, "prior gmm"}};
    if (strcmp(arg, "THEME") == 0) {
        return (struct value){arg, WORDS, ui_themes()};
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i].arg, arg) == 0) {
            return table[i];
        }
    }
    return (struct value){arg, NOTHING, ""};
}

/* The first word after the command's own, from its usage. */
static struct value word_of(const struct cli_command *c)
{
    char arg[24];
    const char *p = c->usage + strcspn(c->usage, " ");
    p += strspn(p, " ");
    (void)str_copy(arg, sizeof arg, p);
    arg[strcspn(arg, " ")] = '\0';
    return value_of(arg);
}

/* The second word, where usage gives all there are: "[on|off|drain|test DEVICES]". Returns buf; "": it does not. */
static const char *second_words(char *buf, size_t cap, const struct cli_command *c)
{
    const char *p = c->usage;
    for (int skip = 0; skip < 2; skip++) {
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
    size_t n = strcspn(p, " ]");
    bool words = p[0] == '[' && memchr(p, '|', n);
    (void)snprintf(buf, cap, "%.*s", words ? (int)(n - 1) : 0, p + 1);
    return buf;
}

/* Words of the table are separated by blanks or bars; here by blanks. */
static void add_words(struct sbuf *out, const char *words)
{
    for (const char *p = words; *p; p++) {
        sbuf_add_bytes(out, *p == '|' ? " " : p, 1);
    }
}

/* In single quotes; `also` gets a backslash before each of its characters. */
static void add_quoted(struct sbuf *out, const char *text, const char *also)
{
    for (const char *p = text; *p; p++) {
        sbuf_add(out, *p == '\'' ? "'\\'" : strchr(also, *p) ? "\\" : "");
        sbuf_add_bytes(out, p, 1);
    }
}

/* Runs fn for each option that a command takes, --help among them. */
static void each_option(struct sbuf *out, const struct cli_command *c,
                        void fn(struct sbuf *out, const struct cli_command *c, const struct option_row *o))
{
    for (const char *p = c->takes; *p; p++) {
        fn(out, c, option_of(*p));
    }
    fn(out, c, option_of('h'));
}

/* --- bash */

static void bash_word(struct sbuf *out, const struct cli_command *c, const struct option_row *o)
{
    (void)c;
    sbuf_addf(out, " --%s", o->word);
}

static void bash_value(struct sbuf *out, const struct value *v)
{
    if (v->what == FILES || v->what == DIRS) {
        sbuf_addf(out, "_vaetop_paths -%s", v->what == FILES ? "f" : "d");
    } else if (v->what == KIND) {
        sbuf_addf(out, "_vaetop_words \"$(vaetop __words %s 2>/dev/null)\"", v->text);
    } else if (v->what == WORDS) {
        sbuf_add(out, "_vaetop_words \"");
        add_words(out, v->text);
        sbuf_add(out, "\"");
    } else {
        sbuf_add(out, ":");
    }
}

static const char bash_head[] =
    "_vaetop_words() {\n"
    "    COMPREPLY=($(compgen -W \"$1\" -- \"$cur\"))\n"
    "    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
    "}\n\n"
    "_vaetop_paths() {\n"
    "    compopt -o filenames\n"
    "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
    "}\n\n"
    "_vaetop() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= at=0 i\n"
    "    COMPREPLY=()\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        if [[ ${COMP_WORDS[i]} != -* ]]; then\n"
    "            command=${COMP_WORDS[i]} at=$i\n"
    "            break\n"
    "        fi\n"
    "    done\n"
    "    # readline cuts KNOB=VALUE at the sign\n"
    "    if [[ $prev == = ]]; then\n"
    "        _vaetop_words \"$(vaetop __words \"${COMP_WORDS[COMP_CWORD - 2]}\" 2>/dev/null)\"\n"
    "        return\n"
    "    elif [[ $cur == = ]]; then\n"
    "        cur=\n"
    "        _vaetop_words \"$(vaetop __words \"$prev\" 2>/dev/null)\"\n"
    "        return\n"
    "    fi\n";

static void bash_file(struct sbuf *out)
{
    sbuf_add(out, bash_head);
    sbuf_add(out, "    case $prev in\n");
    for (char letter = 'A'; letter <= 'z'; letter++) {
        const struct option_row *o = option_of(letter);
        if (o && o->arg) {
            struct value v = value_of(o->arg);
            sbuf_addf(out, "    --%s", o->word);
            if (letter >= 'a') {
                sbuf_addf(out, " | -%c", letter);
            }
            sbuf_add(out, ")\n        ");
            bash_value(out, &v);
            sbuf_add(out, "\n        return\n        ;;\n");
        }
    }
    sbuf_add(out, "    esac\n    case $command in\n");
    for (size_t i = 0; i < n_commands; i++) {
        struct value v = word_of(&commands[i]);
        char second[64];
        sbuf_addf(out, "    %s)\n        if [[ $cur == -* ]]; then\n            _vaetop_words \"", commands[i].word);
        each_option(out, &commands[i], bash_word);
        sbuf_add(out, "\"\n        elif ((COMP_CWORD == at + 1)); then\n            ");
        bash_value(out, &v);
        if (second_words(second, sizeof second, &commands[i])[0]) {
            sbuf_add(out, "\n        elif ((COMP_CWORD == at + 2)); then\n            _vaetop_words \"");
            add_words(out, second);
            sbuf_add(out, "\"");
        }
        sbuf_add(out, "\n        fi\n        ;;\n");
    }
    sbuf_add(out, "    '')\n        _vaetop_words \"");
    for (size_t i = 0; i < n_commands; i++) {
        sbuf_addf(out, "%s ", commands[i].word);
    }
    sbuf_add(out, "--help --version\"\n        ;;\n    esac\n}\ncomplete -F _vaetop vaetop\n");
}

/* --- zsh */

static void zsh_value(struct sbuf *out, const struct value *v)
{
    if (v->what == FILES || v->what == DIRS) {
        sbuf_addf(out, ":%s:_files%s", v->what == FILES ? "file" : "folder", v->what == DIRS ? " -/" : "");
    } else if (v->what == KIND) {
        sbuf_addf(out, ":%s:_vaetop_%s", v->text, v->text);
    } else if (v->what == WORDS) {
        sbuf_add(out, ":word:(");
        add_words(out, v->text);
        sbuf_add(out, ")");
    } else {
        sbuf_add(out, ":value: ");
    }
}

/* Both forms share a line; unless it may be repeated, the one rules out the other. */
static void zsh_option(struct sbuf *out, const struct cli_command *c, const struct option_row *o)
{
    (void)c;
    sbuf_add(out, " \\\n            ");
    if (o->letter == 's') {
        sbuf_addf(out, "'*'{-%c,--%s}'[", o->letter, o->word);
    } else if (o->letter >= 'a') {
        sbuf_addf(out, "'(-%c --%s)'{-%c,--%s}'[", o->letter, o->word, o->letter, o->word);
    } else {
        sbuf_addf(out, "'--%s[", o->word);
    }
    add_quoted(out, o->meaning, "[]:");
    sbuf_add(out, "]");
    if (o->arg) {
        struct value v = value_of(o->arg);
        zsh_value(out, &v);
    }
    sbuf_add(out, "'");
}

static void zsh_file(struct sbuf *out)
{
    static const char *const kind[] = {"studies", "presets", "knobs"};
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        sbuf_addf(out,
                  "_vaetop_%s() {\n    local -a found\n    found=(${(f)\"$(vaetop __words %s 2>/dev/null)\"})\n"
                  "    compadd %s-a found\n}\n\n",
                  kind[i], kind[i], i == 2 ? "-S '' " : "");
    }
    sbuf_add(out, "_vaetop() {\n    local -a words_of\n    words_of=(\n");
    for (size_t i = 0; i < n_commands; i++) {
        sbuf_addf(out, "        '%s:", commands[i].word);
        add_quoted(out, commands[i].summary, "");
        sbuf_add(out, "'\n");
    }
    sbuf_add(out, "    )\n    if ((CURRENT == 2)); then\n        _describe command words_of\n        return\n    fi\n"
                  "    local command=$words[2]\n    shift words\n    ((CURRENT--))\n    case $command in\n");
    for (size_t i = 0; i < n_commands; i++) {
        struct value v = word_of(&commands[i]);
        char second[64];
        sbuf_addf(out, "    %s)\n        _arguments -s", commands[i].word);
        each_option(out, &commands[i], zsh_option);
        if (v.what != NOTHING) {
            sbuf_add(out, " \\\n            '1");
            zsh_value(out, &v);
            sbuf_add(out, "'");
        }
        if (second_words(second, sizeof second, &commands[i])[0]) {
            sbuf_add(out, " \\\n            '2:word:(");
            add_words(out, second);
            sbuf_add(out, ")'");
        }
        sbuf_add(out, "\n        ;;\n");
    }
    sbuf_add(out, "    esac\n}\n\n_vaetop \"$@\"\n");
}

/* --- fish */

static void fish_value(struct sbuf *out, const struct value *v)
{
    if (v->what == FILES) {
        sbuf_add(out, " -r -F");
    } else if (v->what == DIRS) {
        sbuf_add(out, " -x -a '(__fish_complete_directories)'");
    } else if (v->what == KIND) {
        sbuf_addf(out, " -x -a '(vaetop __words %s 2>/dev/null)'", v->text);
    } else if (v->what == WORDS) {
        sbuf_add(out, " -x -a '");
        add_words(out, v->text);
        sbuf_add(out, "'");
    } else {
        sbuf_add(out, " -x");
    }
}

static void fish_option(struct sbuf *out, const struct cli_command *c, const struct option_row *o)
{
    sbuf_addf(out, "complete -c vaetop -n '__fish_seen_subcommand_from %s' -l %s", c->word, o->word);
    if (o->letter >= 'a') {
        sbuf_addf(out, " -s %c", o->letter);
    }
    if (o->arg) {
        struct value v = value_of(o->arg);
        fish_value(out, &v);
    }
    sbuf_add(out, " -d '");
    add_quoted(out, o->meaning, "");
    sbuf_add(out, "'\n");
}

static void fish_file(struct sbuf *out)
{
    sbuf_add(out, "complete -c vaetop -f\n");
    for (size_t i = 0; i < n_commands; i++) {
        struct value v = word_of(&commands[i]);
        char second[64];
        sbuf_addf(out, "complete -c vaetop -n __fish_use_subcommand -a %s -d '", commands[i].word);
        add_quoted(out, commands[i].summary, "");
        sbuf_add(out, "'\n");
        each_option(out, &commands[i], fish_option);
        if (v.what == KIND) {
            sbuf_addf(out,
                      "complete -c vaetop -n '__fish_seen_subcommand_from %s' -a '(vaetop __words %s 2>/dev/null)'\n",
                      commands[i].word, v.text);
        }
        if (second_words(second, sizeof second, &commands[i])[0]) {
            sbuf_addf(out, "complete -c vaetop -n '__fish_seen_subcommand_from %s' -a '", commands[i].word);
            add_words(out, second);
            sbuf_add(out, "'\n");
        }
    }
}

char *completions(const char *shell)
{
    struct sbuf out = {0};
    sbuf_addf(&out, "%s# Completions of vaetop, made by `vaetop __manual %s`: edit its tables, not this.\n",
              strcmp(shell, "zsh") == 0 ? "#compdef vaetop\n" : "", shell);
    if (strcmp(shell, "bash") == 0) {
        bash_file(&out);
    } else if (strcmp(shell, "zsh") == 0) {
        zsh_file(&out);
    } else if (strcmp(shell, "fish") == 0) {
        fish_file(&out);
    } else {
        sbuf_release(&out);
        return NULL;
    }
    return sbuf_take(&out);
}

/* --- while a person types */

static void add_studies(struct sbuf *out)
{
    const struct options none = {0};
    char *parent = studies_dir(&none), **name = NULL;
    size_t n = studies_list(&name, parent);
    for (size_t i = 0; i < n; i++) {
        sbuf_addf(out, "%s\n", name[i]);
        free(name[i]);
    }
    free(name);
    free(parent);
}

static void add_presets(struct sbuf *out)
{
    struct preset_entry *list = NULL;
    size_t n = preset_list(&list);
    for (size_t i = 0; i < n; i++) {
        if (study_name_ok(list[i].name)) { /* bash expands these words: no signs that it would act on */
            sbuf_addf(out, "%s\n", list[i].name);
        }
    }
    preset_list_free(list, n);
}

char *completion_words(const char *kind)
{
    struct sbuf out = {0};
    enum knob k = knob_find(kind);
    if (strcmp(kind, "studies") == 0) {
        add_studies(&out);
    } else if (strcmp(kind, "presets") == 0) {
        add_presets(&out);
    } else if (strcmp(kind, "knobs") == 0) {
        for (int i = 0; i < KNOB_COUNT; i++) {
            sbuf_addf(&out, "%s=\n", knob_info((enum knob)i)->full);
        }
    } else if (k != KNOB_NONE) {
        for (const char *p = knob_info(k)->choices; *p; p++) {
            sbuf_add_bytes(&out, *p == '|' ? "\n" : p, 1);
        }
        sbuf_add(&out, "\n");
    } else {
        return NULL;
    }
    return sbuf_take(&out);
}
