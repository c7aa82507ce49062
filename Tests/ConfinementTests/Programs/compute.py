# SPDX-License-Identifier: Apache-2.0
import collections, decimal, fractions, hashlib, heapq, itertools, json, os, random, re, sys, threading

numbers = [int(word) for word in sys.stdin.read().split()]
sums = [0] * 4


def part(index):
    sums[index] = sum(numbers[index::4])


threads = [threading.Thread(target=part, args=(index,)) for index in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with open(sys.argv[1]) as file:
    length = len(file.read())
print(f"{len(numbers)} numbers, sum {sum(sums)}, file {length}")
try:
    os.fork()
except PermissionError as error:
    print(error.errno)
