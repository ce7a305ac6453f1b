/* What regviz looks for in JSON documents, many at a time: where the values stand that it wants, and where the elements of
 * arrays do, those that repeat only once. What the values say is for values.c and for Python.
 *
 * Nothing here allocates, keeps state, or reads beyond the zero byte that ends a document.
 */
#include <stdint.h>
#include <stddef.h>
#include <string.h>

enum { DEEPEST = 64, TRIES = 32, MOST_PAIRS = 64 };

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

#define EACH(byte) ((byte) * UINT64_C(0x0101010101010101))

/* Past bytes that are plain, eight at a time. */
static const unsigned char *eights(const unsigned char *at, const unsigned char *last)
{
    for (uint64_t eight; last - at >= 8; at += 8) {
        memcpy(&eight, at, 8);
        uint64_t quote = eight ^ EACH('"'), escape = eight ^ EACH('\\');
        if ((eight | (eight - EACH(' ')) | (quote - EACH(1)) | (escape - EACH(1))) & EACH(0x80))
            break;
    }
    return at;
}

/* Past a text, from behind its first quotation mark; NULL where it is none that everybody reads alike: it has other bytes than
 * ASCII, or half of a surrogate pair. */
static const unsigned char *text(const unsigned char *at, const unsigned char *last)
{
    for (;;) {
        at = eights(at, last);
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

/* A member of objects that is wanted: its name, and the number of the one in whose value it is looked for (-1: the document
 * itself), which stands before it; with which letters its value may begin (a space: it may be missing; none: it may be anything),
 * the number of the list that takes the elements of its value if that is an array, and that of two lists which take the names and
 * the values of an object, or -1. */
struct member {
    const char *name, *accepted;
    int32_t length, within, elements, pairs;
};

/* Elements of arrays, one array after the other, and a tree of those that are different: below each stand those that followed on
 * it, the last one that was met first. Most often an element is there already: then it has the same bytes, and need not be
 * looked at. */
struct list {
    int64_t room, all, different;
    int64_t *counts, *starts, *ends;  /* how many each document has; where those stand that are different */
    int32_t *which;                   /* of each, which it is of those */
    int32_t *below, *beside, first;   /* of each of those the first one below it, and the next one beside it; or -1 */
};

/* A document, and what is wanted of it: `starts` and `ends` have a number for each member, `step` apart. */
struct document {
    const unsigned char *text, *last;
    const struct member *members;
    int count;
    int64_t step, *starts, *ends;
    struct list *lists;
};

enum { NOWHERE = -2 }; /* nothing is wanted there */

static const unsigned char *value(const unsigned char *at, int depth, const struct document *document, int within);

/* Past the value of a member that may be wanted; one that is there twice is for Python to choose from. */
static const unsigned char *member(const unsigned char *key, size_t length, const unsigned char *at, int depth,
                                   const struct document *document, int within)
{
    const struct member *wanted = document->members;
    for (int64_t each = 0; each < document->count; each++, wanted++) {
        if (wanted->within != within || (size_t)wanted->length != length || memcmp(wanted->name, key, length))
            continue;
        if (document->starts[each * document->step] >= 0)
            return NULL;
        const unsigned char *end = value(at, depth, document, (int)each);
        if (end) {
            document->starts[each * document->step] = at - document->text;
            document->ends[each * document->step] = end - document->text;
        }
        return end;
    }
    return value(at, depth, document, NOWHERE);
}

/* Past an object, from behind its brace. */
static const unsigned char *object(const unsigned char *at, int depth, const struct document *document, int within)
{
    at = space(at);
    if (*at == '}')
        return at + 1;
    for (;; at = space(at + 1)) {
        const unsigned char *key = at + 1;
        at = *at == '"' ? text(key, document->last) : NULL;
        if (!at)
            return NULL;
        size_t length = (size_t)(at - 1 - key);
        at = space(at);
        if (*at++ != ':')
            return NULL;
        at = space(at);
        if (within == NOWHERE)
            at = value(at, depth, document, NOWHERE);
        else if (memchr(key, '\\', length))
            return NULL; /* a name that is written in another way */
        else
            at = member(key, length, at, depth, document, within);
        if (!at)
            return NULL;
        at = space(at);
        if (*at == '}')
            return at + 1;
        if (*at != ',')
            return NULL;
    }
}

/* Which of the elements at a place in the tree has the bytes that stand at `at`, or -1; it is put first. */
static int32_t known(const unsigned char *at, const struct document *document, struct list *list, int32_t *place)
{
    int32_t *link = place;
    for (int tries = 0; tries < TRIES && *link >= 0; tries++, link = list->beside + *link) {
        int32_t which = *link;
        const unsigned char *same = document->text + list->starts[which];
        int64_t length = list->ends[which] - list->starts[which];
        if (length <= document->last - at && !memcmp(at, same, (size_t)length)) {
            *link = list->beside[which];
            list->beside[which] = *place;
            return *place = which;
        }
    }
    return -1;
}

/* Past an element that is put into a list, at a place in its tree: from then on, the one below it. Without a place it is put there
 * without a look at the others. */
static const unsigned char *element(const unsigned char *at, int depth, const struct document *document, struct list *list,
                                    int32_t **place)
{
    int ends_itself = *at == '{' || *at == '"'; /* what begins with the same bytes is the same */
    int32_t which = place && ends_itself ? known(at, document, list, *place) : -1;
    if (list->all == list->room)
        return NULL;
    if (which < 0) {
        const unsigned char *end = value(at, depth, document, NOWHERE);
        if (!end)
            return NULL;
        which = (int32_t)list->different++;
        list->starts[which] = at - document->text;
        list->ends[which] = end - document->text;
        list->below[which] = -1;
        list->beside[which] = place ? **place : -1;
        if (place)
            **place = which;
    }
    list->which[list->all++] = which;
    if (place)
        *place = list->below + which;
    return at + (list->ends[which] - list->starts[which]);
}

/* Past an array, from behind its bracket. */
static const unsigned char *array(const unsigned char *at, int depth, const struct document *document, struct list *list)
{
    int32_t *place = list ? &list->first : NULL;
    at = space(at);
    if (*at == ']')
        return at + 1;
    for (;; at = space(at + 1)) {
        at = list ? element(at, depth, document, list, &place) : value(at, depth, document, NOWHERE);
        if (!at)
            return NULL;
        at = space(at);
        if (*at == ']')
            return at + 1;
        if (*at != ',')
            return NULL;
    }
}

/* Whether the last of some elements, which are texts, is among those before it. */
static int is_again(const struct document *document, const struct list *list, int64_t first)
{
    int32_t last = list->which[list->all - 1];
    int64_t length = list->ends[last] - list->starts[last];
    for (int64_t at = first; at < list->all - 1; at++) {
        int32_t each = list->which[at];
        if (list->ends[each] - list->starts[each] == length &&
            !memcmp(document->text + list->starts[each], document->text + list->starts[last], (size_t)length))
            return 1;
    }
    return 0;
}

/* Past an object, from behind its brace, whose names and values are put into lists; it is for Python where a name is there twice
 * or written in another way, and where they are many. */
static const unsigned char *pairs(const unsigned char *at, int depth, const struct document *document, struct list *names,
                                  struct list *values)
{
    int32_t *place = &names->first;
    int64_t first = names->all;
    at = space(at);
    if (*at == '}')
        return at + 1;
    for (;; at = space(at + 1)) {
        const unsigned char *end = *at == '"' ? element(at, depth, document, names, &place) : NULL;
        if (!end || memchr(at, '\\', (size_t)(end - at)) || names->all - first > MOST_PAIRS || is_again(document, names, first))
            return NULL;
        at = space(end);
        if (*at != ':')
            return NULL;
        at = element(space(at + 1), depth, document, values, NULL);
        if (!at)
            return NULL;
        at = space(at);
        if (*at == '}')
            return at + 1;
        if (*at != ',')
            return NULL;
    }
}

/* Past a value, in which members may be wanted; NULL where it is none, or is too deep. */
static const unsigned char *value(const unsigned char *at, int depth, const struct document *document, int within)
{
    int elements = within < 0 ? -1 : document->members[within].elements;
    int both = within < 0 ? -1 : document->members[within].pairs;
    switch (*at) {
    case '"':
        return text(at + 1, document->last);
    case '{':
        if (depth && both >= 0)
            return pairs(at + 1, depth - 1, document, document->lists + both, document->lists + both + 1);
        return depth ? object(at + 1, depth - 1, document, within) : NULL;
    case '[':
        return depth ? array(at + 1, depth - 1, document, elements < 0 ? NULL : document->lists + elements) : NULL;
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

/* Where the wanted values of JSON objects begin and end: `starts` and `ends` have a row of `count` numbers for each member, -1
 * where there is none; and where the elements of arrays do, in lists. Documents stand where `from` and `to` say, a zero byte
 * behind each. `good` tells which are objects that every reader reads alike, find room in the lists, and have values that are
 * accepted; of any other nothing is said, but how many elements it put into lists. */
void regviz_fields(const unsigned char *documents, const int64_t *from, const int64_t *to, int64_t count,
                   const struct member *members, int member_count, struct list *lists, int list_count, int64_t *starts,
                   int64_t *ends, uint8_t *good)
{
    for (int64_t at = 0; at < count; at++) {
        const unsigned char *last = documents + to[at], *begin = space(documents + from[at]);
        struct document document = {documents, last, members, member_count, count, starts + at, ends + at, lists};
        for (int each = 0; each < list_count; each++)
            lists[each].counts[at] = -lists[each].all;
        for (int64_t each = 0; each < member_count; each++)
            starts[at + each * count] = ends[at + each * count] = -1;
        const unsigned char *end = *begin == '{' ? value(begin, DEEPEST, &document, -1) : NULL;
        good[at] = end && (end == last || space(end) == last); /* more space may stand behind */
        for (int64_t each = 0; each < member_count; each++) {
            int64_t start = starts[at + each * count];
            const char *accepted = members[each].accepted;
            good[at] &= !*accepted || strchr(accepted, start < 0 ? ' ' : documents[start]);
        }
        for (int each = 0; each < list_count; each++)
            lists[each].counts[at] += lists[each].all;
    }
}
