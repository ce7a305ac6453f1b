/* The hash table of regviz/interning.py: rows of words, and a number for each; many at a time.
 *
 * A table is larger than what a processor has at hand, and each look-up waits twice: for its slot, then for the row that
 * the slot names. Rows are therefore taken some at a time, and what all of these need is asked for before any waits.
 */
#include <stdint.h>
#include <string.h>

enum { TOGETHER = 32 };

typedef struct {
    uint64_t *words;
    uint8_t *family;
    int32_t *slots;
    uint64_t mask, salt;
    int width;
} Table;

static uint64_t place_of(const Table *table, const uint64_t *row, uint8_t kind)
{
    uint64_t mixed = (row[0] ^ table->salt) * 0x9E3779B97F4A7C15u;
    for (int word = 1; word < table->width; word++) {
        mixed = (mixed ^ row[word]) * table->salt;
        mixed ^= mixed >> 29;
    }
    mixed = (mixed ^ kind) * table->salt;
    return mixed >> (64 - __builtin_popcountll(table->mask));
}

/* Codes of rows of `width` words: `slots` is a power of two long and has room, `words` and `family` have room for all rows;
 * returns how many rows there are then. New ones are numbered as they are met. */
int64_t regviz_intern(uint64_t *words, uint8_t *family, int32_t *slots, int64_t slot_count, uint64_t salt, int width,
                      int64_t count, const uint64_t *rows, int64_t row_count, uint8_t kind, int32_t *codes)
{
    Table table = {words, family, slots, (uint64_t)slot_count - 1, salt, width};
    size_t bytes = (size_t)width * 8;
    uint64_t places[TOGETHER];
    for (int64_t first = 0; first < row_count; first += TOGETHER) {
        int many = row_count - first < TOGETHER ? (int)(row_count - first) : TOGETHER;
        for (int at = 0; at < many; at++) {
            places[at] = place_of(&table, rows + (first + at) * width, kind);
            __builtin_prefetch(slots + places[at], 1);
        }
        for (int at = 0; at < many; at++) {
            int32_t code = slots[places[at]];
            if (code >= 0) {
                __builtin_prefetch(words + (int64_t)code * width);
                __builtin_prefetch(family + code);
            }
        }
        for (int at = 0; at < many; at++) {
            const uint64_t *row = rows + (first + at) * width;
            int32_t code;
            for (uint64_t slot = places[at];; slot = (slot + 1) & table.mask) {
                code = slots[slot];
                if (code < 0) {
                    code = slots[slot] = (int32_t)count;
                    memcpy(words + count * width, row, bytes);
                    family[count++] = kind;
                    break;
                }
                if (family[code] == kind && !memcmp(words + (int64_t)code * width, row, bytes))
                    break;
            }
            codes[first + at] = code;
        }
    }
    return count;
}

/* Puts the first `count` rows of a table into its slots, which are all free (-1); without those of the family `unlisted`. */
void regviz_enter(uint64_t *words, uint8_t *family, int32_t *slots, int64_t slot_count, uint64_t salt, int width,
                 int64_t count, uint8_t unlisted)
{
    Table table = {words, family, slots, (uint64_t)slot_count - 1, salt, width};
    uint64_t places[TOGETHER];
    for (int64_t first = 0; first < count; first += TOGETHER) {
        int many = count - first < TOGETHER ? (int)(count - first) : TOGETHER;
        for (int at = 0; at < many; at++) {
            places[at] = place_of(&table, words + (first + at) * width, family[first + at]);
            __builtin_prefetch(slots + places[at], 1);
        }
        for (int at = 0; at < many; at++) {
            uint64_t slot = places[at];
            if (family[first + at] == unlisted)
                continue;
            while (slots[slot] >= 0)
                slot = (slot + 1) & table.mask;
            slots[slot] = (int32_t)(first + at);
        }
    }
}

/* Where `before` and each code after it stands first, of codes that regviz_intern gave; returns how many they are. */
int64_t regviz_firsts(const int32_t *codes, int64_t count, int64_t before, int64_t *places)
{
    int64_t found = 0;
    for (int64_t at = 0; at < count; at++)
        if (codes[at] == before + found)
            places[found++] = at;
    return found;
}
