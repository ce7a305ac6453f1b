/* What values of JSON documents say, many at a time: texts that are digests or times, numbers of bytes. They stand in one text
 * where `starts` and `ends` say, -1 for one that is not there; json.c found them.
 *
 * Nothing here allocates, keeps state, or reads beyond a value.
 */
#include <stdint.h>
#include <string.h>

static const int64_t NONE = INT64_MIN;

static int is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Which values are texts that say what is written: not empty, without a backslash. */
void regviz_plain(const unsigned char *text, const int64_t *starts, const int64_t *ends, int64_t count, uint8_t *plain)
{
    for (int64_t at = 0; at < count; at++) {
        int64_t length = ends[at] - starts[at];
        plain[at] = length > 2 && text[starts[at]] == '"' && !memchr(text + starts[at], '\\', (size_t)length);
    }
}

/* Digests of sha256 into rows of 32 bytes; of what is none, `good` says so. */
void regviz_sha256(const unsigned char *text, const int64_t *starts, const int64_t *ends, int64_t count, uint8_t *raw,
                   uint8_t *good)
{
    static const char head[] = "\"sha256:";
    static const unsigned char digit[256] = {
        ['0'] = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, ['a'] = 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f};
    enum { HEAD = sizeof head - 1, RAW = 32, WIDTH = HEAD + 2 * RAW + 1 };
    for (int64_t at = 0; at < count; at++, raw += RAW) {
        const unsigned char *hex = text + starts[at] + HEAD, *last = hex + 2 * RAW;
        good[at] = starts[at] >= 0 && ends[at] - starts[at] == WIDTH && !memcmp(text + starts[at], head, HEAD) && *last == '"';
        unsigned char all = 0x10;
        if (good[at])
            for (uint8_t *byte = raw; hex < last; hex += 2, byte++) {
                all &= digit[hex[0]] & digit[hex[1]];
                *byte = (uint8_t)(digit[hex[0]] << 4 | (digit[hex[1]] & 15));
            }
        good[at] &= all != 0;
    }
}

/* Numbers of bytes: whole ones from 0, less than 2**62; NONE for any other value. */
void regviz_sizes(const unsigned char *text, const int64_t *starts, const int64_t *ends, int64_t count, int64_t *sizes)
{
    static const int64_t most = INT64_C(1) << 62;
    for (int64_t at = 0; at < count; at++) {
        const unsigned char *each = text + starts[at], *end = text + ends[at];
        int64_t size = 0;
        sizes[at] = NONE;
        if (starts[at] < 0)
            continue;
        int negative = *each == '-';
        each += negative;
        for (; each < end && is_digit(*each) && size < most; each++)
            size = size > most / 10 ? most : size * 10 + (*each - '0');
        if (each == end && size < most && !(negative && size))
            sizes[at] = size;
    }
}

/* A number of some digits; -1 where something else is among them. */
static int64_t digits(const unsigned char *at, int count)
{
    int64_t number = 0;
    for (; count--; at++) {
        if (!is_digit(*at))
            return -1;
        number = number * 10 + (*at - '0');
    }
    return number;
}

/* Days from 1970 on, in the calendar of Gregory; the year is positive. March begins the year, so that a leap day ends it. */
static int64_t days(int64_t year, int64_t month, int64_t day)
{
    year -= month < 3;
    month = (month + 9) % 12;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719468;
}

/* A time as nearly all are written: 2006-01-02T15:04:05Z, with up to nine digits of a fraction, of which six count. The year 1 is
 * Go's "no time". Whether the text is one. */
static int moment(const unsigned char *text, int64_t length, int64_t *time)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    enum { SHORTEST = 20, LONGEST = 30, DOT = 19 };
    if (length < SHORTEST || length > LONGEST || length == SHORTEST + 1 || text[length - 1] != 'Z' || text[4] != '-' ||
        text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
        return 0;
    int64_t year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    int64_t hour = digits(text + 11, 2), minute = digits(text + 14, 2), second = digits(text + 17, 2), fraction = 0;
    if (length > SHORTEST) {
        int places = (int)length - SHORTEST - 1;
        if (text[DOT] != '.' || digits(text + DOT + 1, places) < 0)
            return 0;
        fraction = digits(text + DOT + 1, places < 6 ? places : 6);
        for (; places < 6; places++)
            fraction *= 10;
    }
    if (year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 59)
        return 0;
    int is_leap = year % 4 == 0 && (year % 100 || year % 400 == 0);
    if (day > lengths[month - 1] + (is_leap && month == 2))
        return 0;
    if (year > 1)
        *time = (((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000000 + fraction;
    return 1;
}

/* Times, in microseconds since 1970; NONE for what is no text. `usual` tells of which texts nothing is said, as they are written
 * in another way. */
void regviz_moments(const unsigned char *text, const int64_t *starts, const int64_t *ends, int64_t count, int64_t *times,
                    uint8_t *usual)
{
    for (int64_t at = 0; at < count; at++) {
        times[at] = NONE;
        usual[at] = starts[at] < 0 || text[starts[at]] != '"' ||
                    moment(text + starts[at] + 1, ends[at] - starts[at] - 2, times + at);
    }
}
