// A system clock that is stepped on command: CLOCK_STEP names a file that holds by how many seconds.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now)
{
    int outcome = (int)syscall(SYS_clock_gettime, id, now);
    const char *name = getenv("CLOCK_STEP");
    if (id == CLOCK_REALTIME && outcome == 0 && name) {
        FILE *file = fopen(name, "r");
        long seconds = 0;
        if (file && fscanf(file, "%ld", &seconds) == 1)
            now->tv_sec += seconds;
        if (file)
            fclose(file);
    }
    return outcome;
}
