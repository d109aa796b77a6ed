/* Pruning with the fake worker, whose values are 100 + trial + 10 / epoch: lower numbers are better at every epoch. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

int prune_tests(void);

#define STUDY(pruner, trials, slots, epochs)                                                                            \
    "study:\n  pruner: " pruner "\n  trials: " #trials "\n  slots: " #slots "\ntrain:\n  epochs: " #epochs              \
    "\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n"

static void check_end(struct rig *r, int trial, enum trial_phase phase, int epochs, const char *reason)
{
    struct trial_row t;
    assert_true(rig_trial(r, trial, &t));
    assert_string_equal(trial_phase_word(t.phase), trial_phase_word(phase));
    assert_close(t.value, rig_value(trial, epochs), 1e-12, 0);
    assert_string_equal(t.reason, reason);
    rig_check_epochs(r, trial, epochs);
}

/* Nine trials one after the other, rungs at 1 and 3 of 9 epochs: the best three go on to 3, the best of them to its end;
 * a trial is promoted as soon as its rung allows it. */
static void check_asha(struct rig *r)
{
    check_end(r, 0, PHASE_DONE, 9, "");
    check_end(r, 1, PHASE_PRUNED, 3, "rung 1 (3 epochs): 2nd of 3, the best 1 goes on");
    check_end(r, 2, PHASE_PRUNED, 3, "rung 1 (3 epochs): 3rd of 3, the best 1 goes on");
    check_end(r, 3, PHASE_PRUNED, 1, "rung 0 (1 epoch): 4th of 9, the best 3 go on");
    check_end(r, 8, PHASE_PRUNED, 1, "rung 0 (1 epoch): 9th of 9, the best 3 go on");
    assert_int_equal(rig_count(r, PHASE_PRUNED), 8);
    struct trial_row t;
    assert_true(rig_trial(r, 0, &t));
    assert_true(t.attempts >= 3); /* it was really taken off, and came back from its checkpoint */
    assert_true(rig_has_checkpoint(r, 0));
}

static void asha_holds_promotes_and_prunes(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY("asha", 9, 1, 9));
    rig_set("hold-8-0"); /* the last one waits, so that we can look */
    rig_start(&r);
    rig_until_phase(&r, 8, PHASE_ACTIVE);
    rig_until_phase(&r, 7, PHASE_HELD);
    assert_int_equal(rig_count(&r, PHASE_PRUNED), 0);
    struct trial_row t;
    assert_true(rig_trial(&r, 7, &t));
    assert_string_equal(t.device, "");
    assert_true(rig_trial(&r, 1, &t));
    assert_int_equal(t.last.epoch, 3); /* 2 of 6 had been reached before the ninth came */
    rig_do(&r, COMMAND_RESUME, 7, NULL); /* the rung decides, not a person */
    assert_true(rig_trial(&r, 7, &t));
    assert_int_equal(t.phase, PHASE_HELD);
    rig_clear("hold-8-0");
    rig_until_finished(&r);
    check_asha(&r);
    rig_until_log(&r, "goes on to 3 epochs; rung 0 (1 epoch): 1st of 3, the best 1 goes on");
    rig_until_log(&r, "goes on to its end; rung 1 (3 epochs): 1st of 3, the best 1 goes on");
    rig_end(&r);
}

static bool is_closed(struct rig *r, const void *arg)
{
    (void)arg;
    return r->closed;
}

/* The engine and its supervisor, whose back-off would only take time. */
static void kill_engine(struct rig *r)
{
    pid_t engine = rig_engine(r);
    char path[64];
    char text[512] = "";
    int supervisor = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)engine);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    (void)fclose(f);
    const char *after = strrchr(text, ')');
    assert_non_null(after);
    assert_int_equal(sscanf(after, ") %*c %d", &supervisor), 1);
    assert_int_equal(kill(supervisor, SIGKILL), 0);
    assert_int_equal(kill(engine, SIGKILL), 0);
    rig_until(r, is_closed, NULL, "the client hears of it");
    rig_detach(r);
    rig_wait_engine_gone(r);
    rig_start(r);
}

/* The engine dies at every stage of it, and the end is the same. */
static void a_killed_engine_loses_no_rung(void **state)
{
    (void)state;
    /* Order of things: 0, 1, 2 to one epoch, 0 to three; 3, 4, 5 to one, 1 to three; 6, 7, 8 to one, 2 to three; 0 to its
     * end. The engine dies when `trial` has come to `epoch`, before what `hold` holds. */
    static const struct {
        const char *hold;
        int trial, epoch;
    } at[] = {{"hold-1-0", 0, 1}, /* held, or about to be */
              {"hold-0-1", 2, 1}, /* promoted, without an epoch since */
              {"hold-0-2", 0, 2}, /* on the way to a rung */
              {"hold-8-0", 7, 1},
              {"hold-0-5", 0, 5}};
    struct rig r;
    rig_study(&r, STUDY("asha", 9, 1, 9));
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        rig_set(at[i].hold);
    }
    rig_start(&r);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        rig_until_epoch(&r, at[i].trial, at[i].epoch);
        if (i == 1) {
            rig_until_phase(&r, 0, PHASE_ACTIVE);
        }
        kill_engine(&r);
        rig_clear(at[i].hold);
    }
    rig_until_finished(&r);
    check_asha(&r);
    rig_end(&r);
}

/* A small study whose rungs are never full enough still gives one whole trial. */
static void asha_always_ends_with_a_whole_trial(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY("asha", 2, 2, 9));
    rig_start(&r);
    rig_until_finished(&r);
    check_end(&r, 0, PHASE_DONE, 9, "");
    check_end(&r, 1, PHASE_PRUNED, 1, "rung 0 (1 epoch): 2nd of 2, the best 0 go on");
    rig_until_log(&r, "the best of the highest rung, for no trial has all its epochs yet");
    rig_end(&r);
}

/* No rung inside the longest warm-up of the space. */
static void rungs_lie_behind_the_warm_up(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY("asha", 3, 1, 9) "loss:\n  beta_schedule: linear\n  beta_warmup: 1 | 2 | 2.5\n");
    rig_start(&r);
    rig_until_finished(&r);
    check_end(&r, 1, PHASE_PRUNED, 3, "rung 0 (3 epochs): 2nd of 3, the best 1 goes on");
    rig_end(&r);
}

static void a_worker_that_dies_at_a_rung_changes_nothing(void **state)
{
    (void)state;
    struct rig r;
    rig_held(&r, STUDY("asha", 9, 1, 9), 0, 2);
    (void)kill(rig_worker(&r, 0), SIGKILL);
    rig_clear("hold-0-2");
    rig_until_finished(&r);
    check_asha(&r);
    rig_end(&r);
}

/* Trials come one by one and each is worse: after two whole ones the third is cut at once, at the first epoch that may
 * count. Its checkpoint and value stay. */
static void the_median_ends_a_trial_at_once(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, "study:\n  pruner: median\n  pruner_startup: 2\n  pruner_min_epochs: 3\n  trials: 4\n  slots: 1\n"
                  "train:\n  epochs: 6\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n");
    rig_start(&r);
    rig_until_finished(&r);
    check_end(&r, 1, PHASE_DONE, 6, "");
    check_end(&r, 2, PHASE_PRUNED, 3, "epoch 3: best 105.333 is above 103.833, the median of 2 trials");
    assert_true(rig_has_checkpoint(&r, 2));
    rig_until_log(&r, "pruned: 105.3333: epoch 3: best 105.333");
    rig_end(&r);
}

/* The verdict stands though the engine dies before the worker has let go. */
static void a_verdict_outlives_the_engine(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, "study:\n  pruner: asha_stop\n  pruner_eta: 2\n  trials: 3\n  slots: 1\ntrain:\n  epochs: 6\n"
                  "optimizer:\n  lr: 1e-4 .. 1e-2 log\n");
    rig_set("deaf-1"); /* it goes on through the stop */
    rig_set("hold-1-3");
    rig_start(&r);
    rig_until_log(&r, "done: 101.6667");
    rig_until_epoch(&r, 1, 1);
    kill_engine(&r);
    rig_clear("deaf-1");
    rig_clear("hold-1-3");
    rig_until_finished(&r);
    check_end(&r, 0, PHASE_DONE, 6, "");
    check_end(&r, 1, PHASE_PRUNED, 1, "rung 0 (1 epoch): 2nd of 2, the best 1 goes on");
    check_end(&r, 2, PHASE_PRUNED, 1, "rung 0 (1 epoch): 3rd of 3, the best 1 goes on");
    rig_end(&r);
}

/* The median again, but the two whole trials break what is required: they set no standard. */
static void what_breaks_a_requirement_prunes_nobody(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, "study:\n  pruner: median\n  pruner_startup: 2\n  pruner_min_epochs: 3\n  trials: 5\n  slots: 1\n"
                  "  require: kl <= 20\ntrain:\n  epochs: 6\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n");
    rig_set("kl-0-30");
    rig_set("kl-1-40");
    rig_set("kl-3-40");
    rig_start(&r);
    rig_until_finished(&r);
    check_end(&r, 2, PHASE_DONE, 6, ""); /* the only one that keeps it */
    check_end(&r, 3, PHASE_PRUNED, 3, "epoch 3: 3rd of 4, the best 2 go on; it breaks study.require");
    check_end(&r, 4, PHASE_DONE, 6, ""); /* behind 2, before the others */
    rig_end(&r);
}

/* The best by value breaks the requirement: the next one is promoted in its place, also by an engine that had to read
 * all of it back. */
static void rungs_go_by_what_is_required(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, "study:\n  pruner: asha\n  trials: 9\n  slots: 1\n  require: kl <= 20\n"
                  "train:\n  epochs: 9\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n");
    rig_set("kl-0-30");
    rig_set("hold-2-0");
    rig_start(&r);
    rig_until_phase(&r, 1, PHASE_HELD);
    rig_until_phase(&r, 2, PHASE_ACTIVE);
    kill_engine(&r);
    rig_clear("hold-2-0");
    rig_until_finished(&r);
    check_end(&r, 0, PHASE_PRUNED, 1, "rung 0 (1 epoch): 9th of 9, the best 3 go on; it breaks study.require");
    check_end(&r, 1, PHASE_DONE, 9, "");
    check_end(&r, 3, PHASE_PRUNED, 3, "rung 1 (3 epochs): 3rd of 3, the best 1 goes on");
    rig_end(&r);
}

/* Two objectives: each trial has more of both than the one before, but the last, which is the other end of the front. */
static void two_objectives_are_pruned_by_the_front(void **state)
{
    static const char *const rule[] = {"median", "percentile\n  pruner_percentile: 50"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig r;
        char yaml[400];
        (void)snprintf(yaml, sizeof yaml, "study:\n  objective: rec,kl\n  pruner: %s\n  pruner_startup: 2\n"
                       "  pruner_min_epochs: 3\n  trials: 4\n  slots: 1\ntrain:\n  epochs: 6\noptimizer:\n"
                       "  lr: 1e-4 .. 1e-2 log\n", rule[i]);
        rig_study(&r, yaml);
        rig_set("kl-3-1"); /* 102 + of rec where trial 2 has 92 +, 1 of kl where it has 10 */
        rig_start(&r);
        rig_until_finished(&r);
        check_end(&r, 1, PHASE_DONE, 6, "");
        check_end(&r, 2, PHASE_PRUNED, 3, "epoch 3: 3rd of 3, the best 2 go on");
        check_end(&r, 3, PHASE_DONE, 6, "");
        rig_end(&r);
    }
}

/* The fake worker's curves fall for ever: nobody waits in vain, with one objective or two. With a fixed KL that is. */
static void patience_lets_go_on_what_improves(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, "study:\n  objective: rec,kl\n  pruner: patience\n  pruner_patience: 2\n  trials: 2\n  slots: 1\n"
                  "train:\n  epochs: 9\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n");
    rig_set("flat-1-4"); /* from epoch 4 on it stands still */
    rig_start(&r);
    rig_until_finished(&r);
    check_end(&r, 0, PHASE_DONE, 9, "");
    struct trial_row t;
    assert_true(rig_trial(&r, 1, &t));
    assert_int_equal(t.phase, PHASE_PRUNED);
    assert_int_equal(t.last.epoch, 6);
    assert_string_equal(t.reason, "epoch 6: none better than 93.5 for 2 epochs");
    rig_end(&r);
}

int prune_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(asha_holds_promotes_and_prunes),
        cmocka_unit_test(a_killed_engine_loses_no_rung),
        cmocka_unit_test(asha_always_ends_with_a_whole_trial),
        cmocka_unit_test(rungs_lie_behind_the_warm_up),
        cmocka_unit_test(a_worker_that_dies_at_a_rung_changes_nothing),
        cmocka_unit_test(the_median_ends_a_trial_at_once),
        cmocka_unit_test(a_verdict_outlives_the_engine),
        cmocka_unit_test(what_breaks_a_requirement_prunes_nobody),
        cmocka_unit_test(rungs_go_by_what_is_required),
        cmocka_unit_test(two_objectives_are_pruned_by_the_front),
        cmocka_unit_test(patience_lets_go_on_what_improves),
    };
    return cmocka_run_group_tests_name("engine prune", test, rig_setup, rig_teardown);
}
