/// What a policy asks of an SGX enclave; settings add up, each that is set has to hold.
///
/// Without any, the platform is up to date and the enclave is not for debugging, and which enclave it is remains open.
public struct SGXRequirements: Sendable {
    /// The measurements of code and initial data that may run, 32 bytes each.
    public var mrenclave: Setting<[[UInt8]]>?
    /// Whose enclaves may run: SHA-256 digests of the signers' keys, 32 bytes each.
    ///
    /// Needs ``isvProdID``, since a signer has many products.
    public var mrsigner: Setting<[[UInt8]]>?
    /// The signer's number for the product.
    public var isvProdID: Setting<UInt16>?
    /// The least security version of the product.
    public var minimumISVSVN: Setting<UInt16>?
    /// What the enclave was configured with when it was started, 64 bytes.
    public var configID: Setting<[UInt8]>?
    /// The least version of that configuration.
    public var minimumConfigSVN: Setting<UInt16>?
    /// The signer's number for the product's family, 16 bytes.
    public var familyID: Setting<[UInt8]>?
    /// The signer's extended number for the product, 16 bytes.
    public var extendedProductID: Setting<[UInt8]>?
    /// Lets enclaves pass that a debugger may look into, and that keep no secret.
    public var toleratesDebug: Setting<Bool>?
    /// How current the platform has to be.
    public var tcb = IntelTCBRequirements()

    public init() {}
}
