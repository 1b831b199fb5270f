/* Lets the n-th change of a file below a folder fail, as a full or broken disk would.

   Preloaded into a process (LD_PRELOAD). FAULT_BELOW names the folder; fault_arm(n, number, last)
   counts from now on, and lets change n fail with the error `number`, and all up to change `last`.
   fault_count() gives how many changes there were. Reads, and what only frees space, always work. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static long count, first = -1, last = -1;
static int number = ENOSPC;

void fault_arm(long n, int error, long until) { count = 0; first = n; number = error; last = until; }
long fault_count(void) { return count; }

static int below(const char *path) {
    const char *folder = getenv("FAULT_BELOW");
    return folder && first >= 0 && strncmp(path, folder, strlen(folder)) == 0;
}

static int below_fd(int fd) {
    char link[64], path[PATH_MAX];
    if (first < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static int fails(int concerned) {
    if (!concerned) return 0;
    long now = count++;
    if (now < first || now > last) return 0;
    errno = number;
    return 1;
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    return fails(below_fd(fd)) ? -1 : real(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    REAL(pwrite);
    return fails(below_fd(fd)) ? -1 : real(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    REAL(pwrite64);
    return fails(below_fd(fd)) ? -1 : real(fd, data, size, at);
}
ssize_t writev(int fd, const struct iovec *parts, int many) {
    REAL(writev);
    return fails(below_fd(fd)) ? -1 : real(fd, parts, many);
}
int fsync(int fd) {
    REAL(fsync);
    return fails(below_fd(fd)) ? -1 : real(fd);
}
int fdatasync(int fd) {
    REAL(fdatasync);
    return fails(below_fd(fd)) ? -1 : real(fd);
}
int rename(const char *from, const char *to) {
    REAL(rename);
    return fails(below(to)) ? -1 : real(from, to);
}
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    return fails(below(path)) ? -1 : real(path, mode);
}
static int opens(const char *path, int flags, mode_t mode, const char *name) {
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    if ((flags & O_CREAT) && fails(below(path))) return -1;
    return real(path, flags, mode);
}
int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opens(path, flags, mode, "open");
}
int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opens(path, flags, mode, "open64");
}
