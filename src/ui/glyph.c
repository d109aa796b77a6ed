#include "glyph.h"

static const uint32_t ramp_ascii[] = {'_', '.', ':', '-', '=', '+', '*', '#', '@'};
static const uint32_t ramp_block[] = {0x2581, 0x2582, 0x2583, 0x2584, 0x2585, 0x2586, 0x2587, 0x2588};
static const uint32_t fill_ascii[] = {'|'};
static const uint32_t fill_block[] = {0x258f, 0x258e, 0x258d, 0x258c, 0x258b, 0x258a, 0x2589, 0x2588};
static const uint32_t ink_ascii[] = {' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'};
static const uint32_t ink_block[] = {' ', 0x2591, 0x2592, 0x2593, 0x2588};
/* Quadrants by bits: upper left 1, upper right 2, lower left 4, lower right 8. */
static const uint32_t quadrant[16] = {' ',    0x2598, 0x259d, 0x2580, 0x2596, 0x258c, 0x259e, 0x259b,
                                      0x2597, 0x259a, 0x2590, 0x259c, 0x2584, 0x2599, 0x259f, 0x2588};

static const struct glyphs tiers[TIER_COUNT] = {
    [TIER_ASCII] = {.hline = '-', .vline = '|', .tee_down = '+', .tee_up = '+', .tee_right = '+', .axis = '|',
                    .corner = '+', .box_tl = '+', .box_tr = '+', .box_bl = '+', .box_br = '+', .select = '>',
                    .best = '*', .up = '^', .down = 'v', .gap = '.', .nan = '!', .ramp = ramp_ascii, .n_ramp = 9,
                    .fill = fill_ascii, .n_fill = 1, .ink = ink_ascii, .n_ink = 10,
                    .sub_w = 1, .sub_h = 1, .dash = "v", .dots = "t", .live = ""},
    [TIER_BLOCK] = {.hline = 0x2500, .vline = 0x2502, .tee_down = 0x252c, .tee_up = 0x2534, .tee_right = 0x251c,
                    .axis = 0x2524, .corner = 0x2514, .box_tl = 0x250c, .box_tr = 0x2510, .box_bl = 0x2514,
                    .box_br = 0x2518, .select = 0x25b6, .best = '*', .up = 0x2191, .down = 0x2193, .gap = 0xb7,
                    .nan = '!', .ramp = ramp_block, .n_ramp = 8, .fill = fill_block, .n_fill = 8,
                    .half = 0x2580, .ink = ink_block, .n_ink = 5, .sub_w = 2,
                    .sub_h = 2, .dash = "\xe2\x94\x81", .dots = "\xe2\x94\x85", .live = "\xe2\x97\x8f "},
    [TIER_BRAILLE] = {.hline = 0x2500, .vline = 0x2502, .tee_down = 0x252c, .tee_up = 0x2534, .tee_right = 0x251c,
                      .axis = 0x2524, .corner = 0x2514, .box_tl = 0x250c, .box_tr = 0x2510, .box_bl = 0x2514,
                      .box_br = 0x2518, .select = 0x25b6, .best = '*', .up = 0x2191, .down = 0x2193, .gap = 0xb7,
                      .nan = '!', .ramp = ramp_block, .n_ramp = 8, .fill = fill_block, .n_fill = 8,
                    .half = 0x2580, .ink = ink_block, .n_ink = 5, .sub_w = 2,
                      .sub_h = 4, .dash = "\xe2\x94\x81", .dots = "\xe2\x94\x85", .live = "\xe2\x97\x8f "},
};

const struct glyphs *glyphs_of(enum tier t)
{
    return &tiers[t];
}

uint32_t glyph_dots(enum tier t, unsigned bits, char letter)
{
    /* Braille numbers its dots down the columns, with the fourth row added later. */
    static const uint8_t braille[8] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    if (bits == 0) {
        return ' ';
    }
    if (t == TIER_ASCII) {
        return (uint32_t)(unsigned char)letter;
    }
    if (t == TIER_BLOCK) {
        return quadrant[bits & 15];
    }
    uint32_t ch = 0x2800;
    for (int i = 0; i < 8; i++) {
        ch |= (bits >> i & 1) ? braille[i] : 0u;
    }
    return ch;
}

const uint32_t *glyph_all(enum tier t)
{
    static const uint32_t none[] = {0};
    static const uint32_t block[] = {0x2500, 0x2502, 0x252c, 0x2534, 0x251c, 0x2524, 0x2514, 0x250c, 0x2510, 0x2518,
                                     0x25b6, 0x2191, 0x2193, 0xb7,   0x2581, 0x2584, 0x2588, 0x258f, 0x2598, 0x259f,
                                     0x2501, 0x2505, 0x25cf, 0x2026, 0x2580, 0x2591, 0x2592, 0x2593, 0};
    static const uint32_t dots[] = {0x2801, 0x28ff, 0};
    return t == TIER_ASCII ? none : t == TIER_BLOCK ? block : dots;
}
