/// What is known of an event's data from its digests.
package enum EventContent: Hashable, Sendable {
    /// The digests cover these bytes.
    case proved([UInt8])
    /// The digests cover something that the log does not hold: a program, a table, a file.
    case elsewhere
    /// Data of this type is what the digests cover, and they do not.
    case contradicted
}

extension EventLog.Event {
    /// Recomputes the digests from the data, in the banks that a quote proves.
    ///
    /// A log's author chooses data and type of every event, and only the digests are bound: so nothing that is read from an event counts
    /// before this. Firmware and boot loaders differ in what they hash, and each case below is one that is in use.
    package func content(in banks: Set<HashAlgorithm>) -> EventContent {
        let candidates: [ArraySlice<UInt8>]
        var isElsewherePossible = false
        switch type {
        case .separator, .variableDriverConfiguration, .variableBoot2:
            candidates = [data[...]]
        case .efiAction:
            // Some firmware ends the log's text with a NUL that it does not measure.
            candidates = [data[...], data.last == 0 ? data.dropLast() : data[...]]
        case .variableBoot:
            // EDK II measures the variable's value alone.
            candidates = [data[...]] + (UEFIVariable(data[...]).map { [$0.value[...]] } ?? [])
        case .variableAuthority:
            // Older shims log one byte more than they measure.
            candidates = [data[...], data.dropLast()]
        case .initialProgramLoader:
            // GRUB measures the text without its label and its NUL.
            let text = data.last == 0 ? data.dropLast() : data[...]
            if let label = BootText.Label(of: text) {
                candidates = [text.dropFirst(label.rawValue.utf8.count)]
            } else {
                isElsewherePossible = true
                candidates = [data[...], text]
            }
        default:
            isElsewherePossible = true
            candidates = [data[...]]
        }
        let proof = candidates.first { bytes in
            banks.allSatisfy { digests[$0] == $0.hash(bytes) }
        }
        if let proof, !banks.isEmpty { return .proved(Array(proof)) }
        return isElsewherePossible ? .elsewhere : .contradicted
    }
}

/// A text that a boot loader measured before it acted on it.
package struct BootText: Hashable, Sendable {
    /// What GRUB puts in front of a text in the log, and does not measure.
    package enum Label: String, Hashable, Sendable, CaseIterable {
        case command = "grub_cmd: "
        case kernel = "kernel_cmdline: "
        case module = "module_cmdline: "

        init?(of text: ArraySlice<UInt8>) {
            guard let label = Self.allCases.first(where: { text.starts(with: Array($0.rawValue.utf8)) }) else {
                return nil
            }
            self = label
        }
    }

    /// `nil` for the command line that systemd's stub measures, which has none.
    package let label: Label?
    package let text: String

    /// Whether the log says that this is what the kernel was started with; the label itself is not measured.
    package var isKernelCommandLine: Bool { label == .kernel || label == nil }

    /// The text of an event, `nil` if its digests cover none.
    package init?(_ event: EventLog.Event, in banks: Set<HashAlgorithm>) {
        guard event.type == .initialProgramLoader, case .proved(let bytes) = event.content(in: banks) else {
            return nil
        }
        label = Label(of: event.data[...])
        guard label == nil else {
            text = String(decoding: bytes, as: UTF8.self)
            return
        }
        // UTF-16 with its NUL; GRUB's own files have names, and other digests.
        guard bytes.count >= 4, bytes.count.isMultiple(of: 2), bytes.suffix(2) == [0, 0] else { return nil }
        let units = stride(from: 0, to: bytes.count - 2, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
        text = String(decoding: units, as: UTF16.self)
    }
}
