/* Layer norm, as PyTorch's: each row of a hidden layer to mean 0 and variance 1 over its units, then gain and shift. */

#define NORM_EPS 1e-5f

/* 16 rows from what forward_tile() left in pre: the normalised values take its place, and y is made. */
PART void norm_rows(const struct view *v, int layer, int r0)
{
    __global const struct layer *l = v->layers + layer;
    __global const float *gain = v->weights + l->gain, *shift = gain + l->out_pad;
    __global float *pre = v->acts + l->pre + (size_t)r0 * l->ld_y;
    const int width = v->lane->width[layer];
    float mean[16], inverse[16];
    ROLLED for (int i = 0; i < 16; i++) {
        __global const float *row = pre + (size_t)i * l->ld_y;
        float16 sum = (float16)(0.0f), squares = (float16)(0.0f);
        ROLLED for (int n0 = 0; n0 < l->out_pad; n0 += 16) sum += vload16(0, row + n0); /* padding is zero */
        mean[i] = sum16(sum) / (float)width;
        ROLLED for (int n0 = 0; n0 < l->out_pad; n0 += 16) {
            const float16 d = below(vload16(0, row + n0) - mean[i], n0, width);
            squares = fma(d, d, squares);
        }
        inverse[i] = 1.0f / sqrt(sum16(squares) / (float)width + NORM_EPS);
        v->acts[l->spread + r0 + i] = inverse[i];
    }
    ROLLED for (int n0 = 0; n0 < l->out_pad; n0 += 16) {
        const float16 g = vload16(0, gain + n0), s = vload16(0, shift + n0);
        float16 x[16];
        ROLLED for (int i = 0; i < 16; i++) {
            __global float *at = pre + (size_t)i * l->ld_y + n0;
            const float16 normal = below((vload16(0, at) - mean[i]) * inverse[i], n0, width);
            vstore16(normal, 0, at);
            x[i] = fma(g, normal, s);
        }
        activate_tile(v, layer, x, r0, n0);
    }
}

/* 16 rows' gradient by the norm's output becomes that by its input, and leaves their sums for gain and shift. */
PART void back_norm_rows(const struct view *v, int layer, int r0)
{
    __global const struct layer *l = v->layers + layer;
    __global const float *gain = v->weights + l->gain, *pre = v->acts + l->pre + (size_t)r0 * l->ld_y;
    __global float *dy = v->acts + l->dy + (size_t)r0 * l->ld_y;
    __global float *sums = v->acts + l->dgain + (size_t)(r0 / 16) * 2 * l->out_pad;
    const int width = v->lane->width[layer];
    ROLLED for (int n0 = 0; n0 < l->out_pad; n0 += 16) {
        float16 by_gain = (float16)(0.0f), by_shift = (float16)(0.0f);
        ROLLED for (int i = 0; i < 16; i++) {
            const float16 d = vload16(0, dy + (size_t)i * l->ld_y + n0);
            by_gain = fma(d, vload16(0, pre + (size_t)i * l->ld_y + n0), by_gain);
            by_shift += d;
        }
        vstore16(by_gain, 0, sums + n0);
        vstore16(by_shift, 0, sums + l->out_pad + n0);
    }
    ROLLED for (int i = 0; i < 16; i++) {
        __global const float *normal = pre + (size_t)i * l->ld_y;
        __global float *row = dy + (size_t)i * l->ld_y;
        float16 sum = (float16)(0.0f), along = (float16)(0.0f);
        ROLLED for (int n0 = 0; n0 < l->out_pad; n0 += 16) {
            const float16 d = vload16(0, row + n0) * vload16(0, gain + n0);
            sum += d;
            along = fma(d, vload16(0, normal + n0), along);
        }
        const float mean = sum16(sum) / (float)width, slant = sum16(along) / (float)width;
        const float inverse = v->acts[l->spread + r0 + i];
        ROLLED for (int n0 = 0; n0 < l->out_pad; n0 += 16) {
            const float16 d = fma(vload16(0, row + n0), vload16(0, gain + n0), (float16)(-mean));
            vstore16(below(fma(vload16(0, normal + n0), (float16)(-slant), d) * inverse, n0, width), 0, row + n0);
        }
    }
}

/* grid (1, row_tiles, lanes). */
ONE_ITEM __kernel void layer_norm(PACK_ARGS, __global float *acts, __global const float *restrict weights, const int layer)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    norm_rows(&v, layer, (int)get_global_id(1) * 16);
}

/* grid (1, row_tiles, lanes). */
ONE_ITEM __kernel void back_layer_norm(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                                       const int layer)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    back_norm_rows(&v, layer, (int)get_global_id(1) * 16);
}
