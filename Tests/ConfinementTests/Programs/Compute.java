// SPDX-License-Identifier: Apache-2.0
import java.nio.file.*;
import java.util.*;
import java.util.stream.*;

public class Compute {
    public static void main(String[] arguments) throws Exception {
        Scanner scanner = new Scanner(System.in);
        List<Long> numbers = new ArrayList<>();
        while (scanner.hasNextLong()) numbers.add(scanner.nextLong());
        long sum = numbers.parallelStream().mapToLong(Long::longValue).sum();
        Thread thread = new Thread(() -> System.gc());
        thread.start();
        thread.join();
        System.out.printf("%d numbers, sum %d, file %d%n", numbers.size(), sum, Files.size(Path.of(arguments[0])));
    }
}
