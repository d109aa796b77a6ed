/* Pictures of the scripted study: clusters, digits of seven bars, and blurred ones that clear up with the epochs. */
#include <math.h>
#include <stdlib.h>

#include "script.h"
#include "vaetop/base/alloc.h"
#include "vaetop/store/store.h"

#define SIDE 28

/* Bars by bit: top, upper left, upper right, middle, lower left, lower right, bottom. */
static const uint8_t bars[10] = {0x77, 0x24, 0x5d, 0x6d, 0x2e, 0x6b, 0x7b, 0x25, 0x7f, 0x6f};

/* x0, y0, x1, y1 of each bar's middle line. */
static const int line[7][4] = {{9, 5, 18, 5},    {9, 5, 9, 13},    {18, 5, 18, 13},  {9, 13, 18, 13},
                               {9, 13, 9, 22},   {18, 13, 18, 22}, {9, 22, 18, 22}};

/* Brightness of a pixel that far (in half pixels) from the nearest line. soft: how far ink runs. */
static int ink(int distance, int soft)
{
    int v = 255 - distance * 255 / (4 + soft);
    return v > 0 ? v : 0;
}

static int distance(int digit, int x, int y)
{
    int least = 100;
    for (int i = 0; i < 7; i++) {
        const int *l = line[i];
        if (bars[digit] >> i & 1) {
            int dx = x < l[0] ? l[0] - x : x > l[2] ? x - l[2] : 0, dy = y < l[1] ? l[1] - y : y > l[3] ? y - l[3] : 0;
            int d = dx > dy ? 2 * dx + dy : 2 * dy + dx;
            least = d < least ? d : least;
        }
    }
    return least;
}

static void draw(uint8_t *image, int digit, int other, int soft)
{
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            int v = ink(distance(digit, x, y), soft), w = ink(distance(other, x, y), soft);
            int mix = other == digit ? v : (2 * v + w) / 3;
            image[y * SIDE + x] = (uint8_t)(soft > 0 ? mix * (20 - soft) / 20 + soft * 2 : mix);
        }
    }
}

void script_images(struct snapshot *s)
{
    const int n = SNAPSHOT_IMAGES, soft = s->epoch > 11 ? 1 : 12 - s->epoch;
    s->n_images = n;
    s->image_h = s->image_w = SIDE;
    free(s->pixels);
    s->pixels = xcalloc(snapshot_pixels(s), 1);
    for (int i = 0; i < n; i++) {
        uint8_t *image = s->pixels + i * SIDE * SIDE;
        int digit = (i * 7 + 3) % 10;
        draw(image, digit, digit, 0);
        draw(image + n * SIDE * SIDE, digit, digit, soft);
        draw(image + 2 * n * SIDE * SIDE, (i * 3) % 10, (i * 3 + 5) % 10, soft + 1);
    }
}

void script_snapshot(struct store *st, int trial, int epoch, int latent, struct rng *r)
{
    struct err e;
    const int n = 600;
    struct snapshot snap = {.trial = trial, .epoch = epoch, .latent = latent, .n_points = n, .xy_scale = 0.001f,
                            .explained = latent > 2 ? 0.61f : 1.0f};
    double apart = 1 - 0.8 * exp(-epoch / 6.0);
    snap.kl = xcalloc((size_t)latent, sizeof *snap.kl);
    snap.xy = xcalloc((size_t)n * 2, sizeof *snap.xy);
    snap.label = xcalloc((size_t)n, 1);
    for (int i = 0; i < latent; i++) {
        snap.kl[i] = (float)(fmax(3.2 - 0.22 * i, 0.001) * (1 - exp(-epoch / 3.0)));
    }
    for (int i = 0; i < n; i++) {
        int k = i % 10;
        double angle = k * 0.628, x = cos(angle) * (k % 2 ? 2.1 : 1.2), y = sin(angle) * (k % 2 ? 1.7 : 1.0);
        snap.xy[2 * i] = (int16_t)lrint((x * apart + rng_normal(r) * 0.32) * 1000);
        snap.xy[2 * i + 1] = (int16_t)lrint((y * apart + rng_normal(r) * 0.27) * 1000);
        snap.label[i] = (uint8_t)k;
    }
    script_images(&snap);
    (void)!store_snapshot(st, &snap, &e); /* losing a picture is no harm */
    snapshot_release(&snap);
}
