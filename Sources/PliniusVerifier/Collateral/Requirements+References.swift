// What a policy takes from reference lists instead of naming it itself.

extension Collateral {
    /// The lists that a policy names.
    /// - Throws: `collateral.reference`, if one was not imported.
    fileprivate func lists(
        _ purpose: ReferenceList.Purpose, _ names: [String]
    ) throws(EvidenceError) -> [ReferenceList] {
        var lists: [ReferenceList] = []
        for name in names {
            guard let list = reference(purpose, name) else {
                let present = references.filter { $0.purpose == purpose }.map(\.name).sorted()
                throw EvidenceError(
                    "collateral.reference", expected: "the reference list \(name) (\(purpose)) in a bundle",
                    found: present.isEmpty ? "none: import it" : present.joined(separator: ", "))
            }
            // A list that nothing can be compared with would let anything pass.
            guard !list.entries.isEmpty, list.entries.allSatisfy({ purpose.takes($0.label) }) else {
                throw EvidenceError(
                    "collateral.reference",
                    expected: "digests in the reference list \(name), each with \(purpose.labels)",
                    found: list.entries.isEmpty ? "none" : "digests of something else")
            }
            lists.append(list)
        }
        return lists
    }
}

extension IMARequirements {
    /// With the files of its reference lists.
    /// - Throws: `collateral.reference`.
    func resolved(by collateral: Collateral) throws(EvidenceError) -> IMARequirements {
        guard let generations else { return self }
        var resolved: [Generation] = []
        for generation in generations.value {
            var generation = generation
            for list in try collateral.lists(.ima, generation.references) {
                for entry in list.entries {
                    generation.list.files[entry.label, default: []]
                        .insert(FileDigest(algorithm: "\(list.algorithm)", bytes: entry.digest))
                }
            }
            resolved.append(generation)
        }
        var requirements = self
        requirements.generations = Setting(resolved, generations.line)
        return requirements
    }
}

extension BootLogRequirements {
    /// With the digests of its reference lists.
    /// - Throws: `collateral.reference`.
    func resolved(by collateral: Collateral) throws(EvidenceError) -> BootLogRequirements {
        guard let references else { return self }
        var requirements = self
        for list in try collateral.lists(.bootLog, references.value) {
            for entry in list.entries {
                guard let register = ReferenceList.Purpose.bootLog.register(entry.label) else { continue }
                let present = requirements.allowedDigests[register]
                requirements.allowedDigests[register] = Setting(
                    (present?.value ?? []).union([entry.digest]), present?.line ?? references.line)
            }
        }
        return requirements
    }
}

extension NVIDIARequirements {
    /// With the measurements of its reference lists.
    /// - Throws: `collateral.reference`.
    func resolved(by collateral: Collateral) throws(EvidenceError) -> NVIDIARequirements {
        guard let references else { return self }
        var values = measurements?.value ?? [:]
        for list in try collateral.lists(.nvidia, references.value) {
            for entry in list.entries {
                guard let index = Int(entry.label) else { continue }
                values[index, default: []].append(entry.digest)
            }
        }
        var requirements = self
        requirements.measurements = Setting(values, measurements?.line ?? references.line)
        return requirements
    }
}
