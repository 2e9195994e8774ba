internal import GRDB
internal import PliniusPolicy

extension StoreView {
    /// The numbers of the newest entries of some kinds.
    func numbers(of kinds: [AuditEntry.Kind], in range: Range<Int>, count: Int) throws -> [Int] {
        // Within a text, a quotation mark stands behind a backslash. A detail may have such a member, and its entry is passed over then.
        let texts = kinds.map { "\"kind\":\"\($0.rawValue)\"" }
        let condition = texts.map { _ in "instr(content, ?) > 0" }.joined(separator: " OR ")
        var arguments = StatementArguments([range.lowerBound, range.upperBound])
        for text in texts { arguments += [blob(Array(text.utf8))] }
        arguments += [count]
        return try rows(
            "SELECT number FROM audit_entries WHERE number >= ? AND number < ? AND (\(condition)) ORDER BY number DESC LIMIT ?",
            arguments
        ).map { try $0.count("number") }
    }
}
