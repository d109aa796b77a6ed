/* Hidden activations and their slopes, 16 columns at once. Those whose slope the output does not tell keep what was
 * before them. */

FN bool keeps_input(int kind)
{
    return kind == ACT_SILU || kind == ACT_GELU;
}

FN float16 sigmoid_of(float16 x)
{
    const float16 e = exp(-fabs(x)), inverse = 1.0f / (1.0f + e);
    return x < (float16)(0.0f) ? e * inverse : inverse;
}

/* Distribution of the standard normal. */
FN float16 normal_below(float16 x)
{
    return fma((float16)(0.5f), erf(x * 0.70710678f), (float16)(0.5f));
}

/* All but softplus are zero at zero, so padding stays zero; softplus is cut at the layer's true width. */
FN float16 activate(float16 x, int kind)
{
    const float16 zero = (float16)(0.0f);
    switch (kind) {
    case ACT_TANH: return tanh(x);
    case ACT_LEAKY: return x < zero ? 0.01f * x : x;
    case ACT_ELU: return x < zero ? exp_rest(x) + x : x;
    case ACT_SILU: return x * sigmoid_of(x);
    case ACT_GELU: return x * normal_below(x);
    case ACT_SOFTPLUS: return fmax(x, zero) + log(1.0f + exp(-fabs(x)));
    default: return x < zero ? zero : x; /* lets NaN through, as PyTorch */
    }
}

/* f'(x) by y = f(x), or by x where keeps_input(). Zero in padding where f(0) is not. */
FN float16 slope(float16 y, float16 x, int kind)
{
    const float16 zero = (float16)(0.0f), one = (float16)(1.0f);
    switch (kind) {
    case ACT_TANH: return fma(-y, y, one);
    case ACT_LEAKY: return y > zero ? one : (float16)(0.01f);
    case ACT_ELU: return y > zero ? one : y + one;
    case ACT_SILU: {
        const float16 s = sigmoid_of(x);
        return s * fma(x, one - s, one);
    }
    case ACT_GELU: return fma(x * 0.39894228f, exp(-0.5f * x * x), normal_below(x));
    case ACT_SOFTPLUS: return y - exp_rest(-y);
    default: return y > zero ? one : zero;
    }
}

/* Dropout: what 16 units from n0 of rows 4 quad .. 4 quad + 3 are multiplied by. Host twin: dropout_factor() in model/. */
FN bool drops(const struct view *v)
{
    return v->lane->dropout > 0.0f && v->step->mode != STEP_EVAL;
}
PART void dropout_factors(float16 *out, const struct view *v, int layer, int quad, int n0)
{
    const uint purpose = (uint)RNG_DROPOUT | (v->step->stream & ~255u);
    uint16 c[4] = {columns_from(n0), (uint16)((uint)(quad | layer << 16)), (uint16)(v->step->step_lo), (uint16)(purpose)};
    philox(c, v->lane->key[0], v->lane->key[1]);
    for (int i = 0; i < 4; i++) {
        const float16 u = convert_float16(c[i] >> 8) * 0x1p-24f;
        out[i] = u < (float16)(v->lane->dropout) ? (float16)(0.0f) : (float16)(v->lane->kept);
    }
}
