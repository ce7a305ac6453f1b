/* Whole repositories of a Distribution storage, some with one call: what each has, its links and its tags.
 *
 * As in native.c, everything odd is left to the Python that stands beside it (regviz/layouts/distribution/walk.py).
 */
#include "files.h"

/* What directories below a registry's `repositories` may hold: parts of a repository. */
enum { LAYERS = 1, MANIFESTS = 2, UPLOADS = 4, REFERRERS = 8, REVISIONS = 16, TAGS = 32 };
static const char *const sections[] = {"_layers", "_manifests", "_uploads", "_referrers"}, *const parts[] = {"revisions", "tags"};

/* Digests one repository after the other. */
struct digests {
    uint8_t *raw;
    int64_t *times, used;
};

/* Room for what one call finds, of which `used` says how much there is; regviz/native/directories.py has the same. */
struct rooms {
    char *texts, *tag_texts;
    uint8_t *is_directory;
    int64_t *pushes, texts_room, digests_room, texts_used, tag_texts_used, names;
    struct digests layers, revisions, tags, history;
};

/* What is found in one directory; regviz/native/directories.py has the same. */
struct repository {
    int64_t flags, names, layers, revisions, tags, uploads;
};

/* Which one of some names this is, as a flag from `first` on; 0 for none. */
static int64_t flag_of(const char *name, const char *const *names, int count, int64_t first)
{
    for (int at = 0; at < count; at++)
        if (!strcmp(name, names[at]))
            return first << at;
    return 0;
}

static int64_t least(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

/* Sections in a directory, as flags, and all other names but those of directories that begin with an underscore; -1 where
 * it holds something else than directories and files. */
static int64_t sections_of(DIR *directory, struct rooms *rooms, int64_t *count)
{
    int64_t flags = 0, used = rooms->texts_used, names = 0;
    for (struct dirent *entry; (entry = regviz_next(directory));) {
        int64_t length = (int64_t)strlen(entry->d_name) + 1;
        int is_directory = entry->d_type == DT_DIR;
        if ((!is_directory && entry->d_type != DT_REG) || length > rooms->texts_room - used)
            return -1;
        if (is_directory && entry->d_name[0] == '_') {
            flags |= flag_of(entry->d_name, sections, 4, LAYERS);
            continue;
        }
        memcpy(rooms->texts + used, entry->d_name, (size_t)length);
        used += length;
        rooms->is_directory[rooms->names + names++] = (uint8_t)is_directory;
    }
    if (errno)
        return -1;
    rooms->texts_used = used;
    rooms->names += names;
    *count = names;
    return flags;
}

/* Parts in a directory `_manifests`, as flags; -1 where it holds something else than directories and files. */
static int64_t parts_of(DIR *directory)
{
    int64_t flags = 0;
    if (!directory)
        return -1;
    for (struct dirent *entry; (entry = regviz_next(directory));) {
        if (entry->d_type != DT_DIR && entry->d_type != DT_REG)
            return -1;
        if (entry->d_type == DT_DIR)
            flags |= flag_of(entry->d_name, parts, 2, REVISIONS);
    }
    return errno ? -1 : flags;
}

/* Whether a directory is there and holds nothing. */
static int is_empty(int above, const char *name)
{
    DIR *directory = regviz_listing(above, name);
    int empty = directory && !regviz_next(directory) && !errno;
    if (directory)
        closedir(directory);
    return empty;
}

/* Adds digests below a directory; returns how many, or -1. */
static int64_t add_digests(struct rooms *rooms, struct digests *to, int above, const char *name, int64_t most, int measured)
{
    int64_t found = regviz_digests(above, name, least(most, rooms->digests_room - to->used),
                                   rooms->texts + rooms->texts_used, rooms->texts_room - rooms->texts_used,
                                   to->raw + to->used * HEX / 2, measured ? to->times + to->used : NULL);
    to->used += found > 0 ? found : 0;
    return found;
}

/* How many digests a tag was pushed with, which are added to `history` if they are several, and the one that it leads to, with
 * its time; 0 where anything is odd about it. */
static int64_t pushes_of(struct rooms *rooms, int directory, const char *name, int64_t most, uint8_t *digest, int64_t *time)
{
    char path[LONGEST], content[LINK + 1];
    struct stat found;
    struct digests *history = &rooms->history;
    int64_t first = history->used, count, current = -1;
    int file = regviz_open_link(directory, path, name, "/current", "/link");
    int good = file >= 0 && !fstat(file, &found) && S_ISREG(found.st_mode) &&
               read(file, content, sizeof content) == LINK && !memcmp(content, "sha256:", LINK - HEX);
    if (file >= 0)
        close(file);
    content[LINK] = 0;
    if (!good || !regviz_decode(content + LINK - HEX, digest))
        return 0;
    *time = microseconds(&found);
    if (regviz_is_lone(directory, path, name, content + LINK - HEX))
        return 1;
    put(path, put(path, 0, name), "/index");
    count = add_digests(rooms, history, directory, path, most, 1);
    for (int64_t at = first; at < first + count; at++)
        if (!memcmp(history->raw + at * HEX / 2, digest, HEX / 2))
            current = at;
    if (current >= 0)
        history->times[current] = *time; /* one push writes both links (tagstore.go, Tag) */
    if (current < 0 || count == 1)
        history->used = first;
    return current < 0 ? 0 : count;
}

/* Adds tags of these names in a directory. */
void regviz_tags_of(int directory, const char *names, int64_t count, int64_t most, struct rooms *rooms)
{
    struct digests *to = &rooms->tags;
    for (; count--; to->used++, names += strlen(names) + 1)
        rooms->pushes[to->used] =
            pushes_of(rooms, directory, names, most, to->raw + to->used * HEX / 2, to->times + to->used);
}

/* Adds all tags in a directory that holds at most `most` directories and nothing else; returns how many, or -1. */
static int64_t add_tags(struct rooms *rooms, int above, const char *name, int64_t most)
{
    struct digests *to = &rooms->tags;
    char *names = rooms->tag_texts + rooms->tag_texts_used;
    int64_t used = 0, found = -1;
    DIR *directory = regviz_listing(above, name);
    if (directory)
        found = regviz_directories(directory, least(most, rooms->digests_room - to->used), names,
                            rooms->texts_room - rooms->tag_texts_used, &used);
    if (found > 0) {
        regviz_tags_of(dirfd(directory), names, found, most, rooms);
        rooms->tag_texts_used += used;
    }
    if (directory)
        closedir(directory);
    return found;
}

/* What lies in each directory of some paths below `top`: sections of a repository, its links and its tags where these are as
 * nearly all are (else -1), and names of everything else. Of links and tags at most `most` are looked at; `links` says which:
 * 0 those of revisions, 1 those of layers too; with 2 none is. A directory that holds what is odd has the flags -1. */
void regviz_repositories(int top, const char *paths, int64_t count, int64_t most, int64_t most_listed, int links,
                         struct rooms *rooms, struct repository *found)
{
    for (; count--; found++, paths += strlen(paths) + 1) {
        DIR *directory = regviz_listing(top, paths), *manifests = NULL;
        int above = directory ? dirfd(directory) : -1;
        *found = (struct repository){-1, 0, -1, -1, -1, -1};
        if (directory)
            found->flags = sections_of(directory, rooms, &found->names);
        if (found->flags > 0 && found->flags & MANIFESTS) {
            int64_t flags = parts_of(manifests = regviz_listing(above, sections[1]));
            found->flags = flags < 0 ? -1 : found->flags | flags;
        }
        if (found->flags > 0) {
            if (found->flags & UPLOADS && is_empty(above, sections[2]))
                found->uploads = 0;
            if (found->flags & LAYERS && links < 2)
                found->layers = add_digests(rooms, &rooms->layers, above, sections[0], links ? most : most_listed, links);
            if (found->flags & REVISIONS && links < 2)
                found->revisions = add_digests(rooms, &rooms->revisions, dirfd(manifests), parts[0], most, 1);
            if (found->flags & TAGS)
                found->tags = add_tags(rooms, dirfd(manifests), parts[1], most);
        }
        if (manifests)
            closedir(manifests);
        if (directory)
            closedir(directory);
    }
}
