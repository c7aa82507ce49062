// SPDX-License-Identifier: Apache-2.0

/// A filter as a graph of decisions, and the code for it.
///
/// Every node is kept once, so calls that are decided alike share their code. A node is added after the nodes it leads
/// to; the code is therefore written from its end, where each jump knows how far its target is.
struct FilterGraph {
    /// A node, by its place in the graph.
    typealias ID = Int

    enum Node: Hashable {
        /// What the filter returns.
        case answer(UInt32)
        /// A ← the word of `struct seccomp_data` at an offset.
        case load(UInt32, then: ID)
        /// A ← A & constant.
        case mask(UInt32, then: ID)
        /// Compares A with a constant.
        case test(FilterOperation, UInt32, yes: ID, no: ID)
    }

    private var nodes: [Node] = []
    private var places: [Node: ID] = [:]

    private mutating func add(_ node: Node) -> ID {
        if let known = places[node] { return known }
        nodes.append(node)
        places[node] = nodes.count - 1
        return nodes.count - 1
    }

    mutating func answer(_ value: UInt32) -> ID { add(.answer(value)) }

    mutating func load(_ offset: UInt32, then next: ID) -> ID {
        // What is decided already needs no word.
        if case .answer = nodes[next] { return next }
        return add(.load(offset, then: next))
    }

    mutating func mask(_ constant: UInt32, then next: ID) -> ID {
        if case .answer = nodes[next] { return next }
        return add(.mask(constant, then: next))
    }

    mutating func test(_ operation: FilterOperation, _ constant: UInt32, yes: ID, no: ID) -> ID {
        yes == no ? yes : add(.test(operation, constant, yes: yes, no: no))
    }

    /// The code that begins at a node.
    func code(from start: ID) -> [FilterInstruction] {
        var needed = [Bool](repeating: false, count: nodes.count)
        needed[start] = true
        for id in (0...start).reversed() where needed[id] {
            switch nodes[id] {
            case .answer: break
            case .load(_, let next), .mask(_, let next): needed[next] = true
            case .test(_, _, let yes, let no):
                needed[yes] = true
                needed[no] = true
            }
        }
        var writer = FilterWriter(nodes: nodes)
        for id in 0...start where needed[id] { writer.write(id) }
        return writer.reversedCode.reversed()
    }
}

/// Writes a graph's nodes, the last instruction first.
private struct FilterWriter {
    let nodes: [FilterGraph.Node]
    private(set) var reversedCode: [FilterInstruction] = []
    /// Where each node's code begins, counted from the end of the program; the nearest place if there are several.
    private var starts: [FilterGraph.ID: Int] = [:]

    init(nodes: [FilterGraph.Node]) { self.nodes = nodes }

    mutating func write(_ id: FilterGraph.ID) {
        switch nodes[id] {
        case .answer(let value): append(FilterInstruction(.returnConstant, value))
        case .load(let offset, let next):
            continueWith(next)
            append(FilterInstruction(.loadWord, offset))
        case .mask(let constant, let next):
            continueWith(next)
            append(FilterInstruction(.and, constant))
        case .test(let operation, let constant, let yes, let no):
            // A comparison skips at most 255 instructions. Bringing one target near may put the other out of reach.
            while max(distance(to: yes), distance(to: no)) > 255 {
                bringNear(distance(to: yes) > distance(to: no) ? yes : no)
            }
            append(
                FilterInstruction(
                    operation, constant, ifTrue: UInt8(distance(to: yes)), ifFalse: UInt8(distance(to: no))))
        }
        starts[id] = reversedCode.count - 1
    }

    private mutating func append(_ instruction: FilterInstruction) { reversedCode.append(instruction) }

    /// How many instructions lie between the one written next and a node's code.
    private func distance(to id: FilterGraph.ID) -> Int {
        guard let start = starts[id] else { preconditionFailure("a node is written after those it leads to") }
        return reversedCode.count - 1 - start
    }

    /// Makes sure that what is written next runs on into a node's code.
    private mutating func continueWith(_ id: FilterGraph.ID) {
        if distance(to: id) > 0 { bringNear(id) }
    }

    /// Repeats an answer here, or a way to a node that is far.
    private mutating func bringNear(_ id: FilterGraph.ID) {
        if case .answer(let value) = nodes[id] {
            append(FilterInstruction(.returnConstant, value))
        } else {
            append(FilterInstruction(.jump, UInt32(distance(to: id))))
        }
        starts[id] = reversedCode.count - 1
    }
}
