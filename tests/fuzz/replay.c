/*
 * replay: main() of a fuzz target in a build without libFuzzer.
 * Feeds every file of the folders and files named as arguments once; options (-runs=0) are
 * libFuzzer's and mean nothing here. No file at all is an error: the test would prove nothing.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static unsigned long fed;

static int feed_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;

    if (!f || fstat(fileno(f), &st) != 0) {
        perror(path);
        if (f)
            fclose(f);
        return 1;
    }
    /* A block of exactly the input's size, so that ASan sees one byte read beyond it. */
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);
    int bad = !data || fread(data, 1, size, f) != size;

    if (!bad) {
        LLVMFuzzerTestOneInput(data, size);
        fed++;
    }
    free(data);
    fclose(f);
    return bad;
}

static int feed_folder(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char file[4096];
    int bad = 0;

    if (!dir)
        return feed_file(path);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        bad |= feed_file(file);
    }
    closedir(dir);
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0;

    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-')
            bad |= feed_folder(argv[i]);
    printf("fed %lu inputs\n", fed);
    return bad || fed == 0;
}
