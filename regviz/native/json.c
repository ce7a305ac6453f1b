/* What regviz looks for in JSON documents, many at a time: where the values stand that it wants, and where the elements of
 * arrays do. Values are decoded by Python, each that is met for the first time.
 *
 * Nothing here allocates, keeps state, or reads beyond the zero byte that ends a document.
 */
#include <stdint.h>
#include <stddef.h>
#include <string.h>

enum { DEEPEST = 64 };

/* What can stand in a JSON text as it is: ASCII but for control characters, the quotation mark and the backslash. */
static const unsigned char plain[256] = {[' ' ... '!'] = 1, ['#' ... '['] = 1, [']' ... 0x7f] = 1};

static const unsigned char *space(const unsigned char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
        at++;
    return at;
}

static int is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

static int is_hex(unsigned char byte)
{
    return is_digit(byte) || ((byte | 32) >= 'a' && (byte | 32) <= 'f');
}

/* Past a text, from behind its first quotation mark; NULL where it is none that everybody reads alike: it has other bytes than
 * ASCII, or half of a surrogate pair. */
static const unsigned char *text(const unsigned char *at)
{
    for (;;) {
        while (plain[*at])
            at++;
        if (*at == '"')
            return at + 1;
        if (*at++ != '\\')
            return NULL;
        if (*at == 'u') {
            for (int digit = 1; digit <= 4; digit++)
                if (!is_hex(at[digit]))
                    return NULL;
            if ((at[1] | 32) == 'd' && at[2] >= '8')
                return NULL;
            at += 5;
        } else if (*at && strchr("\"\\/bfnrt", *at)) {
            at++;
        } else {
            return NULL;
        }
    }
}

static const unsigned char *digits(const unsigned char *at)
{
    if (!is_digit(*at))
        return NULL;
    while (is_digit(*at))
        at++;
    return at;
}

/* Past a number (RFC 8259, section 6). */
static const unsigned char *number(const unsigned char *at)
{
    at += *at == '-';
    at = *at == '0' ? at + 1 : digits(at);
    if (at && *at == '.')
        at = digits(at + 1);
    if (at && (*at | 32) == 'e') {
        at++;
        at = digits(at + (*at == '+' || *at == '-'));
    }
    return at;
}

static const unsigned char *word(const unsigned char *at, const char *expected)
{
    size_t length = strlen(expected);
    return strncmp((const char *)at, expected, length) ? NULL : at + length;
}

/* The members of objects that are wanted: names, each ended by a zero byte, and of each the number of the one in whose value
 * it is looked for (-1: the document itself), which stands before it. `starts` and `ends` have a number for each, `step` apart. */
struct wanted {
    const char *names;
    const int32_t *within;
    int count;
    int64_t step, *starts, *ends;
    const unsigned char *text;
};

static const unsigned char *value(const unsigned char *at, int depth, const struct wanted *wanted, int within);

/* Past the value of a member that may be wanted; one that is there twice is for Python to choose from. */
static const unsigned char *member(const unsigned char *key, size_t length, const unsigned char *at, int depth,
                                   const struct wanted *wanted, int within)
{
    const char *name = wanted->names;
    for (int each = 0; each < wanted->count; name += strlen(name) + 1, each++) {
        if (wanted->within[each] != within || strncmp(name, (const char *)key, length) || name[length])
            continue;
        if (wanted->starts[each * wanted->step] >= 0)
            return NULL;
        const unsigned char *end = value(at, depth, wanted, each);
        if (end) {
            wanted->starts[each * wanted->step] = at - wanted->text;
            wanted->ends[each * wanted->step] = end - wanted->text;
        }
        return end;
    }
    return value(at, depth, NULL, 0);
}

/* Past an object or array, from behind its first brace or bracket. */
static const unsigned char *container(const unsigned char *at, unsigned char close, int depth, const struct wanted *wanted,
                                      int within)
{
    at = space(at);
    if (*at == close)
        return at + 1;
    for (;; at = space(at + 1)) {
        const unsigned char *key = at + 1;
        size_t length = 0;
        if (close == '}') {
            at = *at == '"' ? text(key) : NULL;
            if (!at)
                return NULL;
            length = (size_t)(at - 1 - key);
            if (wanted && memchr(key, '\\', length))
                return NULL; /* a name that is written in another way */
            at = space(at);
            if (*at++ != ':')
                return NULL;
            at = space(at);
        }
        at = wanted && close == '}' ? member(key, length, at, depth, wanted, within) : value(at, depth, NULL, 0);
        if (!at)
            return NULL;
        at = space(at);
        if (*at == close)
            return at + 1;
        if (*at != ',')
            return NULL;
    }
}

/* Past a value, which may be an object with wanted members; NULL where it is none, or is too deep. */
static const unsigned char *value(const unsigned char *at, int depth, const struct wanted *wanted, int within)
{
    switch (*at) {
    case '"':
        return text(at + 1);
    case '{':
        return depth ? container(at + 1, '}', depth - 1, wanted, within) : NULL;
    case '[':
        return depth ? container(at + 1, ']', depth - 1, NULL, 0) : NULL;
    case 't':
        return word(at, "true");
    case 'f':
        return word(at, "false");
    case 'n':
        return word(at, "null");
    default:
        return number(at);
    }
}

/* Where the wanted values of JSON objects begin and end: `starts` and `ends` have a row of `count` numbers for each of `members`
 * names, -1 where there is none. Documents stand where `from` and `to` say, a zero byte behind each.
 * `good` tells which are objects that every reader reads alike; of any other nothing is said. */
void regviz_fields(const unsigned char *documents, const int64_t *from, const int64_t *to, long count,
                   const char *names, const int32_t *within, int members, int64_t *starts, int64_t *ends, uint8_t *good)
{
    for (long at = 0; at < count; at++) {
        struct wanted wanted = {names, within, members, count, starts + at, ends + at, documents};
        const unsigned char *begin = space(documents + from[at]);
        for (int each = 0; each < members; each++)
            starts[at + each * count] = ends[at + each * count] = -1;
        const unsigned char *end = *begin == '{' ? value(begin, DEEPEST, &wanted, -1) : NULL;
        good[at] = end && (end == documents + to[at] || space(end) == documents + to[at]); /* more space may stand behind */
    }
}

/* The quotation mark that closes a JSON text which begins at `at`; NULL where there is none. */
static const unsigned char *closing(const unsigned char *at, const unsigned char *end)
{
    for (const unsigned char *escape; at < end; at = escape + 2) {
        const unsigned char *quote = memchr(at, '"', (size_t)(end - at));
        escape = quote ? memchr(at, '\\', (size_t)(quote - at)) : NULL;
        if (!escape)
            return quote;
    }
    return NULL;
}

/* What matters in JSON outside of texts. */
static const unsigned char matters[256] = {['"'] = 1, [','] = 1, ['['] = 1, [']'] = 1, ['{'] = 1, ['}'] = 1};

/* Where the elements of JSON arrays begin and end, of which `begin` and `end` say where they stand (-1: there is none, and it
 * has no elements); `counts` gets how many each has. The arrays are valid JSON: whoever calls has parsed what they stand in.
 * Returns how many elements there are, or -1 if something is no array. No more than `room` are written down. */
int64_t regviz_elements(const unsigned char *text, const int64_t *begin, const int64_t *end, long count, int64_t room,
                        int64_t *starts, int64_t *ends, int64_t *counts)
{
    int64_t found = 0;
    for (long array = 0; array < count; array++) {
        counts[array] = 0;
        if (begin[array] < 0)
            continue;
        const unsigned char *at = text + begin[array], *last = text + end[array], *start = at + 1;
        int64_t before = found;
        int depth = 0;
        if (last - at < 2 || *at++ != '[' || *--last != ']')
            return -1;
        for (;; at++) {
            while (at < last && !matters[*at])
                at++;
            if (at == last || (*at == ',' && !depth)) {
                const unsigned char *stop = at;
                while (start < stop && *start <= ' ')
                    start++;
                while (start < stop && stop[-1] <= ' ')
                    stop--;
                if (start < stop && found < room) {
                    starts[found] = start - text;
                    ends[found] = stop - text;
                }
                found += start < stop;
                if (at == last)
                    break;
                start = at + 1;
            } else if (*at == '"') {
                at = closing(at + 1, last);
                if (!at)
                    return -1;
            } else if (*at != ',') {
                depth += *at == '{' || *at == '[' ? 1 : -1;
            }
        }
        counts[array] = found - before;
    }
    return found;
}

/* Whether parts of a text have a backslash. */
void regviz_escaped(const unsigned char *text, const int64_t *starts, const int64_t *ends, int64_t count, uint8_t *escaped)
{
    for (int64_t at = 0; at < count; at++)
        escaped[at] = starts[at] < ends[at] && memchr(text + starts[at], '\\', (size_t)(ends[at] - starts[at]));
}
