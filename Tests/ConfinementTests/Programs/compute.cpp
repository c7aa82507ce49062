// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

int main(int, char **arguments) {
    std::vector<long> numbers{std::istream_iterator<long>(std::cin), {}};
    long sum = 0;
    std::thread([&] {
        try {
            throw std::runtime_error("unwinding works");
        } catch (const std::exception &) {
            sum = std::accumulate(numbers.begin(), numbers.end(), 0L);
        }
    }).join();
    std::ifstream file(arguments[1]);
    long length = std::distance(std::istreambuf_iterator<char>(file), {});
    std::cout << numbers.size() << " numbers, sum " << sum << ", file " << length << std::endl;
}
