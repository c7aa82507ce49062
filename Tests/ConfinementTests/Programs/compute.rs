// SPDX-License-Identifier: Apache-2.0
use std::{env, fs, io, io::Read, thread};

fn main() {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).unwrap();
    let numbers: Vec<i64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let parts = numbers.chunks(numbers.len() / 4 + 1).map(|part| part.to_vec());
    let threads: Vec<_> = parts.map(|part| thread::spawn(move || part.iter().sum::<i64>())).collect();
    let sum: i64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let length = fs::read(env::args().nth(1).unwrap()).unwrap().len();
    println!("{} numbers, sum {}, file {}", numbers.len(), sum, length);
}
