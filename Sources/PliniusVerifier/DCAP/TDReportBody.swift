/// The report of a trust domain, as quotes contain it.
///
/// Little-endian: 584 bytes for TDX 1.0; TDX 1.5 adds 64 (Intel TDX DCAP quoting library, sgx_report2_body_t and its 1.5 form).
package struct TDReportBody: Hashable, Sendable {
    static let byteCount = 584
    static let byteCount15 = 648

    /// Byte 0 is the SVN of the TDX module, byte 1 its major version.
    package let teeTCBSVN: [UInt8]
    package let mrseam: [UInt8]
    package let mrsignerSeam: [UInt8]
    package let seamAttributes: [UInt8]
    package let tdAttributes: UInt64
    package let xfam: UInt64
    package let mrtd: [UInt8]
    package let mrconfigID: [UInt8]
    package let mrowner: [UInt8]
    package let mrownerConfig: [UInt8]
    /// RTMR0 to RTMR3.
    package let rtmr: [[UInt8]]
    package let reportData: [UInt8]
    /// The same as ``teeTCBSVN`` for the module that is loaded now; TDX 1.5.
    package let teeTCBSVN2: [UInt8]?
    /// The measurement of the bound service TDs, such as one that migrates; TDX 1.5.
    package let mrserviceTD: [UInt8]?

    /// The bits that give the domain's contents away, whatever they are for: DEBUG and the rest of the untrusted-debug group.
    package var debugBits: UInt64 { tdAttributes & 0xFF }
    /// Whether the domain may be moved to another machine: bit 29.
    package var isMigratable: Bool { tdAttributes & 1 << 29 != 0 }

    /// Reads a report.
    /// - Throws: the format's error, unless there are as many bytes as the layout has.
    init(_ cursor: inout ByteCursor, is15: Bool) throws(EvidenceError) {
        teeTCBSVN = try cursor.bytes(16)
        mrseam = try cursor.bytes(48)
        mrsignerSeam = try cursor.bytes(48)
        seamAttributes = try cursor.bytes(8)
        tdAttributes = try cursor.little()
        xfam = try cursor.little()
        mrtd = try cursor.bytes(48)
        mrconfigID = try cursor.bytes(48)
        mrowner = try cursor.bytes(48)
        mrownerConfig = try cursor.bytes(48)
        var registers: [[UInt8]] = []
        for _ in 0..<4 { registers.append(try cursor.bytes(48)) }
        rtmr = registers
        reportData = try cursor.bytes(64)
        teeTCBSVN2 = is15 ? try cursor.bytes(16) : nil
        mrserviceTD = is15 ? try cursor.bytes(48) : nil
    }
}
