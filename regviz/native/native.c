/* What regviz asks of a file system, and of texts, many at a time.
 *
 * Each function does what a loop in Python does elsewhere (regviz/storage/folder.py, lone.py, members.py), for everything
 * that is as it should be. Of anything else it says so, and Python looks again, file by file, and finds the words for it.
 * Nothing here allocates, keeps state or follows a symbolic link.
 *
 * Names come one after the other, each ended by a zero byte.
 */
#include "files.h"

/* The digest of this file, as whoever compiled it had it: a library of another version is left alone. */
#ifndef SOURCE
#define SOURCE ""
#endif
const char *regviz_source(void)
{
    return SOURCE;
}

/* Facts into every `count`-th number: mode, bytes, microseconds, bytes allocated, inode. */
static void note(const struct stat *found, long count, int64_t *facts)
{
    facts[0] = found->st_mode;
    facts[count] = found->st_size;
    facts[2 * count] = microseconds(found);
    facts[3 * count] = (int64_t)found->st_blocks * 512;
    facts[4 * count] = (int64_t)found->st_ino;
}

/* What lstat says of a path; zeros where it says nothing. */
static void look(int directory, const char *path, long count, int64_t *facts)
{
    struct stat found;
    if (fstatat(directory, path, &found, AT_SYMLINK_NOFOLLOW))
        memset(&found, 0, sizeof found);
    note(&found, count, facts);
}

/* lstat of each name + suffix: `facts` has five columns of `count` numbers. */
void regviz_look(int directory, const char *names, long count, const char *suffix, int64_t *facts)
{
    char path[LONGEST];
    for (long at = 0; at < count; at++, names += strlen(names) + 1) {
        size_t end = put(path, 0, names);
        look(directory, end && put(path, end, suffix) ? path : "", count, facts + at);
    }
}

/* Contents of files, one behind the other in `buffer`, which has `room`, and a zero byte behind each. With `facts` (five columns,
 * as above) a file is taken if it is a regular one of 1 to `most` bytes that no link leads to; without, if it has just as many
 * as `most` says. Of any other, and of one that finds no room, the length is -1. All names begin with `common` and a slash, but
 * where that is empty. */
void regviz_read(int directory, const char *common, const char *names, long count, const int64_t *most, char *buffer,
                 int64_t room, int64_t *lengths, int64_t *facts)
{
    size_t skipped = *common ? strlen(common) + 1 : 0;
    int below = *common ? open_without_links(directory, common) : directory;
    for (long at = 0; at < count; at++, names += strlen(names) + 1) {
        int file = facts ? open_without_links(below, names + skipped) : openat(below, names + skipped, READ);
        int64_t wanted = most[at];
        struct stat found;
        lengths[at] = -1;
        if (file < 0)
            continue;
        if (facts) {
            if (fstat(file, &found) || !S_ISREG(found.st_mode) || found.st_size > wanted)
                memset(&found, 0, sizeof found);
            note(&found, count, facts + at);
            wanted = found.st_size;
        }
        if (wanted > 0 && wanted < room && read(file, buffer, (size_t)wanted) == wanted) {
            lengths[at] = wanted;
            buffer[wanted] = 0;
            buffer += wanted + 1;
            room -= wanted + 1;
        }
        close(file);
    }
    if (*common && below >= 0)
        close(below);
}

/* Of each name: the content of name + document, lstat of name + measured (as above), and whether name + mark is there.
 * Documents lie one behind the other, a zero byte behind each; length -1 where there is none, or one of `room` bytes and more. */
void regviz_members(int directory, const char *names, long count, const char *document, const char *measured,
                    const char *mark, int64_t room, char *buffer, int64_t *lengths, int64_t *facts, uint8_t *marked)
{
    char path[LONGEST];
    for (long at = 0; at < count; at++, names += strlen(names) + 1) {
        struct stat found;
        size_t end = put(path, 0, names);
        int file = end && put(path, end, document) ? openat(directory, path, READ) : -1;
        lengths[at] = -1;
        if (file >= 0) {
            int64_t got = read(file, buffer, (size_t)room);
            close(file);
            if (got > 0 && got < room) {
                lengths[at] = got;
                buffer[got] = 0;
                buffer += got + 1;
            }
        }
        look(directory, end && put(path, end, measured) ? path : "", count, facts + at);
        marked[at] = !end || !put(path, end, mark) ||
                     !fstatat(directory, path, &found, AT_SYMLINK_NOFOLLOW);
    }
}

#define ROTATE(word, by) ((word) << (by) | (word) >> (64 - (by)))
#define ROUND                                                                                                          \
    (a += b, b = ROTATE(b, 13) ^ a, a = ROTATE(a, 32), c += d, d = ROTATE(d, 16) ^ c, a += d, d = ROTATE(d, 21) ^ a,  \
     c += b, b = ROTATE(b, 17) ^ c, c = ROTATE(c, 32))

/* SipHash-1-3 with 128 bits (Aumasson and Bernstein 2012) of parts of a text: two words for each. */
void regviz_hash(const char *text, const int64_t *starts, const int64_t *ends, int64_t count, const uint64_t *key,
                 uint64_t *words)
{
    for (int64_t at = 0; at < count; at++) {
        size_t length = (size_t)(ends[at] - starts[at]);
        const char *from = text + starts[at], *last = from + (length & ~(size_t)7);
        uint64_t a = key[0] ^ 0x736f6d6570736575u, b = key[1] ^ 0x646f72616e646f6du ^ 0xee;
        uint64_t c = key[0] ^ 0x6c7967656e657261u, d = key[1] ^ 0x7465646279746573u, word;
        for (; from < last; from += 8) {
            memcpy(&word, from, 8);
            d ^= word;
            ROUND;
            a ^= word;
        }
        word = (uint64_t)length << 56;
        for (size_t left = length & 7; left--;)
            word |= (uint64_t)(unsigned char)from[left] << (8 * left);
        d ^= word;
        ROUND;
        a ^= word;
        c ^= 0xee;
        ROUND, ROUND, ROUND;
        words[2 * at] = a ^ b ^ c ^ d;
        b ^= 0xdd;
        ROUND, ROUND, ROUND;
        words[2 * at + 1] = a ^ b ^ c ^ d;
    }
}
