/* The built-in digits. The same bytes on every machine: whole numbers, and doubles through + - * / and sqrt alone,
 * which IEEE 754 rounds one way; no sine, exponential or logarithm, whose last bits differ between libraries. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "digit_shapes.h"
#include "vaetop/base/rng.h"
#include "vaetop/data/dataset.h"

#define SIDE 28
#define BOX 20.0       /* MNIST's: a digit is scaled to fit, then moved so that its mass is in the middle */
#define MIDDLE 14.5    /* the middle of pixel 14, where MNIST has it; at 14.0 neighbours would know 3 % less of MNIST */
#define SPAN_STEPS 5   /* line segments per span of a curve */
#define MAX_VERTICES (SHAPE_MAX_POINTS * SPAN_STEPS)

struct vertex {
    double x, y;
    bool pen_up; /* no segment leads here */
};

struct drawing {
    struct vertex v[MAX_VERTICES];
    int n;
};

/* About N(0, 1), never beyond 3.5: the sum of four uniform numbers of 16 bits. */
static double bell(struct rng *r)
{
    uint32_t a = rng_u32(r), b = rng_u32(r);
    double sum = (double)((a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16));
    return (sum / 65536.0 - 2.0 + 0x1p-15) * 1.7320508075688772;
}

static double between(struct rng *r, double low, double high)
{
    return low + (high - low) * ((double)rng_u32(r) * 0x1p-32);
}

static const struct digit_shape *choose_shape(struct rng *r, int digit)
{
    int count;
    const struct digit_shape *shape = digit_shapes(&count);
    uint32_t total = 0;
    for (int i = 0; i < count; i++) {
        total += shape[i].digit == digit ? shape[i].weight : 0u;
    }
    uint32_t at = rng_below(r, total);
    for (;; shape++) {
        if (shape->digit != digit) {
            continue;
        }
        if (at < shape->weight) {
            return shape;
        }
        at -= shape->weight;
    }
}

/* A point of the Catmull-Rom curve from b to c. */
static double spline(double a, double b, double c, double d, double t)
{
    return 0.5 * (2.0 * b + t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a))));
}

/* One stroke of n points as vertices. */
static void trace(struct drawing *out, const double (*p)[2], int n)
{
    bool closed = n > 3 && p[0][0] == p[n - 1][0] && p[0][1] == p[n - 1][1];
    out->v[out->n++] = (struct vertex){p[0][0], p[0][1], true};
    for (int i = 0; i + 1 < n; i++) {
        const double *before = p[i > 0 ? i - 1 : closed ? n - 2 : 0];
        const double *after = p[i + 2 < n ? i + 2 : closed ? 1 : n - 1];
        for (int s = 1; s <= SPAN_STEPS; s++) {
            double t = (double)s / SPAN_STEPS;
            out->v[out->n++] = (struct vertex){spline(before[0], p[i][0], p[i + 1][0], after[0], t),
                                               spline(before[1], p[i][1], p[i + 1][1], after[1], t), false};
        }
    }
}

/* The skeleton with every point moved a little; points that were equal stay so, or corners would come apart. */
static void sketch(struct drawing *out, const struct digit_shape *shape, struct rng *r)
{
    double p[SHAPE_MAX_POINTS][2], error[2] = {0.0, 0.0};
    int begin = 0;
    out->n = 0;
    for (int i = 0; i < shape->n; i++) {
        int same = 0;
        while (same < i && memcmp(shape->xy[same], shape->xy[i], 2) != 0) {
            same++;
        }
        for (int k = 0; k < 2; k++) { /* a hand that is off stays off for a while */
            error[k] = 0.7 * error[k] + 2.5 * bell(r);
            p[i][k] = same < i ? p[same][k] : (double)shape->xy[i][k] + error[k];
        }
    }
    for (int i = 0; i <= shape->n; i++) {
        if (i == shape->n || shape->xy[i][0] == SHAPE_LIFT) {
            trace(out, (const double (*)[2])p + begin, i - begin);
            begin = i + 1;
        }
    }
}

/* Hand and paper: bends, aspect, rotation, slant. */
static void deform(struct drawing *d, int digit, struct rng *r)
{
    double bend[6];
    for (int i = 0; i < 6; i++) {
        bend[i] = 0.0025 * bell(r);
    }
    double wide = 1.0 + 0.2 * bell(r);
    double slant = 0.14 + (digit == 1 ? 0.30 : 0.25) * bell(r);
    double turn = 0.07 * bell(r); /* tangent of half the angle */
    double c = (1.0 - turn * turn) / (1.0 + turn * turn), s = 2.0 * turn / (1.0 + turn * turn);
    wide = wide < 0.5 ? 0.5 : wide;
    for (int i = 0; i < d->n; i++) {
        double x = d->v[i].x - 32.0, y = d->v[i].y - 50.0;
        double u = wide * (x + bend[0] * x * x + bend[1] * x * y + bend[2] * y * y);
        double v = y + bend[3] * x * x + bend[4] * x * y + bend[5] * y * y;
        u -= slant * v;
        d->v[i].x = c * u - s * v;
        d->v[i].y = s * u + c * v;
    }
}

/* Scales so that the drawing, as wide as the pen, fits the box, and moves the middle of its ink to the image's. */
static void normalise(struct drawing *d, double pen, struct rng *r)
{
    double low_x = d->v[0].x, high_x = low_x, low_y = d->v[0].y, high_y = low_y;
    double mass = 0.0, sum_x = 0.0, sum_y = 0.0;
    for (int i = 0; i < d->n; i++) {
        const struct vertex *v = &d->v[i];
        low_x = v->x < low_x ? v->x : low_x;
        high_x = v->x > high_x ? v->x : high_x;
        low_y = v->y < low_y ? v->y : low_y;
        high_y = v->y > high_y ? v->y : high_y;
        if (!v->pen_up) {
            double dx = v->x - v[-1].x, dy = v->y - v[-1].y, length = sqrt(dx * dx + dy * dy);
            mass += length;
            sum_x += length * 0.5 * (v->x + v[-1].x);
            sum_y += length * 0.5 * (v->y + v[-1].y);
        }
    }
    double extent = high_x - low_x > high_y - low_y ? high_x - low_x : high_y - low_y;
    double scale = (BOX - pen) / extent;
    double to_x = MIDDLE + between(r, -0.5, 0.5), to_y = MIDDLE + between(r, -0.5, 0.5);
    for (int i = 0; i < d->n; i++) {
        d->v[i].x = to_x + scale * (d->v[i].x - sum_x / mass);
        d->v[i].y = to_y + scale * (d->v[i].y - sum_y / mass);
    }
}

static int clamp_pixel(double v)
{
    return v < 0.0 ? 0 : v > SIDE - 1.0 ? SIDE - 1 : (int)v;
}

/* Lowers near[] to the squared distance between pixel centres and one segment, where that is under reach. */
static void near_segment(double *near, const struct vertex *a, const struct vertex *b, double reach)
{
    double dx = b->x - a->x, dy = b->y - a->y;
    double scale = dx * dx + dy * dy > 1e-12 ? 1.0 / (dx * dx + dy * dy) : 0.0;
    int left = clamp_pixel((a->x < b->x ? a->x : b->x) - reach);
    int right = clamp_pixel((a->x < b->x ? b->x : a->x) + reach);
    int top = clamp_pixel((a->y < b->y ? a->y : b->y) - reach);
    int bottom = clamp_pixel((a->y < b->y ? b->y : a->y) + reach);
    for (int y = top; y <= bottom; y++) {
        for (int x = left; x <= right; x++) {
            double px = x + 0.5 - a->x, py = y + 0.5 - a->y;
            double t = (px * dx + py * dy) * scale;
            t = t < 0.0 ? 0.0 : t > 1.0 ? 1.0 : t;
            px -= t * dx;
            py -= t * dy;
            double d = px * px + py * py;
            double *n = &near[y * SIDE + x];
            *n = d < *n ? d : *n;
        }
    }
}

static void ink(uint8_t *out, const struct drawing *d, double thick, double soft)
{
    double near[SIDE * SIDE];
    double reach = 0.5 * (thick + soft);
    for (int i = 0; i < SIDE * SIDE; i++) {
        near[i] = reach * reach;
    }
    for (int i = 1; i < d->n; i++) {
        if (!d->v[i].pen_up) {
            near_segment(near, &d->v[i - 1], &d->v[i], reach);
        }
    }
    for (int i = 0; i < SIDE * SIDE; i++) {
        double v = near[i] < reach * reach ? (reach - sqrt(near[i])) / soft : 0.0;
        out[i] = (uint8_t)(255.0 * (v < 1.0 ? v : 1.0) + 0.5);
    }
}

void digits_generate(uint8_t *x, uint8_t *label, size_t count, uint64_t seed)
{
    struct rng_key key = rng_key(seed, -1);
    struct drawing d;
    for (size_t i = 0; i < count; i++) {
        struct rng r = rng_start(key, RNG_DIGITS, i);
        int digit = (int)rng_below(&r, 10);
        double thick = 2.6 + 0.6 * bell(&r);
        thick = thick < 1.2 ? 1.2 : thick;
        sketch(&d, choose_shape(&r, digit), &r);
        deform(&d, digit, &r);
        double soft = between(&r, 1.2, 1.9);
        normalise(&d, thick + 0.5 * soft, &r);
        ink(x + i * SIDE * SIDE, &d, thick, soft);
        if (label) {
            label[i] = (uint8_t)digit;
        }
    }
}
