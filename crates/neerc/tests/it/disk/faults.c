/* A disk that fails, for one process and the files of one folder: laid between the program and the C library by
 * LD_PRELOAD. FAULTS_FOLDER is the folder. Each of the others names a file:
 *
 *   FAULTS_TRACE  to which every change of a file is appended, after it was made
 *   FAULTS_FULL   while it exists the disk takes only as many more bytes as stand in it, then ENOSPC
 *   FAULTS_SYNC   if it exists, it is removed, and the N-th sync of a file from then on, the number in it, fails: EIO
 *   FAULTS_SLOW   while it exists each sync takes as many ms longer as stand in it
 *   FAULTS_END    if it exists, it is removed, and the process ends right after the next file has got another name
 *
 * A record of the trace: 4 bytes of kind, 4 of the length of the name, 8 of offset, 8 of the length of the data; then
 * name and data. Native byte order. Kinds: open (created if the offset is 1), writ, trun, sync, unli, fold (a folder is made),
 * move (the data is the new name), full, fail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static char *names[FILES]; /* of open files of the folder, by descriptor */
static long left = -1;     /* bytes until the disk is full; -1: it is not */
static long syncs = -1;    /* syncs until one fails; -1: none will */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The name within the folder, "" for the folder itself, or NULL for any other path. It is good until the next but one. */
static const char *within(const char *path) {
    static _Thread_local char whole[2][PATH_MAX];
    static _Thread_local int turn;
    const char *folder = getenv("FAULTS_FOLDER");
    size_t len = folder ? strlen(folder) : 0;
    if (*path != '/') {
        char *text = whole[turn ^= 1];
        size_t cwd = getcwd(text, PATH_MAX) ? strlen(text) : PATH_MAX;
        if (cwd + strlen(path) + 2 > PATH_MAX) return NULL;
        text[cwd] = '/';
        path = strcpy(text + cwd + 1, path) - cwd - 1;
    }
    if (!len || strncmp(path, folder, len)) return NULL;
    if (path[len] == '/') return path + len + 1;
    return path[len] ? NULL : "";
}

static const char *name_of(int fd) { return fd >= 0 && fd < FILES ? names[fd] : NULL; }

static void trace(const char *kind, const char *name, uint64_t offset, const void *data, uint64_t len) {
    static int file = -1;
    const char *path = getenv("FAULTS_TRACE");
    if (!path || !name) return;
    if (file < 0) file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    int saved = errno;
    char head[24];
    uint32_t name_len = strlen(name);
    memcpy(head, kind, 4);
    memcpy(head + 4, &name_len, 4);
    memcpy(head + 8, &offset, 8);
    memcpy(head + 16, &len, 8);
    struct iovec parts[3] = {{head, 24}, {(void *)name, name_len}, {(void *)data, data ? len : 0}};
    ssize_t all = 24 + name_len + (data ? len : 0);
    if (syscall(SYS_writev, file, parts, 3) != all) abort(); /* a trace with holes would prove nothing */
    errno = saved;
}

/* The number in a file; -1 if there is no such file. */
static long number_in(const char *variable) {
    const char *path = getenv(variable);
    char text[32] = "";
    int fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return -1;
    long got = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    return got > 0 ? atol(text) : -1;
}

/* How many of some bytes the disk takes. */
static size_t taken(size_t len) {
    long room = number_in("FAULTS_FULL");
    if (room < 0) left = -1;
    else if (left < 0) left = room;
    if (left < 0 || (size_t)left >= len) {
        if (left > 0) left -= len;
        return len;
    }
    len = left;
    left = 0;
    return len;
}

static ssize_t write_at(int fd, const void *data, size_t len, off64_t offset, int moves) {
    const char *name = name_of(fd);
    pthread_mutex_lock(&one);
    size_t room = len ? taken(len) : 0;
    ssize_t done = -1;
    if (len && !room) {
        errno = ENOSPC;
        trace("full", name, 0, NULL, 0);
    } else if (moves) {
        offset = lseek64(fd, 0, SEEK_CUR);
        done = syscall(SYS_write, fd, data, room);
    } else {
        done = syscall(SYS_pwrite64, fd, data, room, offset);
    }
    if (done > 0) trace("writ", name, offset, data, done);
    pthread_mutex_unlock(&one);
    return done;
}

ssize_t write(int fd, const void *data, size_t len) {
    return name_of(fd) ? write_at(fd, data, len, 0, 1) : syscall(SYS_write, fd, data, len);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset) {
    return name_of(fd) ? write_at(fd, data, len, offset, 0) : syscall(SYS_pwrite64, fd, data, len, offset);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset) { return pwrite64(fd, data, len, offset); }

static int opened(const char *path, int flags, mode_t mode) {
    const char *name = within(path);
    struct stat known;
    pthread_mutex_lock(&one);
    int is_new = name && (flags & O_CREAT) && stat(path, &known);
    int fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && fd < FILES) {
        free(names[fd]);
        names[fd] = name ? strdup(name) : NULL;
        if (name) trace("open", name, is_new, NULL, 0);
        if (name && (flags & O_TRUNC)) trace("trun", name, 0, NULL, 0);
    }
    pthread_mutex_unlock(&one);
    return fd;
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(path, flags, mode);
}

int close(int fd) {
    if (name_of(fd)) {
        pthread_mutex_lock(&one);
        free(names[fd]);
        names[fd] = NULL;
        pthread_mutex_unlock(&one);
    }
    return syscall(SYS_close, fd);
}

int ftruncate64(int fd, off64_t len) {
    int done = syscall(SYS_ftruncate, fd, len);
    if (!done) trace("trun", name_of(fd), len, NULL, 0);
    return done;
}

int ftruncate(int fd, off_t len) { return ftruncate64(fd, len); }

static int synced(int fd, long call) {
    const char *name = name_of(fd);
    if (!name) return syscall(call, fd);
    pthread_mutex_lock(&one);
    long wanted = number_in("FAULTS_SYNC");
    if (wanted > 0) {
        syncs = wanted;
        syscall(SYS_unlinkat, AT_FDCWD, getenv("FAULTS_SYNC"), 0);
    }
    long slow_ms = number_in("FAULTS_SLOW");
    if (slow_ms > 0) usleep(slow_ms * 1000);
    int done = -1;
    if (*name && syncs > 0 && --syncs == 0) { /* not of the folder: nobody could tell what that means */
        errno = EIO;
        trace("fail", name, 0, NULL, 0);
    } else {
        done = syscall(call, fd);
        if (!done) trace("sync", name, 0, NULL, 0);
    }
    pthread_mutex_unlock(&one);
    return done;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }

int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

int unlink(const char *path) {
    int done = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (!done) trace("unli", within(path), 0, NULL, 0);
    return done;
}

int mkdir(const char *path, mode_t mode) {
    int done = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (!done) trace("fold", within(path), 0, NULL, 0);
    return done;
}

int rename(const char *path, const char *to) {
    const char *name = within(path), *new_name = within(to);
    pthread_mutex_lock(&one);
    int done = syscall(SYS_renameat, AT_FDCWD, path, AT_FDCWD, to);
    if (!done && name && new_name) {
        for (int fd = 0; fd < FILES; fd++) {
            if (!names[fd] || strcmp(names[fd], name)) continue;
            free(names[fd]);
            names[fd] = strdup(new_name);
        }
        trace("move", name, 0, new_name, strlen(new_name));
        if (number_in("FAULTS_END") > 0) {
            syscall(SYS_unlinkat, AT_FDCWD, getenv("FAULTS_END"), 0);
            kill(getpid(), SIGKILL);
        }
    }
    pthread_mutex_unlock(&one);
    return done;
}
