/* Cleaning of foreign text, apart from str.c because it knows UTF-8. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "vaetop/base/str.h"

/* Length and value of the UTF-8 character at s; 0 for anything malformed, overlong, surrogate or too large. */
static size_t decode(uint32_t *out, const unsigned char *s)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n;
    uint32_t c;
    if (s[0] < 0x80) {
        *out = s[0];
        return 1;
    }
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        n = 2;
        c = s[0] & 0x1fu;
    } else if ((s[0] & 0xf0u) == 0xe0) {
        n = 3;
        c = s[0] & 0x0fu;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        n = 4;
        c = s[0] & 0x07u;
    } else {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0u) != 0x80) {
            return 0; /* also stops at the terminator */
        }
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return 0;
    }
    *out = c;
    return n;
}

/* Characters that move the cursor, hide text or reorder it. */
static bool harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

char *str_clean(char *dst, size_t cap, const char *src)
{
    size_t len = 0;
    const unsigned char *s;
    assert(cap > 0);
    for (s = (const unsigned char *)src; *s;) {
        uint32_t c = 0;
        size_t n = decode(&c, s);
        if (n > 0 && !harmful(c)) {
            if (len + n >= cap) {
                break;
            }
            memcpy(dst + len, s, n);
            len += n;
        } else {
            n = n > 0 ? n : 1;
            if (len + 4 * n >= cap) {
                break;
            }
            for (size_t i = 0; i < n; i++, len += 4) {
                (void)snprintf(dst + len, cap - len, "\\x%02X", s[i]);
            }
        }
        s += n;
    }
    dst[len] = '\0';
    return dst;
}
