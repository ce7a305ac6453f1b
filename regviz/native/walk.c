/* What the directories of a registry's repositories hold: listings, links, and tags that were pushed once.
 *
 * As in native.c, everything odd is left to the Python that stands beside it (regviz/storage/folder.py, lone.py).
 */
#include "files.h"

/* Opens name + middle + last, of which the middle is a directory and no link; -1 where that is not so. */
int regviz_open_link(int directory, char *path, const char *name, const char *middle, const char *last)
{
    size_t end = put(path, 0, name), all = end;
    if (all && *middle)
        all = put(path, all, middle);
    if (!all || !put(path, all, last))
        return -1;
    if (*middle) {
        struct stat found;
        int file = open_without_links(directory, path);
        if (file >= 0 || (errno != ENOSYS && errno != EPERM))
            return file;
        path[all] = 0;
        if (fstatat(directory, path, &found, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(found.st_mode))
            return -1;
        put(path, all, last);
    }
    return openat(directory, path, READ);
}

/* The first `width` bytes of each name + middle + last, and its time; length -1 where that is no regular file. */
void regviz_read_links(int directory, const char *names, long count, const char *middle, const char *last, int width,
                       char *contents, int64_t *lengths, int64_t *times)
{
    char path[LONGEST];
    for (long at = 0; at < count; at++, names += strlen(names) + 1, contents += width) {
        struct stat found;
        int file = regviz_open_link(directory, path, names, middle, last);
        lengths[at] = -1;
        times[at] = 0;
        if (file < 0)
            continue;
        if (!fstat(file, &found) && S_ISREG(found.st_mode)) {
            lengths[at] = read(file, contents, (size_t)width);
            times[at] = microseconds(&found);
        }
        close(file);
    }
}

/* Whether a path leads to a directory, and no link, that holds so many directories (0: whatever it holds). */
static int is_directory(int directory, const char *path, unsigned long links)
{
    struct stat found;
    return !fstatat(directory, path, &found, AT_SYMLINK_NOFOLLOW) && S_ISDIR(found.st_mode) &&
           (!links || found.st_nlink == links);
}

/* Whether name/index holds sha256/digits/link and no other directory; `path` has room for that. */
int regviz_is_lone(int directory, char *path, const char *name, const char *digits)
{
    struct stat found;
    size_t end = put(path, 0, name);
    return *digits && end && (end = put(path, end, "/index")) && is_directory(directory, path, 3) &&
           (end = put(path, end, "/sha256")) && is_directory(directory, path, 3) &&
           (end = put(path, end, "/")) && (end = put(path, end, digits)) && is_directory(directory, path, 0) &&
           put(path, end, "/link") && !fstatat(directory, path, &found, AT_SYMLINK_NOFOLLOW) && S_ISREG(found.st_mode);
}

/* For each name and digits whether name/index holds sha256/digits/link and no other directory. */
void regviz_lone(int directory, const char *names, const char *digits, long count, uint8_t *lone)
{
    char path[LONGEST];
    for (long at = 0; at < count; at++, names += strlen(names) + 1, digits += strlen(digits) + 1)
        lone[at] = (uint8_t)regviz_is_lone(directory, path, names, digits);
}

/* The next entry of a listing; NULL at its end, and where it cannot go on, which `errno` tells. */
struct dirent *regviz_next(DIR *directory)
{
    struct dirent *entry;
    errno = 0;
    do
        entry = readdir(directory);
    while (entry && entry->d_name[0] == '.' && (!entry->d_name[1] || (entry->d_name[1] == '.' && !entry->d_name[2])));
    return entry;
}

/* Names in a directory that holds nothing but directories and regular files, each ended by a zero byte; `is_directory` has
 * room for as many marks as there is room for bytes. Returns how many bytes the names take; -1 where it holds
 * something else or could not be listed, -2 where there is too little room. */
int64_t regviz_list(const char *path, char *names, uint8_t *is_directory, int64_t room)
{
    int64_t used = 0;
    DIR *directory = opendir(path);
    if (!directory)
        return -1;
    for (struct dirent *entry; used >= 0 && (entry = regviz_next(directory));) {
        size_t length = strlen(entry->d_name) + 1;
        if (entry->d_type != DT_DIR && entry->d_type != DT_REG) {
            used = -1;
        } else if (used + (int64_t)length > room) {
            used = -2;
        } else {
            memcpy(names + used, entry->d_name, length);
            used += (int64_t)length;
            *is_directory++ = entry->d_type == DT_DIR;
        }
    }
    if (used >= 0 && errno)
        used = -1;
    closedir(directory);
    return used;
}

/* A directory that is no link, to be listed; NULL where there is none. */
DIR *regviz_listing(int above, const char *name)
{
    int file = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = file < 0 ? NULL : fdopendir(file);
    if (file >= 0 && !directory)
        close(file);
    return directory;
}

/* Names in a directory that holds at most `most` directories and nothing else, and how many bytes they take; how many they
 * are, or -1. */
int64_t regviz_directories(DIR *directory, int64_t most, char *names, int64_t room, int64_t *used)
{
    int64_t count = 0;
    *used = 0;
    for (struct dirent *entry; (entry = regviz_next(directory)); count++) {
        int64_t length = (int64_t)strlen(entry->d_name) + 1;
        if (entry->d_type != DT_DIR || count == most || length > room - *used)
            return -1;
        memcpy(names + *used, entry->d_name, (size_t)length);
        *used += length;
    }
    return errno ? -1 : count;
}

static int value_of(char digit)
{
    return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The bytes of hex digits that a zero byte ends; 0 where these are no 64 digits. */
int regviz_decode(const char *digits, uint8_t *raw)
{
    for (int at = 0; at < HEX; at += 2) {
        int high = value_of(digits[at]), low = high < 0 ? -1 : value_of(digits[at + 1]);
        if (low < 0)
            return 0;
        raw[at / 2] = (uint8_t)(high << 4 | low);
    }
    return !digits[HEX];
}

/* Measures name/link: 1 for a file as long as a link, 0 where there is none, else -1. */
static int measure(int directory, const char *name, int64_t *time)
{
    char path[HEX + 6];
    struct stat found;
    memcpy(path, name, HEX);
    memcpy(path + HEX, "/link", 6);
    if (fstatat(directory, path, &found, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    *time = microseconds(&found);
    return S_ISREG(found.st_mode) && found.st_size == LINK ? 1 : -1;
}

/* Digests below a directory that holds the directory sha256 alone, and that at most `most` directories called by digests. With
 * `times` only those with a file `link` that is as long as it should be, and its time. Returns how many, or -1: something else
 * is there. `names` has room for `room` bytes. */
int64_t regviz_digests(int directory, const char *path, int64_t most, char *names, int64_t room, uint8_t *digests,
                       int64_t *times)
{
    int64_t count = -1, used, good = 0;
    DIR *above = regviz_listing(directory, path), *below = NULL;
    if (above && regviz_directories(above, 1, names, room, &used) == 1 && !strcmp(names, "sha256"))
        below = regviz_listing(dirfd(above), names);
    if (below)
        count = regviz_directories(below, most, names, room, &used);
    for (int64_t at = 0; at < count; at++, names += HEX + 1) {
        int there = regviz_decode(names, digests + good * HEX / 2) ? 1 : -1;
        if (there > 0 && times)
            there = measure(dirfd(below), names, times + good);
        good = there < 0 ? 0 : good + there;
        if (there < 0)
            count = -1;
    }
    if (below)
        closedir(below);
    if (above)
        closedir(above);
    return count < 0 ? -1 : good;
}
