import CTSS2
import Glibc
package import PliniusWire
internal import _PliniusSupport

/// One connection to a TPM 2.0 through tpm2-tss, for one thread.
///
/// Structures cross as the TPM's own bytes (TPM 2.0 Library, Part 2); the stack's marshalling makes C structures of them and back.
@safe package final class TPM {
    /// A structure to bytes, and bytes to a structure, as tpm2-tss has a function for each type.
    typealias Marshal<T> = (UnsafePointer<T>?, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<Int>?) -> UInt32
    typealias Unmarshal<T> = (UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<Int>?, UnsafeMutablePointer<T>?) ->
        UInt32

    static let none: ESYS_TR = ESYS_TR_NONE
    /// Authorization by a password that is empty.
    static let noPassword: ESYS_TR = ESYS_TR_PASSWORD

    let context: OpaquePointer
    private let transport: OpaquePointer

    /// Whether there is a device to ask; of a TPM that is no device of this machine nothing can be told before.
    package static func isThere(_ configuration: String) -> Bool {
        let device = configuration.hasPrefix("device:") ? String(configuration.dropFirst(7)) : nil
        return device.map { unsafe access($0, R_OK | W_OK) == 0 } ?? !configuration.isEmpty
    }

    /// Connects.
    /// - Parameter configuration: A TCTI's name and its configuration, as `device:/dev/tpmrm0`.
    package init(_ configuration: String) throws(AttestationError) {
        guard Self.isThere(configuration) else {
            throw AttestationError("TPM: \(configuration) is not there, or not for this user: is it in the group tss?")
        }
        var transport: OpaquePointer?
        var context: OpaquePointer?
        try Self.check(unsafe Tss2_TctiLdr_Initialize(configuration, &transport), "reach it by '\(configuration)'")
        guard let connected = unsafe transport else {
            throw AttestationError("TPM: \(configuration) gives no transport")
        }
        let code = unsafe Esys_Initialize(&context, connected, nil)
        guard code == 0, let initialized = unsafe context else {
            unsafe Tss2_TctiLdr_Finalize(&transport)
            throw AttestationError("TPM: not ready (\(Self.text(code)))")
        }
        unsafe self.transport = connected
        unsafe self.context = initialized
    }

    deinit {
        var context: OpaquePointer? = unsafe context
        var transport: OpaquePointer? = unsafe transport
        unsafe Esys_Finalize(&context)
        unsafe Tss2_TctiLdr_Finalize(&transport)
    }

    static func check(_ code: UInt32, _ what: @autoclosure () -> String) throws(AttestationError) {
        guard code == 0 else { throw AttestationError("TPM: it did not \(what()) (\(text(code)))") }
    }

    private static func text(_ code: UInt32) -> String {
        "response code 0x\(String(code, radix: 16)), see tpm2_rc_decode"
    }

    // MARK: Structures

    /// Lends a C structure made of the TPM's bytes.
    static func with<T, R>(
        _ bytes: [UInt8], _ unmarshal: Unmarshal<T>, _ body: (UnsafePointer<T>) throws(AttestationError) -> R
    ) throws(AttestationError) -> R {
        let value = UnsafeMutablePointer<T>.allocate(capacity: 1)
        defer { unsafe value.deallocate() }
        // Some functions of the stack take a buffer's length from what is there.
        unsafe memset(value, 0, MemoryLayout<T>.size)
        defer { unsafe explicit_bzero(value, MemoryLayout<T>.size) }
        var offset = 0
        guard unsafe unmarshal(bytes, bytes.count, &offset, value) == 0, offset == bytes.count else {
            throw AttestationError("TPM: \(bytes.count) bytes are no \(T.self)")
        }
        return try unsafe body(value)
    }

    /// Calls what hands out a C structure, and returns the TPM's bytes of it.
    static func bytes<T>(
        _ what: String, _ marshal: Marshal<T>, _ call: (UnsafeMutablePointer<UnsafeMutablePointer<T>?>) -> UInt32
    ) throws(AttestationError) -> [UInt8] {
        var result: UnsafeMutablePointer<T>?
        try check(unsafe call(&result), what)
        // It may be a secret: no copy stays behind.
        defer {
            if let result = unsafe result { unsafe explicit_bzero(result, MemoryLayout<T>.size) }
            unsafe Esys_Free(result)
        }
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<T>.size + 16)
        defer { wipe(&bytes) }
        var count = 0
        try check(unsafe marshal(result, &bytes, bytes.count, &count), what)
        return Array(bytes[..<count])
    }

    /// The bytes of a TPM2B: their number, and themselves.
    static func sized(_ bytes: [UInt8]) -> [UInt8] { big(UInt16(bytes.count)) + bytes }

    /// An integer as the TPM has it.
    static func big(_ value: some FixedWidthInteger) -> [UInt8] {
        stride(from: value.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    // MARK: Objects

    /// Whether a handle of the TPM's own memory is in use: asked for what is not there, the stack complains aloud.
    func has(_ handle: UInt32) throws(AttestationError) -> Bool {
        var more: UInt8 = 0
        var answer: UnsafeMutablePointer<TPMS_CAPABILITY_DATA>?
        try Self.check(
            unsafe Esys_GetCapability(context, Self.none, Self.none, Self.none, 1, handle, 1, &more, &answer),
            "list its handles")
        defer { unsafe Esys_Free(answer) }
        guard let handles = unsafe answer?.pointee.data.handles else { return false }
        return handles.count > 0 && handles.handle.0 == handle
    }

    /// The stack's name of what lies in the TPM's own memory.
    func object(at handle: UInt32) throws(AttestationError) -> ESYS_TR {
        var object = Self.none
        try Self.check(
            unsafe Esys_TR_FromTPMPublic(context, handle, Self.none, Self.none, Self.none, &object),
            "find 0x\(String(handle, radix: 16))")
        return object
    }

    /// TPMT_PUBLIC of a key.
    func publicArea(of object: ESYS_TR) throws(AttestationError) -> [UInt8] {
        unsafe Array(
            try Self.bytes("read a key's public area", Tss2_MU_TPM2B_PUBLIC_Marshal) {
                unsafe Esys_ReadPublic(context, object, Self.none, Self.none, Self.none, $0, nil, nil)
            }.dropFirst(2))
    }

    /// Lends the key that the TPM makes of a hierarchy's seed and a template (TPMT_PUBLIC): the same each time.
    func withPrimary<R>(
        _ template: [UInt8], in hierarchy: ESYS_TR, _ body: (ESYS_TR) throws(AttestationError) -> R
    ) throws(AttestationError) -> R {
        var key = Self.none
        let noSecret = Self.sized(Self.sized([]) + Self.sized([]))
        unsafe try Self.with(Self.sized(template), Tss2_MU_TPM2B_PUBLIC_Unmarshal) {
            template throws(AttestationError) in
            unsafe try Self.with(noSecret, Tss2_MU_TPM2B_SENSITIVE_CREATE_Unmarshal) {
                secret throws(AttestationError) in
                var outside = TPM2B_DATA()
                var registers = TPML_PCR_SELECTION()
                try Self.check(
                    unsafe Esys_CreatePrimary(
                        context, hierarchy, Self.noPassword, Self.none, Self.none, secret, template, &outside,
                        &registers, &key, nil, nil, nil, nil),
                    "make a key: has its hierarchy a password, or the TPM not this algorithm?")
            }
        }
        defer { unsafe Esys_FlushContext(context, key) }
        return try body(key)
    }

    /// What a session is for (TPM_SE).
    enum Session: UInt8 {
        case authorization = 0
        case policy
    }

    /// Lends a session of a policy, or one that merely keeps what passes between this process and the TPM from the bus.
    /// - Parameter salt: The key that the session's own key is agreed upon with; none for a session that hides nothing.
    func withSession<R>(
        _ type: Session, salt: ESYS_TR = none, _ body: (ESYS_TR) throws(AttestationError) -> R
    ) throws(AttestationError) -> R {
        var session = Self.none
        // AES-128 in CFB mode.
        let cipher = Self.big(UInt16(0x0006)) + Self.big(UInt16(128)) + Self.big(UInt16(0x0043))
        unsafe try Self.with(cipher, Tss2_MU_TPMT_SYM_DEF_Unmarshal) { cipher throws(AttestationError) in
            try Self.check(
                unsafe Esys_StartAuthSession(
                    context, salt, Self.none, Self.none, Self.none, Self.none, nil, type.rawValue, cipher,
                    TPMHash.sha256,
                    &session),
                "begin a session")
        }
        defer { unsafe Esys_FlushContext(context, session) }
        if salt != Self.none {
            let hiding: UInt8 = 0x60
            try Self.check(unsafe Esys_TRSess_SetAttributes(context, session, hiding | 1, 0xFF), "hide what passes")
        }
        return try body(session)
    }

    // MARK: Memory

    /// What an index of the TPM's own memory holds, read with its own empty password.
    func read(_ index: UInt32, in session: ESYS_TR = noPassword) throws(AttestationError) -> [UInt8] {
        let object = try object(at: index)
        // TPMS_NV_PUBLIC has the length at its end.
        let total = try space(of: object).suffix(2).reduce(0) { $0 << 8 | Int($1) }
        var bytes: [UInt8] = []
        while bytes.count < total {
            // Every TPM hands out 512 bytes at a time, few more than twice that.
            let block = unsafe try Self.bytes("read its memory", Tss2_MU_TPM2B_MAX_NV_BUFFER_Marshal) {
                unsafe Esys_NV_Read(
                    context, object, object, session, Self.none, Self.none,
                    UInt16(min(512, total - bytes.count)), UInt16(bytes.count), $0)
            }
            guard block.count > 2 else { throw AttestationError("TPM: 0x\(String(index, radix: 16)) ends too early") }
            bytes += block.dropFirst(2)
        }
        return bytes
    }

    /// TPM2B_NV_PUBLIC of an index.
    func space(of object: ESYS_TR) throws(AttestationError) -> [UInt8] {
        unsafe try Self.bytes("describe its memory", Tss2_MU_TPM2B_NV_PUBLIC_Marshal) {
            unsafe Esys_NV_ReadPublic(context, object, Self.none, Self.none, Self.none, $0, nil)
        }
    }
}

/// Hashes by their number in the TCG algorithm registry.
package enum TPMHash {
    package static let sha256: UInt16 = 0x000B
}
