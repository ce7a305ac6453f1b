/* The least that reading a Distribution storage can cost: the system calls that no reader can do without, and
 * nothing done with what they answer.
 *
 *     limit_walk stat|check ROOT
 *
 * Directories of links are listed and not entered. Every revision link is stat'ed, as a deleted manifest leaves its
 * directory; with `check` every layer link too. Every tag's current link is read. Every blob is stat'ed, and read where
 * its length could be a manifest's or a configuration's.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum place { ABOVE, BLOBS, LAYERS, REVISIONS, TAGS };
enum { LISTING = 65536, HEX = 64, DOCUMENT_LEAST = 400, DOCUMENT_MOST = 65536 };

struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    unsigned char type;
    char name[];
};

static int check_layers;
static unsigned long lists, stats, reads, present;
static char content[DOCUMENT_MOST];

static int is(const char *name, const char *other) { return strcmp(name, other) == 0; }

static void read_file(int directory, const char *path)
{
    int file = openat(directory, path, O_RDONLY);
    if (file < 0)
        return;
    if (read(file, content, sizeof content) > 0)
        reads++;
    close(file);
}

static long long stat_file(int directory, const char *name, const char *file, char path[HEX + 8])
{
    struct stat facts;
    snprintf(path, HEX + 8, "%s/%s", name, file);
    stats++;
    if (fstatat(directory, path, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    present++;
    return facts.st_size;
}

static enum place place_of(const char *name, enum place around)
{
    if (around == ABOVE)
        return is(name, "blobs") ? BLOBS : is(name, "_layers") ? LAYERS : is(name, "revisions") ? REVISIONS : is(name, "tags") ? TAGS : ABOVE;
    return around;
}

/* What a directory named by a digest, or a tag's part, needs; 0 if it must be entered. */
static int handled(int directory, const char *name, enum place place)
{
    char path[HEX + 8];
    int digest = strlen(name) == HEX;

    if (is(name, "_uploads"))
        return 1;
    if (place == BLOBS && digest) {
        long long size = stat_file(directory, name, "data", path);
        if (size > DOCUMENT_LEAST && size <= DOCUMENT_MOST)
            read_file(directory, path);
        return 1;
    }
    if ((place == LAYERS || place == REVISIONS) && digest) {
        if (place == REVISIONS || check_layers)
            stat_file(directory, name, "link", path);
        return 1;
    }
    if (place == TAGS && is(name, "current")) {
        read_file(directory, "current/link");
        return 1;
    }
    return place == TAGS && is(name, "index");
}

static void walk(int directory, enum place place)
{
    char *listing = malloc(LISTING);
    long length;

    while ((length = syscall(SYS_getdents64, directory, listing, LISTING)) > 0) {
        lists++;
        for (long at = 0; at < length;) {
            struct entry *entry = (struct entry *)(listing + at);
            at += entry->length;
            if (entry->type != DT_DIR || is(entry->name, ".") || is(entry->name, ".."))
                continue;
            if (handled(directory, entry->name, place))
                continue;
            int inner = openat(directory, entry->name, O_RDONLY | O_DIRECTORY);
            if (inner < 0)
                continue;
            walk(inner, place_of(entry->name, place));
            close(inner);
        }
    }
    lists++;
    free(listing);
}

int main(int count, char **words)
{
    int root = count == 3 ? open(words[2], O_RDONLY | O_DIRECTORY) : -1;
    if (root < 0) {
        fprintf(stderr, "usage: limit_walk stat|check ROOT\n");
        return 2;
    }
    check_layers = is(words[1], "check");
    walk(root, ABOVE);
    printf("%lu listings, %lu stats, %lu reads; %lu files present\n", lists, stats, reads, present);
    return 0;
}
