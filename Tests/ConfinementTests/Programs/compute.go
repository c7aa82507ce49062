// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync"
)

func main() {
	var numbers []int
	reader := bufio.NewReader(os.Stdin)
	for {
		var number int
		if _, err := fmt.Fscan(reader, &number); err != nil {
			break
		}
		numbers = append(numbers, number)
	}
	var sums [4]int
	var group sync.WaitGroup
	for index := range sums {
		group.Add(1)
		go func(index int) {
			defer group.Done()
			runtime.LockOSThread()
			for i := index; i < len(numbers); i += 4 {
				sums[index] += numbers[i]
			}
		}(index)
	}
	group.Wait()
	runtime.GC()
	content, _ := os.ReadFile(os.Args[1])
	fmt.Printf("%d numbers, sum %d, file %d\n", len(numbers), sums[0]+sums[1]+sums[2]+sums[3], len(content))
}
