/* What the files of regviz/native that ask a file system share. */
#ifndef REGVIZ_FILES_H
#define REGVIZ_FILES_H

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#ifdef __APPLE__
#define MODIFIED(facts) (facts).st_mtimespec
#else
#define MODIFIED(facts) (facts).st_mtim
#endif

enum { LONGEST = 4096, HEX = 64, LINK = 71 /* "sha256:" and hex digits */, READ = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };

/* Puts parts of a path behind one another; 0 where they do not fit. */
static inline size_t put(char *path, size_t at, const char *part)
{
    size_t length = strlen(part);
    if (at + length >= LONGEST)
        return 0;
    memcpy(path + at, part, length + 1);
    return at + length;
}

static inline int64_t microseconds(const struct stat *facts)
{
    return (int64_t)((uint64_t)MODIFIED(*facts).tv_sec * 1000000u + (uint64_t)MODIFIED(*facts).tv_nsec / 1000u);
}

/* Opens what no symbolic link leads to, in one call: openat2(2), Linux 5.6. An older kernel has no such call, and a sandbox may
 * forbid it: then errno is ENOSYS or EPERM. */
static inline int open_without_links(int directory, const char *path)
{
#ifdef SYS_openat2
    static const struct { uint64_t flags, mode, resolve; } how = {READ, 0, 0x04 /* RESOLVE_NO_SYMLINKS */};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
#else
    (void)directory, (void)path;
    errno = ENOSYS;
    return -1;
#endif
}

/* In walk.c, and not known beyond this library. */
#define WITHIN __attribute__((visibility("hidden")))
WITHIN int regviz_open_link(int directory, char *path, const char *name, const char *middle, const char *last);
WITHIN int regviz_is_lone(int directory, char *path, const char *name, const char *digits);
WITHIN int regviz_decode(const char *digits, uint8_t *raw);
WITHIN struct dirent *regviz_next(DIR *directory);
WITHIN DIR *regviz_listing(int above, const char *name);
WITHIN int64_t regviz_directories(DIR *directory, int64_t most, char *names, int64_t room, int64_t *used);
WITHIN int64_t regviz_digests(int directory, const char *path, int64_t most, char *names, int64_t room, uint8_t *digests,
                              int64_t *times);

#endif
