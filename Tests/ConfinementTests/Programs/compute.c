// SPDX-License-Identifier: Apache-2.0
// Sums the numbers on standard input in four threads, and says how long the file of the first argument is.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long numbers[1 << 16], count, sums[4];

static void *part(void *index) {
    long number = (long)index;
    long *copy = malloc(count * sizeof *copy);  // threads have arenas of their own
    for (long i = number; i < count; i += 4) copy[i] = numbers[i];
    for (long i = number; i < count; i += 4) sums[number] += copy[i];
    free(copy);
    struct timespec moment = {0, 1000000};
    nanosleep(&moment, NULL);
    return NULL;
}

int main(int arguments, char **values) {
    while (count < 1 << 16 && scanf("%ld", &numbers[count]) == 1) count++;
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) if (pthread_create(&threads[i], NULL, part, (void *)i)) return 1;
    for (long i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    FILE *file = arguments > 1 ? fopen(values[1], "r") : NULL;
    long length = 0;
    while (file && getc(file) != EOF) length++;
    printf("%ld numbers, sum %ld, file %ld\n", count, sums[0] + sums[1] + sums[2] + sums[3], length);
    return 0;
}
