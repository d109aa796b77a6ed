/* Rows of the data set into the first layer's input. */

/* Values of one row of the data set to zeros and ones: binarize_row() in model/. */
PART void binarize_values(const struct view *v, __global float *x, uint row)
{
    __global const uint *key = v->step->draw ? v->lane->key : v->lane->data_key;
    for (int c = 0; c < v->shape->data_pad; c += 64) {
        uint16 word[4] = {columns_from(c / 4), (uint16)(row), (uint16)(v->step->draw), (uint16)((uint)RNG_BINARIZE)};
        philox(word, key[0], key[1]);
        for (int i = 0; i < 4 && c + 16 * i < v->shape->data_pad; i++) {
            const float16 u = convert_float16(word[i] >> 8) * 0x1p-24f;
            vstore16(u < vload16(0, x + c + 16 * i) ? (float16)(1.0f) : (float16)(0.0f), 0, x + c + 16 * i);
        }
    }
}

/* Row of the data set for place r of the batch, 0 beyond its true rows; fetched ahead, for shuffled rows come from
 * anywhere. */
FN size_t row_ahead(const struct view *v, __global const uchar *data, int r)
{
    if (r >= v->step->rows) return 0u;
    const size_t row = row_at(v, r);
    for (int c = 0; v->shape->is_u8 && c < v->shape->data; c += 64) FETCH(data + row * (size_t)v->shape->data + c);
    return row;
}

/* x (16 rows from r0, ld_x) = rows / 255 (uint8) or rows (float); zero in padding and beyond the batch's true rows.
 * data (n, data) as on disk; uint8 data have 64 readable bytes behind the last row. */
PART void gather_rows(const struct view *v, __global const uchar *data, int r0)
{
    const int n = v->shape->data, n_pad = v->shape->data_pad;
    size_t next = row_ahead(v, data, r0);
    ROLLED for (int i = 0; i < 16; i++) {
        __global float *out = v->acts + v->layers[0].x + (size_t)(r0 + i) * v->layers[0].ld_x;
        const bool real = r0 + i < v->step->rows;
        const size_t row = next;
        if (i < 15) next = row_ahead(v, data, r0 + i + 1);
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
        if (real && v->lane->binarize) binarize_values(v, out, (uint)row);
    }
}

/* grid (1, row_tiles, lanes). */
ONE_ITEM __kernel void gather(PACK_ARGS, __global float *acts, __global const uchar *restrict data,
                              __global const uint *restrict order)
{
    const struct view v = view_of(PACK_VALUES, acts, acts, order);
    gather_rows(&v, data, (int)get_global_id(1) * 16);
}
