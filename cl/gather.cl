/* Rows of the data set into the first layer's input. */

/* x (16 rows from r0, ld_x) = rows / 255 (uint8) or rows (float); zero in padding and beyond the batch's true rows.
 * data (n, data) as on disk; uint8 data have 64 readable bytes behind the last row. */
FN void gather_rows(const struct view *v, __global const uchar *data, int r0)
{
    const int n = v->shape->data, n_pad = v->shape->data_pad;
    for (int i = 0; i < 16; i++) {
        __global float *out = v->acts + v->layers[0].x + (size_t)(r0 + i) * v->layers[0].ld_x;
        const bool real = r0 + i < v->step->rows;
        const size_t row = real ? row_at(v, r0 + i) : 0u;
        if (!real) {
            for (int c = 0; c < n_pad; c += 16) vstore16((float16)(0.0f), 0, out + c);
        } else if (v->shape->is_u8) {
            __global const uchar *in = data + row * (size_t)n;
            for (int c = 0; c < n_pad; c += 16) {
                const float16 x = convert_float16(vload16(0, in + c)) * (1.0f / 255.0f);
                vstore16(below(x, c, n), 0, out + c);
            }
        } else {
            __global const float *in = (__global const float *)data + row * (size_t)n;
            for (int c = 0; c < n; c++) out[c] = in[c];
            for (int c = n; c < n_pad; c++) out[c] = 0.0f;
        }
    }
}

/* grid (1, row_tiles, lanes). */
ONE_ITEM __kernel void gather(PACK_ARGS, __global float *acts, __global const uchar *restrict data,
                              __global const uint *restrict order)
{
    const struct view v = view_of(PACK_VALUES, acts, acts, order);
    gather_rows(&v, data, (int)get_global_id(1) * 16);
}
