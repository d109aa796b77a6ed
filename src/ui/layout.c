#include "layout.h"

#include "state.h"

#define NOTE_ROWS 4 /* at most */

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
    l->divider = (struct area){plots.x + plots.w - latent_w - 1, plots.y, 1, plots.h};
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
    int plots = most(body.h * 45 / 100, 8);
    int detail = body.h >= 19 ? 2 : 0;
    int list = body.h - plots - detail;
    if (list > need) { /* rows that will stay empty serve the plots better */
        list = need;
    }
    l->list = take(&body, list);
    l->detail = take(&body, detail);
    split_plots(l, body);
}

/* Two columns: list, facts and log on the left, plots on the right. */
static void side_by_side(struct layout *l, struct area body, const struct layout_want *want)
{
    int right_w = least(body.w * 38 / 100, 80);
    struct area left = {body.x, body.y, body.w - right_w - 1, body.h};
    struct area right = {body.x + body.w - right_w, body.y, right_w, body.h};
    l->log = take_bottom(&left, most(least(left.h / 4, 14), 6));
    l->detail = take_bottom(&left, 4);
    l->head = take(&left, 1);
    int spare = left.h - most(want->trials, 8);
    l->progress = take_bottom(&left, spare >= 7 ? least(spare, 14) : 0);
    l->list = left;
    l->loss = take(&right, right.h * 60 / 100);
    l->latent = right;
    l->divider = (struct area){right.x - 1, body.y, 1, body.h};
}

/* Curves and KL bars below loss and latent plot, as lines of text. */
static void trial_stack(struct layout *l, struct area body)
{
    if (body.h >= 14) {
        struct area low = take_bottom(&body, body.h >= 18 ? 6 : 5);
        split_plots(l, body);
        int left_w = l->latent.w > 0 ? l->loss.w : low.w;
        l->dims = (struct area){low.x + left_w + 1, low.y, low.w - left_w - 1, low.w > left_w ? low.h : 0};
        l->progress = (struct area){low.x, low.y, left_w, 1}; /* the title line over the curves' lines */
        for (int i = 0; i < 4 && i + 1 < low.h; i++) {
            l->curve[i] = (struct area){low.x, low.y + 1 + i, left_w, 1};
        }
    }
    if (l->loss.h == 0) {
        split_plots(l, body);
    }
    if (body.h < 4) {
        l->loss = body;
    }
}

static void trial_wide(struct layout *l, struct area body)
{
    int right_w = body.w * 48 / 100;
    struct area left = {body.x, body.y, body.w - right_w - 1, body.h};
    struct area right = {body.x + body.w - right_w, body.y, right_w, body.h};
    bool tall = body.h >= 32; /* room for images */
    int row = left.h * (tall ? 21 : 27) / 100, half = left.w / 2;
    l->dims = take_bottom(tall ? &left : &right, most(body.h / 4 - (tall ? 1 : 0), 6));
    for (int i = 3; i >= 1; i -= 2) {
        struct area low = take_bottom(&left, row);
        l->curve[i - 1] = (struct area){low.x, low.y, half, low.h};
        l->curve[i] = (struct area){low.x + half, low.y, low.w - half, low.h};
    }
    l->loss = left;
    l->log = take_bottom(&right, body.h >= 40 ? 7 : 0);
    l->pictures = take_bottom(&right, tall ? 15 : 0);
    l->latent = right;
    l->divider = (struct area){right.x - 1, body.y, 1, body.h};
}

static void trial_body(struct layout *l, struct area body, const struct layout_want *want)
{
    l->detail = take(&body, body.h >= 26 ? 2 : body.h >= 4 ? 1 : 0);
    l->note = take(&body, body.h >= 12 && body.w >= 24 ? least(want->note, NOTE_ROWS) : 0);
    if (body.w >= 100 && body.h >= 24) {
        trial_wide(l, body);
    } else if (body.h < 3 || body.w < 24) {
        l->list = body; /* too small for a plot: the trial's row */
    } else {
        trial_stack(l, body);
    }
}

void layout_make(struct layout *l, int w, int h, const struct layout_want *want)
{
    struct area body = {0, 0, w, h};
    *l = (struct layout){.divider = {0, 0, 0, 0}};
    if (h < 3) { /* the selected trial's row, and above it the title */
        l->header = take(&body, h == 2 ? 1 : 0);
        l->list = l->body = body;
        return;
    }
    l->header = take(&body, 1);
    l->tabs = take(&body, h >= 20 && w >= 60 ? 1 : 0);
    l->keys = take_bottom(&body, h >= 6 ? 1 : 0);
    l->message = take_bottom(&body, h >= 5 ? 1 : 0);
    l->body = body;
    if (want->screen == SCREEN_TRIAL) {
        trial_body(l, body, want);
        return;
    }
    if (want->screen != SCREEN_DASHBOARD) {
        l->list = body;
        return;
    }
    if (h >= 16 && w >= 48) {
        l->devices = take(&body, least(want->devices, h >= 40 ? 6 : h >= 30 ? 4 : 2));
    }
    if (w >= 150 && h >= 36) {
        side_by_side(l, body, want);
    } else {
        stack(l, body, want);
    }
}
