import PliniusHost
import PliniusPersistence
import PliniusPoolTools

extension HostError {
    /// Does something to a pool, and says what went wrong in the host's way.
    static func translating<Result>(_ work: () throws(PersistenceError) -> Result) throws(HostError) -> Result {
        do throws(PersistenceError) {
            return try work()
        } catch {
            let code: Code =
                switch error.code {
                case .damaged, .truncated, .notAPool, .unsupportedVersion: .integrity
                case .notARegularFile, .notEmpty, .tooSmall, .readOnly, .cannotGrow: .usage
                default: .failed
                }
            throw HostError(code, error.message)
        }
    }
}

extension PoolReport {
    /// A pool that has a header and a heap.
    /// - Throws: `HostError.Code.integrity` if it has none.
    static func ofUsable(_ path: String) throws(HostError) -> PoolReport {
        let report = try HostError.translating { () throws(PersistenceError) in try PoolReport(path: path) }
        guard report.geometry != nil, report.heap != nil else {
            throw HostError(
                .integrity, "\(path): \(report.findings.joined(separator: "; ")). 'plinius pool check' tells more.")
        }
        return report
    }

    // MARK: JSON

    var geometryFields: [String: JSONValue] {
        [
            "fileBytes": .integer(Int64(fileBytes)), "tier": .init("\(tier)"), "tierSurvives": .init(tier.survives),
            "byteCount": .init(geometry.map { UInt64($0.byteCount) }),
            "commit": geometry.map { .init("\($0.commit)") } ?? .null,
            "heapBytes": .init(geometry.map { UInt64($0.heapBytes) }),
            "logBytes": .init(geometry.map { UInt64($0.logBytes) }),
            "extentAreaBytes": .init(geometry.map { UInt64($0.extentAreaBytes) }), "epoch": .init(geometry?.epoch),
        ]
    }

    var rootsJSON: JSONValue {
        .array(
            roots.map { root in
                .object([
                    "name": .init(root.name), "kind": .init(root.kind), "byteCount": .unsigned(root.byteCount),
                    "isLost": .init(root.isLost),
                ])
            })
    }

    var json: JSONValue {
        var fields = geometryFields
        fields["isSound"] = .init(isSound)
        fields["headers"] = .array(headers.map { .init($0) })
        fields["state"] = state.map { .init($0) } ?? .null
        fields["recordsToReplay"] = .unsigned(recordsToReplay)
        fields["verified"] = .array(verified.map { .init($0) })
        fields["notes"] = .array(notes.map { .init($0) })
        fields["findings"] = .array(findings.map { .init($0) })
        fields["repairs"] = .array(repairs.map { .init("\($0)") })
        fields["roots"] = rootsJSON
        fields["heap"] =
            heap.map { heap in
                .object([
                    "byteCount": .integer(Int64(heap.byteCount)), "usedBytes": .integer(Int64(heap.usedBytes)),
                    "freeBytes": .integer(Int64(heap.freeBytes)), "metadataBytes": .integer(Int64(heap.metadataBytes)),
                    "objects": .integer(Int64(heap.objects)), "largestFreeRun": .integer(Int64(heap.largestFreeRun)),
                    "fragmentation": .init(heap.fragmentation), "extents": .integer(Int64(heap.extents)),
                    "extentBytes": .integer(Int64(heap.extentBytes)),
                    "freeExtentBytes": .integer(Int64(heap.freeExtentBytes)),
                    "largestFreeExtent": .integer(Int64(heap.largestFreeExtent)),
                    "slots": .array(
                        heap.slots.filter { $0.pages > 0 }.map { slots in
                            .object([
                                "slotBytes": .integer(Int64(slots.slotBytes)), "pages": .integer(Int64(slots.pages)),
                                "used": .integer(Int64(slots.used)), "free": .integer(Int64(slots.free)),
                            ])
                        }),
                ])
            } ?? .null
        return .object(fields)
    }

    // MARK: Text

    private func size(_ count: Int) -> String { bytes(UInt64(count)) }

    var geometryLines: [String] {
        guard let geometry else { return [] }
        return [
            "file      \(size(fileBytes))",
            "tier      \(tier): \(tier.survives)",
            "commits   \(geometry.commit), header epoch \(geometry.epoch)",
            "log       \(size(geometry.logBytes))",
            "heap      \(size(geometry.heapBytes))\(heap.map { ", \(size($0.freeBytes)) free" } ?? "")",
            "extents   \(size(geometry.extentAreaBytes))\(heap.map { ", \(size($0.freeExtentBytes)) free" } ?? "")",
        ]
    }

    var rootLines: [String] {
        let width = roots.map(\.name.count).max() ?? 0
        return roots.map { root in
            let name = root.name + String(repeating: " ", count: width - root.name.count)
            return "\(name)  \(root.kind)  \(bytes(root.byteCount))\(root.isLost ? "  LOST" : "")"
        }
    }

    var checkLines: [String] {
        var lines = zip(["A", "B"], headers).map { "header \($0)  \($1)" } + geometryLines
        if let heap, isSound {
            lines.append(
                "fragments \(Int((heap.fragmentation * 100).rounded())) % of the free heap are in pieces; the largest has "
                    + size(heap.largestFreeRun))
            for slots in heap.slots where slots.pages > 0 {
                lines.append(
                    "          \(slots.used) of \(slots.used + slots.free) slots of \(slots.slotBytes) bytes in use")
            }
        }
        lines += verified.map { "verified  \($0)" }
        lines += notes.map { "note      \($0)" }
        lines += repairs.map { "pending   opening copes with it, and a repair would \($0)" }
        lines += findings.map { "FINDING   \($0)" }
        return lines + [isSound ? "The pool is sound." : "The pool is not sound: \(findings.count) findings."]
    }
}

extension PoolReport.NamedRoot {
    var kind: String {
        switch root {
        case .object(_, _, let elementBytes): "object, elements of \(elementBytes) bytes"
        case .extent: "extent"
        }
    }
}
