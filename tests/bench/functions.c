#include "functions.h"

#include <math.h>

#include "../tune/made.h"

#define PI 3.14159265358979323846

static void box(struct preset *p, int d, double lo, double hi)
{
    for (int i = 0; i < d; i++) {
        made_float(p, lo, hi, false);
    }
}

static void branin_space(struct preset *p)
{
    made_float(p, -5, 10, false);
    made_float(p, 0, 15, false);
}

static double branin(const struct point *pt)
{
    double x = pt->value[0], y = pt->value[1];
    double a = y - 5.1 * x * x / (4 * PI * PI) + 5 * x / PI - 6;
    return a * a + 10 * (1 - 1 / (8 * PI)) * cos(x) + 10;
}

static void hartmann6_space(struct preset *p)
{
    box(p, 6, 0, 1);
}

static double hartmann6(const struct point *pt)
{
    static const double alpha[] = {1, 1.2, 3, 3.2};
    static const double a[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                                   {.05, 10, 17, .1, 8, 14},
                                   {3, 3.5, 1.7, 10, 17, 8},
                                   {17, 8, .05, 10, .1, 14}};
    static const double c[4][6] = {{.1312, .1696, .5569, .0124, .8283, .5886},
                                   {.2329, .4135, .8307, .3736, .1004, .9991},
                                   {.2348, .1451, .3522, .2883, .3047, .6650},
                                   {.4047, .8828, .8732, .5743, .1091, .0381}};
    double f = 0;
    for (int i = 0; i < 4; i++) {
        double s = 0;
        for (int j = 0; j < 6; j++) {
            s += a[i][j] * pow(pt->value[j] - c[i][j], 2);
        }
        f -= alpha[i] * exp(-s);
    }
    return f;
}

static void sphere10_space(struct preset *p)
{
    box(p, 10, -5, 5);
}

static double sphere(const struct point *pt)
{
    double f = 0;
    for (size_t i = 0; i < pt->n; i++) {
        f += pt->value[i] * pt->value[i];
    }
    return f;
}

static void rosenbrock5_space(struct preset *p)
{
    box(p, 5, -5, 10);
}

static double rosenbrock(const struct point *pt)
{
    double f = 0;
    for (size_t i = 0; i + 1 < pt->n; i++) {
        f += 100 * pow(pt->value[i + 1] - pt->value[i] * pt->value[i], 2) + pow(1 - pt->value[i], 2);
    }
    return f;
}

/* Shifted, for samplers whose priors sit in the centre. */
static void ackley5_space(struct preset *p)
{
    box(p, 5, -32.768 + 7, 32.768 + 7);
}

static double ackley(const struct point *pt)
{
    double n = (double)pt->n, s = 0, c = 0;
    for (size_t i = 0; i < pt->n; i++) {
        s += pt->value[i] * pt->value[i];
        c += cos(2 * PI * pt->value[i]);
    }
    return -20 * exp(-.2 * sqrt(s / n)) - exp(c / n) + 20 + exp(1);
}

static void levy4_space(struct preset *p)
{
    box(p, 4, -10, 10);
}

static double levy(const struct point *pt)
{
    double f = 0;
    for (size_t i = 0; i < pt->n; i++) {
        double w = 1 + (pt->value[i] - 1) / 4;
        f += i == 0 ? pow(sin(PI * w), 2) : 0;
        f += i + 1 < pt->n ? pow(w - 1, 2) * (1 + 10 * pow(sin(PI * w + 1), 2))
                           : pow(w - 1, 2) * (1 + pow(sin(2 * PI * w), 2));
    }
    return f;
}

/* kind, then lr of sgd, momentum, adam; m of momentum; b1 and b2 of adam. */
static void tree_space(struct preset *p)
{
    static const char *const kind[] = {"sgd", "rmsprop", "adam"}; /* rmsprop stands for momentum: words of the knob */
    made_choice(p, "sgd rmsprop adam");
    for (int k = 0; k < 3; k++) {
        made_float(p, 1e-5, 1e-1, true);
        made_when(p, 0, kind[k]);
    }
    made_float(p, .5, .999, false);
    made_when(p, 0, kind[1]);
    made_float(p, .5, .999, false);
    made_when(p, 0, kind[2]);
    made_float(p, .9, .9999, false);
    made_when(p, 0, kind[2]);
}

static double tree(const struct point *pt)
{
    static const double c[] = {-1.5, -2.5, -3}, d[] = {.3, .1, 0};
    int k = (int)pt->value[0];
    double f = pow(log10(pt->value[1 + k]) - c[k], 2) + d[k];
    if (k == 1) {
        f += 10 * pow(pt->value[4] - .9, 2);
    } else if (k == 2) {
        f += 10 * pow(pt->value[5] - .9, 2) + 50 * pow(pt->value[6] - .99, 2);
    }
    return f;
}

/* Three choices with an order that means nothing, two integers, two floats. */
static void mixed_space(struct preset *p)
{
    made_choice(p, "sgd rmsprop adam");
    made_choice(p, "relu tanh");
    made_int(p, 1, 8, false);
    made_int(p, 8, 512, true);
    made_float(p, 0, 1, false);
    made_float(p, 1e-5, 1e-1, true);
}

static double mixed(const struct point *pt)
{
    static const double kind[] = {.4, 0, .15};
    double f = kind[(int)pt->value[0]] + (pt->value[1] == 1 ? 0 : .2);
    f += .02 * pow(pt->value[2] - (pt->value[1] == 1 ? 3 : 6), 2);
    f += .05 * pow(log2(pt->value[3] / 128), 2);
    f += pow(pt->value[4] - .25, 2);
    return f + .2 * pow(log10(pt->value[5]) + (pt->value[0] == 0 ? 2 : 3.5), 2);
}

static void styblinski5_space(struct preset *p)
{
    box(p, 5, -5, 5);
}

static double styblinski(const struct point *pt)
{
    double f = 0;
    for (size_t i = 0; i < pt->n; i++) {
        double x = pt->value[i];
        f += (pow(x, 4) - 16 * x * x + 5 * x) / 2;
    }
    return f;
}

static void shekel7_space(struct preset *p)
{
    box(p, 4, 0, 10);
}

static double shekel7(const struct point *pt)
{
    static const double c[7][4] = {{4, 4, 4, 4}, {1, 1, 1, 1}, {8, 8, 8, 8}, {6, 6, 6, 6},
                                   {3, 7, 3, 7}, {2, 9, 2, 9}, {5, 5, 3, 3}};
    static const double b[7] = {.1, .2, .2, .4, .4, .6, .3};
    double f = 0;
    for (int i = 0; i < 7; i++) {
        double s = b[i];
        for (int j = 0; j < 4; j++) {
            s += pow(pt->value[j] - c[i][j], 2);
        }
        f -= 1 / s;
    }
    return f;
}

/* Another tree than the one above: other centres, offsets and depths. */
static void tree2_space(struct preset *p)
{
    made_choice(p, "sgd rmsprop adam");
    for (int k = 0; k < 3; k++) {
        static const char *const kind[] = {"sgd", "rmsprop", "adam"};
        made_float(p, 1e-5, 1e-1, true);
        made_when(p, 0, kind[k]);
    }
    made_int(p, 1, 9, false);
    made_when(p, 0, "sgd");
    made_float(p, 0, 1, false);
    made_when(p, 0, "sgd");
}

static double tree2(const struct point *pt)
{
    static const double c[] = {-2, -4, -3.5}, d[] = {0, .15, .25};
    int k = (int)pt->value[0];
    double f = 0.5 * pow(log10(pt->value[1 + k]) - c[k], 2) + d[k];
    if (k == 0) {
        f += 0.03 * pow(pt->value[4] - 7, 2) + 2 * pow(pt->value[5] - .35, 2);
    }
    return f;
}

const struct function bench_function[] = {
    {"branin", branin_space, branin, 0.39788735772973816},
    {"hartmann6", hartmann6_space, hartmann6, -3.322368011415512},
    {"sphere10", sphere10_space, sphere, 0},
    {"tree", tree_space, tree, 0},
    {"mixed", mixed_space, mixed, 0},
    {"levy4", levy4_space, levy, 0},
    {"rosenbrock5", rosenbrock5_space, rosenbrock, 0},
    {"ackley5", ackley5_space, ackley, 0},
    /* No sampler's settings were ever chosen by these. */
    {"styblinski5", styblinski5_space, styblinski, -195.83082850898},
    {"shekel7", shekel7_space, shekel7, -10.402915336777745},
    {"tree2", tree2_space, tree2, 0},
};
const int bench_functions = sizeof bench_function / sizeof *bench_function;
