// SPDX-License-Identifier: Apache-2.0
const fs = require('fs');
const numbers = fs.readFileSync(0, 'utf8').split(/\s+/).filter(Boolean).map(Number);
const length = fs.readFileSync(process.argv[2]).length;
console.log(`${numbers.length} numbers, sum ${numbers.reduce((a, b) => a + b, 0)}, file ${length}`);
