/* Skeletons of the built-in digits: how people write them, as strokes through points. */
#ifndef VAETOP_DATA_DIGIT_SHAPES_H
#define VAETOP_DATA_DIGIT_SHAPES_H

#include <stdint.h>

#define SHAPE_MAX_POINTS 40
#define SHAPE_LIFT 127 /* as x: the pen is lifted; the next point begins a new stroke */

/* x to the right and y down, about 100 high. A stroke is a smooth curve through its points; corners are two strokes. */
struct digit_shape {
    int8_t digit;
    uint8_t weight; /* how often, among the shapes of its digit */
    int8_t n;
    int8_t xy[SHAPE_MAX_POINTS][2];
};

/* Shapes of one digit stand together; *count gets how many there are in all. */
const struct digit_shape *digit_shapes(int *count);

#endif
