/* YAML into a preset, event by event: two levels of mappings, then plain text or a list of it. Everything else that
 * YAML has is refused where it stands, so nothing is ever expanded, nested or built up. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "range_text.h"
#include "text.h"
#include "vaetop/base/alloc.h"

struct source {
    yaml_parser_t parser;
    const char *text;
    size_t len;
    char file[SHOWN_CAP * 3]; /* cleaned name for messages */
    struct preset *p;
    size_t section_line[SECTIONS_MAX]; /* 1-based; 0: not seen */
    size_t knob_line[KNOB_COUNT];
    struct err *e;
};

/* Puts the place in front of an error. line and column count from 0. */
static enum err_code placed(struct source *s, size_t line, size_t column, enum err_code rc)
{
    err_prefix(s->e, "%s:%zu:%zu", s->file, line + 1, column + 1);
    return rc;
}

static PRINTF_LIKE(3, 4) enum err_code refuse(struct source *s, yaml_mark_t m, const char *fmt, ...)
{
    va_list ap;
    struct sbuf b = {0};
    va_start(ap, fmt);
    sbuf_vaddf(&b, fmt, ap);
    va_end(ap);
    (void)err_set(s->e, ERR_USAGE, "%s", b.text);
    sbuf_release(&b);
    return placed(s, m.line, m.column, ERR_USAGE);
}

/* An error at a byte of the file, for what libyaml does not give a line. */
static enum err_code refuse_byte(struct source *s, size_t offset, const char *what)
{
    yaml_mark_t m = {0};
    for (size_t i = 0; i < offset && i < s->len; i++) {
        m.column++;
        if (s->text[i] == '\n') {
            m.line++;
            m.column = 0;
        } else if (((unsigned char)s->text[i] & 0xc0u) == 0x80) {
            m.column--; /* columns are characters */
        }
    }
    return refuse(s, m, "%s", what);
}

static enum err_code yaml_trouble(struct source *s)
{
    const yaml_parser_t *y = &s->parser;
    yaml_mark_t m = y->problem_mark;
    if (y->error == YAML_MEMORY_ERROR) {
        (void)err_set(s->e, ERR_NOMEM, "%s: no memory to read it", s->file);
        return ERR_NOMEM;
    }
    if (y->error == YAML_READER_ERROR) {
        return refuse_byte(s, y->problem_offset, "a control character or bytes that are not UTF-8");
    }
    if (m.index < s->len && s->text[m.index] == '\t') {
        return refuse(s, m, "a tab; indent with blanks");
    }
    return refuse(s, m, "not YAML: %s%s%s", y->context ? y->context : "", y->context ? ", " : "",
                  y->problem ? y->problem : "unknown trouble");
}

/* The next event; one that has an anchor, a tag or is an alias is refused here. Owns: caller deletes ev if it is OK. */
static enum err_code pull(struct source *s, yaml_event_t *ev)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    enum err_code rc = ERR_OK;
    if (!yaml_parser_parse(&s->parser, ev)) {
        return yaml_trouble(s);
    }
    if (ev->type == YAML_ALIAS_EVENT) {
        anchor = ev->data.alias.anchor;
    } else if (ev->type == YAML_SCALAR_EVENT) {
        anchor = ev->data.scalar.anchor;
        tag = ev->data.scalar.tag;
    } else if (ev->type == YAML_SEQUENCE_START_EVENT) {
        anchor = ev->data.sequence_start.anchor;
        tag = ev->data.sequence_start.tag;
    } else if (ev->type == YAML_MAPPING_START_EVENT) {
        anchor = ev->data.mapping_start.anchor;
        tag = ev->data.mapping_start.tag;
    }
    if (anchor) {
        rc = refuse(s, ev->start_mark, "anchors and aliases (& and *) are not used in presets; write the value out");
    } else if (tag) {
        rc = refuse(s, ev->start_mark, "tags (!) are not used in presets; remove it");
    }
    if (rc) {
        yaml_event_delete(ev);
    }
    return rc;
}

/* A scalar on one line, without NUL. what names it in the message. */
static enum err_code check_scalar(struct source *s, const yaml_event_t *ev, const char *what)
{
    yaml_scalar_style_t style = ev->data.scalar.style;
    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) {
        return refuse(s, ev->start_mark, "block text (| or > first) is not used in presets; choices are written a | b");
    }
    if (ev->start_mark.line != ev->end_mark.line) {
        return refuse(s, ev->start_mark, "%s runs over several lines; write it on one", what);
    }
    if (memchr(ev->data.scalar.value, 0, ev->data.scalar.length)) {
        return refuse(s, ev->start_mark, "a NUL character in %s", what);
    }
    return ERR_OK;
}

static const char *scalar_text(const yaml_event_t *ev)
{
    return (const char *)ev->data.scalar.value;
}

/* One value. An error inside a plain text gets its own column. */
static enum err_code read_entry(struct source *s, enum knob k, const yaml_event_t *ev, struct entry *out)
{
    bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    const char *text = scalar_text(ev);
    size_t at = 0, column = ev->start_mark.column;
    enum err_code rc = check_scalar(s, ev, "a value");
    if (rc) {
        return rc;
    }
    rc = entry_read(out, k, text, !plain, &at, s->e);
    if (!rc) {
        return ERR_OK;
    }
    for (size_t i = 0; plain && i < at; i++) {
        column += ((unsigned char)text[i] & 0xc0u) != 0x80;
    }
    return placed(s, ev->start_mark.line, column, rc);
}

/* The items of a list, standing behind its start; reads its end. */
static enum err_code read_list(struct source *s, enum knob k, struct entry *list, yaml_mark_t *mark, size_t *n)
{
    for (;;) {
        yaml_event_t ev;
        enum err_code rc = pull(s, &ev);
        bool end;
        if (rc) {
            return rc;
        }
        end = ev.type == YAML_SEQUENCE_END_EVENT;
        if (end) {
            rc = *n > 0 ? ERR_OK : refuse(s, ev.start_mark, "%s: an empty list", knob_info(k)->full);
        } else if (ev.type != YAML_SCALAR_EVENT) {
            rc = refuse(s, ev.start_mark, "%s: an item of a list is a value or range on one line", knob_info(k)->full);
        } else if (*n == ENTRIES_MAX) {
            rc = refuse(s, ev.start_mark, "%s: more than %d items", knob_info(k)->full, ENTRIES_MAX);
        } else {
            mark[*n] = ev.start_mark;
            rc = read_entry(s, k, &ev, &list[*n]);
            *n += !rc;
        }
        yaml_event_delete(&ev);
        if (rc || end) {
            return rc;
        }
    }
}

/* What stands for a knob: the value's first event is ev. */
static enum err_code read_value(struct source *s, enum knob k, const yaml_event_t *ev)
{
    struct entry list[ENTRIES_MAX];
    yaml_mark_t mark[ENTRIES_MAX];
    size_t n = 0, which = 0;
    char *origin = xasprintf("%s:%zu:%zu", s->file, ev->start_mark.line + 1, ev->start_mark.column + 1);
    enum err_code rc;
    if (ev->type == YAML_SEQUENCE_START_EVENT) {
        rc = read_list(s, k, list, mark, &n);
    } else if (ev->type == YAML_SCALAR_EVENT) {
        mark[0] = ev->start_mark;
        rc = read_entry(s, k, ev, &list[0]);
        n = rc ? 0 : 1;
    } else {
        rc = refuse(s, ev->start_mark, "%s: a value or range expected, found knobs nested deeper", knob_info(k)->full);
    }
    if (!rc) {
        rc = entries_check(k, list, n, &which, s->e);
        if (rc) {
            (void)placed(s, mark[which].line, mark[which].column, rc);
        }
    }
    if (!rc) {
        preset_put(s->p, k, list, n, origin);
    }
    for (size_t i = 0; rc && i < n; i++) {
        entry_release(&list[i]);
    }
    free(origin);
    return rc;
}

/* A key and its knob. */
static enum err_code find_knob(struct source *s, const char *section, const yaml_event_t *ev, enum knob *k)
{
    char *full;
    enum err_code rc;
    if (ev->type != YAML_SCALAR_EVENT) {
        return refuse(s, ev->start_mark, "%s: the name of a knob expected, such as %s", section,
                      strcmp(section, "model") == 0 ? "latent: 16" : "seed: 1");
    }
    rc = check_scalar(s, ev, "a name");
    if (rc) {
        return rc;
    }
    full = xasprintf("%s.%s", section, scalar_text(ev));
    *k = knob_find(full);
    if (*k == KNOB_NONE) {
        rc = placed(s, ev->start_mark.line, ev->start_mark.column, unknown_knob(full, s->e));
    } else if (s->knob_line[*k] > 0) {
        rc = refuse(s, ev->start_mark, "%s stands twice, first in line %zu; keep one", full, s->knob_line[*k]);
    } else {
        s->knob_line[*k] = ev->start_mark.line + 1;
    }
    free(full);
    return rc;
}

/* The knobs of a section, standing behind its mapping's start; reads its end. */
static enum err_code read_knobs(struct source *s, const char *section)
{
    for (;;) {
        yaml_event_t ev;
        enum knob k = KNOB_NONE;
        enum err_code rc = pull(s, &ev);
        if (rc) {
            return rc;
        }
        if (ev.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&ev);
            return ERR_OK;
        }
        rc = find_knob(s, section, &ev, &k);
        yaml_event_delete(&ev);
        rc = rc ? rc : pull(s, &ev);
        if (rc) {
            return rc;
        }
        rc = read_value(s, k, &ev);
        yaml_event_delete(&ev);
        if (rc) {
            return rc;
        }
    }
}

/* A key and its section. */
static enum err_code find_section(struct source *s, const yaml_event_t *ev, const char **section)
{
    const char *known[SECTIONS_MAX];
    size_t n = knob_sections(known);
    char shown[SHOWN_CAP];
    const char *near, *name;
    enum err_code rc;
    if (ev->type != YAML_SCALAR_EVENT) {
        return refuse(s, ev->start_mark, "the name of a section expected, such as model:");
    }
    rc = check_scalar(s, ev, "a name");
    if (rc) {
        return rc;
    }
    name = scalar_text(ev);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(name, known[i]) != 0) {
            continue;
        }
        if (s->section_line[i] > 0) {
            return refuse(s, ev->start_mark, "section %s stands twice, first in line %zu; put its knobs together", name,
                          s->section_line[i]);
        }
        s->section_line[i] = ev->start_mark.line + 1;
        *section = known[i];
        return ERR_OK;
    }
    if (knob_find(name) != KNOB_NONE) {
        return refuse(s, ev->start_mark,
                      "unknown section \"%s\"; the knob of that name stands under %s:", show(shown, name),
                      knob_info(knob_find(name))->section);
    }
    near = str_nearest(name, known, n);
    return refuse(s, ev->start_mark, "unknown section \"%s\"; %s%s%s", show(shown, name), near ? "did you mean " : "",
                  near ? near : "study, data, model, loss, optimizer and train are known", near ? "?" : "");
}

/* The sections, standing behind the document's mapping's start; reads its end. */
static enum err_code read_sections(struct source *s)
{
    for (;;) {
        yaml_event_t ev;
        const char *section = NULL;
        enum err_code rc = pull(s, &ev);
        if (rc) {
            return rc;
        }
        if (ev.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&ev);
            return ERR_OK;
        }
        rc = find_section(s, &ev, &section);
        yaml_event_delete(&ev);
        rc = rc ? rc : pull(s, &ev);
        if (rc) {
            return rc;
        }
        if (ev.type == YAML_MAPPING_START_EVENT) {
            rc = read_knobs(s, section);
        } else if (ev.type != YAML_SCALAR_EVENT || ev.data.scalar.length > 0) {
            rc = refuse(s, ev.start_mark, "%s: a section holds knobs, one a line below it and indented", section);
        } /* else all its knobs are commented out */
        yaml_event_delete(&ev);
        if (rc) {
            return rc;
        }
    }
}

/* Expects one event of a type; what is said otherwise. */
static enum err_code expect(struct source *s, yaml_event_type_t type, const char *otherwise)
{
    yaml_event_t ev;
    enum err_code rc = pull(s, &ev);
    if (rc) {
        return rc;
    }
    if (ev.type != type) {
        rc = refuse(s, ev.start_mark, "%s", otherwise);
    } else if (type == YAML_DOCUMENT_START_EVENT &&
               (ev.data.document_start.version_directive ||
                ev.data.document_start.tag_directives.start != ev.data.document_start.tag_directives.end)) {
        rc = refuse(s, ev.start_mark, "directives (%%) are not used in presets; remove it");
    }
    yaml_event_delete(&ev);
    return rc;
}

static enum err_code read_stream(struct source *s)
{
    enum err_code rc = expect(s, YAML_STREAM_START_EVENT, "not YAML");
    rc = rc ? rc : expect(s, YAML_DOCUMENT_START_EVENT, "empty; sections expected, such as model:");
    rc = rc ? rc : expect(s, YAML_MAPPING_START_EVENT, "sections expected, such as model: with its knobs below");
    rc = rc ? rc : read_sections(s);
    rc = rc ? rc : expect(s, YAML_DOCUMENT_END_EVENT, "the end expected");
    return rc ? rc : expect(s, YAML_STREAM_END_EVENT, "a second document; one preset per file");
}

/* The comment lines at the top, without their marks. Owns: caller frees. */
char *lesson_read(const char *text, size_t len)
{
    struct sbuf out = {0};
    size_t i = 0;
    while (i < len && strchr(" \r\n", text[i])) {
        i++;
    }
    while (i < len && text[i] == '#') {
        size_t end = i, cap;
        char *line, *clean;
        while (end < len && text[end] != '\n') {
            end++;
        }
        line = xstrndup(text + i + 1, end - i - 1);
        for (char *p = line; *p; p++) {
            if (*p == '\t') {
                *p = ' ';
            }
        }
        for (size_t n = strlen(line); n > 0 && strchr(" \r", line[n - 1]); n--) {
            line[n - 1] = '\0';
        }
        cap = 4 * strlen(line) + 1;
        clean = xcalloc(cap, 1);
        (void)str_clean(clean, cap, line[0] == ' ' ? line + 1 : line);
        if (out.len > 0 || *clean) {
            sbuf_addf(&out, "%s\n", clean);
        }
        free(clean);
        free(line);
        i = end + (end < len);
    }
    while (out.len > 0 && out.text[out.len - 1] == '\n') {
        out.text[--out.len] = '\0';
    }
    return sbuf_take(&out);
}

/* Owns: caller frees the file name without folder and .yaml. */
static char *preset_name(const char *where)
{
    const char *slash = strrchr(where, '/');
    const char *base = slash ? slash + 1 : where;
    size_t n = strlen(base);
    if (n > 5 && strcmp(base + n - 5, ".yaml") == 0) {
        n -= 5;
    }
    return xstrndup(base, n);
}

enum err_code preset_parse(struct preset *out, const char *yaml, size_t len, const char *where, struct err *e)
{
    struct source *s = xcalloc(1, sizeof *s);
    const char *nul = memchr(yaml, 0, len);
    enum err_code rc;
    s->e = e;
    (void)str_clean(s->file, sizeof s->file, where);
    if (len >= 3 && memcmp(yaml, "\xef\xbb\xbf", 3) == 0) {
        yaml += 3; /* some editors put a byte order mark first */
        len -= 3;
    }
    s->text = yaml;
    s->len = len;
    s->p = out;
    *out = (struct preset){.name = preset_name(where)};
    config_init(&out->base);
    if (len > PRESET_BYTES_MAX) {
        rc = err_set(e, ERR_USAGE, "%s: %zu bytes, at most %d expected in a preset", s->file, len, PRESET_BYTES_MAX);
    } else if (nul) {
        rc = refuse_byte(s, (size_t)(nul - yaml), "a NUL byte; a preset is plain text");
    } else if (!yaml_parser_initialize(&s->parser)) {
        rc = err_set(e, ERR_NOMEM, "%s: no memory to read it", s->file);
    } else {
        yaml_parser_set_encoding(&s->parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&s->parser, (const unsigned char *)yaml, len);
        rc = read_stream(s);
        yaml_parser_delete(&s->parser);
    }
    out->lesson = rc ? NULL : lesson_read(yaml, len);
    if (rc) {
        preset_release(out);
    }
    free(s);
    return rc;
}
