#include "vaetop/cli/cli.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "vaetop/base/limits.h"
#include "vaetop/base/str.h"
#include "vaetop/engine/engine.h"

const struct cli_command commands[] = {
    {"run", "run PRESET [options]", "start a study, or continue one",
     "  vaetop run quickstart\n"
     "  vaetop run mnist --set data.source=t10k-images-idx3-ubyte.gz --name first\n"
     "  vaetop run my.yaml --dry-run           the space and ten suggestions, nothing started\n"
     "  vaetop run random --no-tui --trials 8  progress lines, for scripts\n",
     "dnDsTLS27NBRqwacH", 1, 1, run_command},
    {"attach", "attach [STUDY] [options]", "look at a running or finished study",
     "  vaetop attach                          the only running study\n"
     "  vaetop attach quickstart-2\n",
     "dNqwacH", 0, 1, attach_command},
    {"ls", "ls [options]", "list the studies", "  vaetop ls\n  vaetop ls --json\n", "djo", 0, 0, ls_command},
    {"show", "show STUDY [options]", "the leaderboard, one trial, or the study as a whole, as text or JSON",
     "  vaetop show quickstart\n"
     "  vaetop show quickstart --trial best\n"
     "  vaetop show quickstart --study         which knobs matter, what comes next\n"
     "  vaetop show quickstart --once          the dashboard as text\n"
     "  vaetop show quickstart --json | jq .best_value_nats\n",
     "dtUjOXJao", 1, 1, show_command},
    {"stop", "stop STUDY [options]", "end a study (checkpointed, resume goes on) or one trial (for good)",
     "  vaetop stop quickstart\n  vaetop stop quickstart --trial 7\n", "dtq", 1, 1, stop_command},
    {"pause", "pause STUDY [options]", "checkpoint a study or one trial and free its device",
     "  vaetop pause quickstart\n  vaetop pause quickstart --trial 7\n", "dtq", 1, 1, pause_command},
    {"resume", "resume STUDY [options]", "go on with what was paused or stopped",
     "  vaetop resume quickstart\n  vaetop resume quickstart --trial 7\n", "dtDq", 1, 1, resume_command},
    {"set", "set STUDY --trial N KNOB=VALUE | --trials N | --slots N",
     "change lr, beta or epochs of a running trial; or how many trials, how many at once",
     "  vaetop set quickstart --trial 7 optimizer.lr=1e-4\n"
     "  vaetop set quickstart --trials 200     in all, also of a study that has finished\n",
     "dtTLq", 1, 2, set_command},
    {"clone", "clone STUDY --trial N [--set K=V]", "a new trial with another's values, some of them changed",
     "  vaetop clone quickstart --trial best --set optimizer.lr=3e-4\n", "dtsq", 1, 1, clone_command},
    {"rerun", "rerun STUDY [options]", "repeat the best trials with other seeds; print mean and deviation",
     "  vaetop rerun quickstart --top 5 --seeds 3\n"
     "  vaetop rerun quickstart --json         the same call adds nothing twice\n",
     "d45joq", 1, 1, rerun_command},
    {"enqueue", "enqueue STUDY --set K=V", "a trial of your own; what is not given is drawn at random",
     "  vaetop enqueue quickstart --set model.latent=8 --set optimizer.lr=1e-3\n", "dsq", 1, 1, enqueue_command},
    {"space", "space STUDY [--set K=RANGE]", "print the search space; narrow or extend a range, append a choice",
     "  vaetop space quickstart\n"
     "  vaetop space quickstart --set 'optimizer.lr=1e-4 .. 1e-3 log'\n"
     "  vaetop space study --set 'optimizer.kind=adam | sgd | rmsprop'\n",
     "dsq", 1, 1, space_command},
    {"rm", "rm STUDY [options]", "remove a study and all its files", "  vaetop rm quickstart\n", "d", 1, 1, rm_command},
    {"presets", "presets [NAME]", "list the presets, or print one to start your own from",
     "  vaetop presets\n  vaetop presets random > mine.yaml\n", "o", 0, 1, presets_command},
    {"devices", "devices [STUDY [on|off|drain|test DEVICES]] [options]",
     "list the OpenCL devices; those of a study: also switch them while it runs",
     "  vaetop devices                         what there is, and what keeps others from being used\n"
     "  vaetop devices --self-test\n"
     "  vaetop devices quickstart              what the study uses, temperature, power, load\n"
     "  vaetop devices quickstart off gpu      its trials write checkpoints and go on elsewhere\n"
     "  vaetop devices quickstart drain 0      nothing new on device 0; off when its trials have ended\n",
     "djVoq", 0, 3, devices_command},
    {"bench", "bench [options]", "how fast a device is beside its own limit; --tune chooses plans by it",
     "  vaetop bench                           about a minute, best on a machine that does nothing else\n"
     "  vaetop bench --networks 784-400-20:128 --rounds 25 --json\n",
     "DWIY3jqo", 0, 0, bench_command},
    {"export", "export STUDY [options] -o FILE", "weights as safetensors, trials as CSV, JSON or for Optuna",
     "  vaetop export quickstart -o model.safetensors\n"
     "  vaetop export quickstart --csv -o trials.csv\n"
     "  vaetop export quickstart --optuna -o optuna.db\n",
     "dtCj6oq", 1, 1, export_command},
    {"eval", "eval STUDY [options]", "figures of a trained model on held-out or other data",
     "  vaetop eval quickstart                 the best trial on the study's validation part\n"
     "  vaetop eval mnist --source t10k-images-idx3-ubyte.gz --samples 1000 --json\n",
     "dtFQMDjo", 1, 1, eval_command},
    {"sample", "sample STUDY [options] -o FILE", "new images as PNG or NPY",
     "  vaetop sample quickstart -o samples.png\n"
     "  vaetop sample quickstart --from gmm --count 100 --seed 7 -o samples.npy\n",
     "dtGKSDoq", 1, 1, sample_command},
    {"reconstruct", "reconstruct STUDY [options] -o FILE", "held-out images above what the model makes of them",
     "  vaetop reconstruct quickstart -o pairs.png\n", "dtFQKDoq", 1, 1, reconstruct_command},
    {"interpolate", "interpolate STUDY [options] -o FILE", "ways through latent space from one image to another",
     "  vaetop interpolate quickstart --steps 12 -o ways.png\n", "dtFQKPSDoq", 1, 1, interpolate_command},
    {"encode", "encode STUDY [options] -o FILE", "latent means of all images as NPY",
     "  vaetop encode quickstart -o means.npy --labels labels.npy\n"
     "  vaetop encode mnist --source t10k-images-idx3-ubyte.gz -o test.npy\n",
     "dtFKEDoq", 1, 1, encode_command},
    {"fsck", "fsck STUDY [options]", "check that a study is whole, save what can be saved",
     "  vaetop fsck quickstart                 lost, duplicated, corrupted: nothing\n"
     "  vaetop fsck quickstart --repair        a copy with all that can be read; the study stays\n",
     "dAjo", 1, 1, fsck_command},
};
const size_t n_commands = sizeof commands / sizeof *commands;

const struct cli_command *command_find(const char *word)
{
    for (size_t i = 0; i < n_commands; i++) {
        if (strcmp(commands[i].word, word) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* Without a command: the Studies screen. */
static const struct cli_command bare = {"", "[options]", "the studies, and presets to start", "", "dDNqwacHZ", 0, 0,
                                        home_command};

static enum err_code unknown_word(const char *word, struct err *e)
{
    const char *known[sizeof commands / sizeof *commands];
    const char *near;
    char clean[128];
    for (size_t i = 0; i < n_commands; i++) {
        known[i] = commands[i].word;
    }
    near = str_nearest(word, known, n_commands);
    return err_set(e, ERR_USAGE, "%s: no such command%s%s%s; vaetop --help lists them",
                   str_clean(clean, sizeof clean, word), near ? ", did you mean " : "", near ? near : "",
                   near ? "?" : "");
}

static enum err_code dispatch(int argc, char **argv, struct err *e)
{
    struct options o;
    const struct cli_command *c;
    enum err_code rc;
    if (argc < 2) {
        o = (struct options){0};
        return home_command(&o, e);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        c = argc > 2 ? command_find(argv[2]) : NULL;
        if (c) {
            command_help(c);
        } else {
            program_help();
        }
        return ERR_OK;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        (void)printf("vaetop " VAETOP_VERSION "\n");
        return ERR_OK;
    }
    c = command_find(argv[1]);
    if (!c && argv[1][0] == '-') {
        rc = options_parse(&o, &bare, argc - 1, argv + 1, e);
        if (!rc && o.help) {
            program_help();
        }
        return rc || o.help ? rc : home_command(&o, e);
    }
    if (!c) {
        return unknown_word(argv[1], e);
    }
    rc = options_parse(&o, c, argc - 2, argv + 2, e);
    if (rc) {
        return rc;
    }
    if (o.help) {
        command_help(c);
        return ERR_OK;
    }
    return c->run(&o, e);
}

/* The line that a command ends with. Where limits may be the cause of it, it names them. */
static void print_error(const struct err *e)
{
    char clean[sizeof e->text], low[LIMITS_TEXT] = "";
    if (e->code == ERR_NOMEM || e->code == ERR_IO || e->code == ERR_FULL || e->code == ERR_NODEVICE) {
        (void)limits_low(low, sizeof low);
    }
    (void)fprintf(stderr, "vaetop: %s%s%s\n", str_clean(clean, sizeof clean, e->text),
                  *low ? "; limits here that may be too low: " : "", low);
}

int cli_main(int argc, char **argv)
{
    struct err e = {0};
    enum err_code rc;
    (void)setlocale(LC_CTYPE, "");
    (void)umask(077);
    limits_raise(); /* for all that is started from here, too */
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error like a full disk */
    /* Started by client_start(), not by people: DIR DEVICE, with the ready pipe as descriptor 3. */
    if (argc == 4 && strcmp(argv[1], "__supervise") == 0) {
        return engine_supervise(argv[2], *argv[3] ? argv[3] : NULL, 3);
    }
    if (argc == 4 && strcmp(argv[1], "__engine") == 0) {
        return engine_main(argv[2], *argv[3] ? argv[3] : NULL, 3);
    }
    if (argc == 3 && strcmp(argv[1], "__manual") == 0) {
        return manual_part(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "__words") == 0) {
        char *words = completion_words(argv[2]);
        (void)fputs(words ? words : "", stdout);
        free(words);
        return words ? 0 : 2;
    }
    rc = dispatch(argc, argv, &e);
    if (rc) {
        print_error(&e);
        return err_exit_status(rc);
    }
    if (fflush(stdout) != 0) {
        return 1;
    }
    return command_signal ? 128 + command_signal : 0;
}
