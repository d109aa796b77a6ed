#include "vaetop/conf/trial.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKIPPED "skipped steps"

static const char *const state_name[] = {
#define X(s) #s,
    TRIAL_STATE_LIST(X)
#undef X
};

static const struct {
    char letter;
    const char *word;
    enum trial_state state;
    const char *meaning;
} phase[PHASE_COUNT] = {
#define X(id, letter, word, state, meaning) {letter, word, TRIAL_##state, meaning},
    TRIAL_PHASE_LIST(X)
#undef X
};

const char *trial_state_name(enum trial_state s)
{
    assert((size_t)s < sizeof state_name / sizeof *state_name);
    return state_name[s];
}

char trial_phase_letter(enum trial_phase p)
{
    assert((unsigned)p < PHASE_COUNT);
    return phase[p].letter;
}

const char *trial_phase_word(enum trial_phase p)
{
    assert((unsigned)p < PHASE_COUNT);
    return phase[p].word;
}

const char *trial_phase_meaning(enum trial_phase p)
{
    assert((unsigned)p < PHASE_COUNT);
    return phase[p].meaning;
}

enum trial_state trial_phase_state(enum trial_phase p)
{
    assert((unsigned)p < PHASE_COUNT);
    return phase[p].state;
}

int trial_phase_from_word(const char *word)
{
    for (int i = 0; i < PHASE_COUNT; i++) {
        if (strcmp(phase[i].word, word) == 0) {
            return i;
        }
    }
    return -1;
}

size_t snapshot_pixels(const struct snapshot *s)
{
    return 3 * (size_t)s->n_images * (size_t)s->image_h * (size_t)s->image_w;
}

void snapshot_release(struct snapshot *s)
{
    free(s->kl);
    free(s->xy);
    free(s->label);
    free(s->pixels);
    *s = (struct snapshot){0};
}

void trial_note_skipped(struct trial_note *note, int64_t steps)
{
    (void)snprintf(note->kind, sizeof note->kind, "%s", SKIPPED);
    (void)snprintf(note->text, sizeof note->text, "%" PRId64 " steps skipped so far: their gradient was longer than "
                   "optimizer.skip or not finite; lower optimizer.lr if they grow", steps);
}

int64_t trial_notes_skipped(const struct trial_note *note, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(note[i].kind, SKIPPED) == 0) {
            const int64_t steps = strtoll(note[i].text, NULL, 10);
            return steps > 0 ? steps : 0;
        }
    }
    return 0;
}
