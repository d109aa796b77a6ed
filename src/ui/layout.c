#include "layout.h"

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

/* Hands out rows from the top of what is left. */
static struct area take(struct area *left, int rows)
{
    struct area a = {left->x, left->y, left->w, most(least(rows, left->h), 0)};
    left->y += a.h;
    left->h -= a.h;
    return a;
}

static struct area take_bottom(struct area *left, int rows)
{
    rows = most(least(rows, left->h), 0);
    left->h -= rows;
    return (struct area){left->x, left->y + left->h, left->w, rows};
}

static void split_plots(struct layout *l, struct area plots)
{
    if (plots.h < 4) {
        return;
    }
    if (plots.w < 56) { /* two would be too narrow to read */
        l->loss = plots;
        return;
    }
    int latent_w = least(plots.w * 45 / 100, most(plots.h * 3, 30));
    l->loss = (struct area){plots.x, plots.y, plots.w - latent_w - 1, plots.h};
    l->latent = (struct area){plots.x + plots.w - latent_w, plots.y, latent_w, plots.h};
    l->divider_x = plots.x + plots.w - latent_w - 1;
    l->divider = (struct area){l->divider_x, plots.y, 1, plots.h};
}

/* One column: list above, plots below, then the log. */
static void stack(struct layout *l, struct area body, const struct layout_want *want)
{
    int need = most(want->trials, 1);
    if (body.h < 12 || body.w < 32) {
        l->detail = take_bottom(&body, body.h >= 6 ? 1 : 0);
        l->head = take(&body, body.h >= 3 ? 1 : 0);
        l->list = body;
        return;
    }
    if (body.h >= 24) {
        l->log = take_bottom(&body, least(body.h / 6, 8));
    }
    l->head = take(&body, 1);
    int plots = want->expanded ? body.h - 5 : most(body.h * 45 / 100, 8);
    int detail = body.h >= 20 ? 2 : 0;
    int list = body.h - plots - detail;
    if (list > need && !want->expanded) { /* rows that will stay empty serve the plots better */
        list = need;
    }
    l->list = take(&body, list);
    l->detail = take(&body, detail);
    split_plots(l, body);
}

/* Two columns: list, facts and log on the left, plots on the right. */
static void side_by_side(struct layout *l, struct area body, const struct layout_want *want)
{
    int right_w = want->expanded ? body.w * 55 / 100 : least(body.w * 38 / 100, 80);
    struct area left = {body.x, body.y, body.w - right_w - 1, body.h};
    struct area right = {body.x + body.w - right_w, body.y, right_w, body.h};
    l->log = take_bottom(&left, most(least(left.h / 4, 14), 6));
    l->detail = take_bottom(&left, 4);
    l->head = take(&left, 1);
    int spare = left.h - most(want->trials, 8);
    l->progress = take_bottom(&left, spare >= 7 ? least(spare, 14) : 0);
    l->list = left;
    l->loss = take(&right, right.h * 45 / 100);
    l->latent = right;
    l->divider_x = right.x - 1;
    l->divider = (struct area){l->divider_x, body.y, 1, body.h};
}

void layout_make(struct layout *l, int w, int h, const struct layout_want *want)
{
    struct area body = {0, 0, w, h};
    *l = (struct layout){.divider_x = -1};
    if (h < 3) { /* the selected trial's row, and above it the title */
        l->header = take(&body, h == 2 ? 1 : 0);
        l->list = body;
        return;
    }
    l->header = take(&body, 1);
    l->keys = take_bottom(&body, h >= 6 ? 1 : 0);
    l->message = take_bottom(&body, h >= 5 ? 1 : 0);
    if (h >= 16 && w >= 48) {
        l->devices = take(&body, least(want->devices, h >= 40 ? 6 : h >= 30 ? 4 : 2));
    }
    if (w >= 150 && h >= 36) {
        side_by_side(l, body, want);
    } else {
        stack(l, body, want);
    }
}
