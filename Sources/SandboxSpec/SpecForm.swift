// SPDX-License-Identifier: Apache-2.0

/// What a field's text looks like: for the JSON Schema, which says so to editors. The value types decide.
public struct SpecForm: Sendable {
    /// A regular expression that every valid text matches.
    public let pattern: String
    /// The only valid texts, where there is a short list of them.
    public let values: [String]
    /// Which numbers stand for a text in YAML and JSON.
    public let numbers: SpecNode.Numbers
    /// Whether a number in a document is valid as it is, and not only there to be answered with a better message.
    public let takesNumbers: Bool
    public let minimum: Int?
    public let maximum: Int?

    public init(
        pattern: String, values: [String] = [], numbers: SpecNode.Numbers = .refused, takesNumbers: Bool? = nil,
        minimum: Int? = nil, maximum: Int? = nil
    ) {
        self.pattern = pattern
        self.values = values
        self.numbers = numbers
        self.takesNumbers = takesNumbers ?? (numbers != .refused)
        self.minimum = minimum
        self.maximum = maximum
    }

    static func choice(_ values: [String]) -> SpecForm { SpecForm(pattern: "", values: values) }

    private static let sizeText = #"[0-9]+(\.[0-9]{1,9})?([KMGTP]iB|[kKMGTP]B|[KMGTPkmgtbB])?"#
    private static let durationText = #"([0-9]+(\.[0-9]{1,9})?(ns|us|ms|s|m|h|d))+"#

    static let switched = SpecForm(pattern: "")
    static let anyText = SpecForm(pattern: #"^[^\u0000]*$"#, numbers: .whole)
    static let name = SpecForm(pattern: #"^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"#)
    static let hostname = SpecForm(
        pattern: #"^(?=.{1,63}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$"#)
    static let user = SpecForm(
        pattern: #"^([0-9]+|[A-Za-z_][A-Za-z0-9_.-]{0,31})(:([0-9]+|[A-Za-z_][A-Za-z0-9_.-]{0,31}))?$"#,
        numbers: .whole, minimum: 0, maximum: 65535)
    static let id = SpecForm(pattern: "^[0-9]+$", numbers: .whole, minimum: 0, maximum: 65535)
    static let hostPath = SpecForm(pattern: #"^[^\u0000]+$"#)
    static let sandboxPath = SpecForm(pattern: #"^/(?!(.*/)?\.\.(/|$))[^\u0000-\u001f\u007f]*$"#)
    static let secretSource = SpecForm(pattern: #"^@[^\u0000]+$"#)
    static let bind = SpecForm(pattern: #"^[^:\u0000]+:/[^:\u0000-\u001f\u007f]*(:ro|:rw)?$"#)
    static let tmpfs = SpecForm(pattern: #"^/[^:\u0000-\u001f\u007f]*(:"# + sizeText + ")?$")
    static let glob = SpecForm(pattern: #"^(?!/)(?!\.(/+\.)*/*$)(?!(.*/)?\.\.(/|$))[^\u0000]+$"#)
    static let capability = SpecForm(pattern: #"^[A-Za-z_]+$"#)
    static let size = SpecForm(pattern: "^\(sizeText)$", numbers: .whole, minimum: 0)
    static let sizeLimit = SpecForm(pattern: "^(\(sizeText)|max)$", numbers: .whole, minimum: 0)
    static let cpus = SpecForm(pattern: #"^([0-9]+(\.[0-9]{1,3})?|max)$"#, numbers: .any, minimum: 0)
    static let count = SpecForm(pattern: "^([0-9]+|max)$", numbers: .whole, minimum: 0)
    static let wholeCount = SpecForm(pattern: "^[0-9]+$", numbers: .whole, minimum: 0)
    static let numberList = SpecForm(pattern: "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$", numbers: .whole, minimum: 0)
    static let deviceRate = SpecForm(pattern: #"^[^\u0000]+:"# + sizeText + "$")
    static let hugePages = SpecForm(pattern: "^\(sizeText):\(sizeText)$")
    static let device = SpecForm(
        pattern: #"^/dev/[^:\u0000-\u001f\u007f]+(:/dev/[^:\u0000-\u001f\u007f]+)?(:[rwm]{1,3})?$"#)
    static let seccomp = SpecForm(pattern: #"^(default|strict|unconfined|[^\u0000]*/[^\u0000]*|[^\u0000]+\.json)$"#)
    static let landlock = SpecForm(pattern: "^(auto|off|[0-9]+)$", numbers: .whole, minimum: 1)
    /// A whole number within bounds.
    static func number(_ minimum: Int, _ maximum: Int) -> SpecForm {
        SpecForm(pattern: "^-?[0-9]+$", numbers: .whole, minimum: minimum, maximum: maximum)
    }
    static let duration = SpecForm(pattern: "^\(durationText)$", numbers: .any, takesNumbers: false)
    static let offset = SpecForm(pattern: "^-?\(durationText)$", numbers: .any, takesNumbers: false)
    static let resource = SpecForm(
        pattern: "^([0-9]+|max|unlimited)(:([0-9]+|max|unlimited))?$", numbers: .whole, minimum: 0)
}
