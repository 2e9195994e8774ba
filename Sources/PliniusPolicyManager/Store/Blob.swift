internal import FoundationEssentials

/// Bytes as the database takes them.
func blob(_ bytes: [UInt8]) -> Data { Data(bytes) }

/// Bytes as the database takes them; `nil` is its NULL.
func nullable(_ bytes: [UInt8]?) -> Data? { bytes.map { Data($0) } }
