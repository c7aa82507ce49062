// SPDX-License-Identifier: Apache-2.0
import Testing

/// Attempts that a sandbox must defeat, one test a line of the list, inside real sandboxes. Each runs with default
/// settings and as root inside; where it is safe, a second case turns one defence off and sees the attempt succeed,
/// or meet the next wall, so that no test passes by accident. One at a time: each compares the host before and after.
@Suite(.serialized) struct SecurityTests {}
