/* The least that reading a v1 storage can cost: each image's layer is stat'ed, its json read, and nothing done with
 * either.
 *
 *     limit_v1 ROOT
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char content[65536];

int main(int count, char **words)
{
    char path[512];
    long images = 0, bytes = 0;
    DIR *listing;
    struct dirent *entry;

    if (count == 2)
        snprintf(path, sizeof path, "%s/images", words[1]);
    if (count != 2 || !(listing = opendir(path))) {
        fprintf(stderr, "usage: limit_v1 ROOT\n");
        return 2;
    }
    int directory = dirfd(listing);
    while ((entry = readdir(listing))) {
        struct stat layer;
        if (entry->d_name[0] == '.')
            continue;
        images++;
        snprintf(path, sizeof path, "%s/layer", entry->d_name);
        fstatat(directory, path, &layer, AT_SYMLINK_NOFOLLOW);
        snprintf(path, sizeof path, "%s/json", entry->d_name);
        int file = openat(directory, path, O_RDONLY);
        if (file < 0)
            continue;
        long length = read(file, content, sizeof content);
        bytes += length > 0 ? length : 0;
        close(file);
    }
    printf("%ld images, %ld bytes of json\n", images, bytes);
    return 0;
}
