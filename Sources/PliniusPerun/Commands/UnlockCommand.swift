import ArgumentParser
import Crypto
import NIOSSL
import PliniusPerunClient
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire

/// Hands an owner's share of the root key to a locked manager.
struct UnlockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock", abstract: "Hands your share of the root key to a manager that is locked.",
        discussion: """
            The share is sealed to a key that the manager has drawn for this start. Where the manager's own certificate lies in its store, \
            it shows another one while it is locked: judge its evidence by --policy, the one of perun trust, or give --certificate-digest, \
            which its operator finds in its log.

            Exit codes: 0 the share is in, 1 no answer, 2 bad usage, 3 refused.
            """)

    @Option(help: ArgumentHelp("The file with your share.", valueName: "file")) var share: String

    @Option(help: ArgumentHelp("What perun trust wrote: where the manager is, and its certificate.", valueName: "file"))
    var trust: String?

    @Option(help: "Where the manager is, without --trust: host:port or [v6]:port.") var manager: String?

    @OptionGroup var judging: JudgingOptions

    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        try await reporting(asJSON: json) {
            let share: RootShare
            do { share = try RootShare(try Files.text(self.share, as: "share")) } catch let error as ManagerError {
                throw CommandError(.usage, "\(self.share): \(error)")
            }
            let believed = try trust == nil ? nil : ManagerOptions.believed(trust)
            guard let address = manager ?? believed?.address else {
                throw CommandError(.usage, "give --trust, or --manager with what makes it believed")
            }
            let isJudged = try judging.isGiven()
            let claimed = try await PerunClient.claimedCertificate(of: address)
            let digest = Array(SHA256.hash(data: claimed.der))
            guard isJudged || believed?.certificateBytes == claimed.der else {
                throw CommandError(
                    .refused,
                    "the check trust.certificate failed: the manager shows the certificate \(digest.hexadecimal), which is not "
                        + "the one that is believed: judge its evidence by --policy, or give --certificate-digest")
            }
            try judging.check(certificate: digest)
            let standing = try await handIn(share, to: address, claimed.pem, digest)
            if json { return Output.print(standing) }
            let rest = standing.missing == 0 ? "the manager is unlocked" : "\(standing.missing) more are needed"
            Output.print("share \(share.index) is in, \(rest)")
        }
    }

    /// Seals the share to what the manager proves to be its key.
    private func handIn(
        _ share: RootShare, to address: String, _ certificate: String, _ digest: [UInt8]
    ) async throws -> UnlockStanding {
        let challenge = try judging.challenge()
        // From here on another certificate ends the connection.
        return try await PerunClient(address: address, certificate: certificate).closing { client in
            let answer = try await client.lockedAttestation(nonce: challenge.challenge.nonce.hexadecimal)
            guard answer.certificate == digest.hexadecimal, let key = [UInt8](hexadecimal: answer.sealingKey),
                key.count == HPKEMessage.keyByteCount
            else {
                throw CommandError(.refused, "the check trust.keys failed: expected the manager's own, found others")
            }
            guard answer.standing.set == share.set.hexadecimal else {
                throw CommandError(
                    .refused,
                    "the check unlock.set failed: expected the sharing \(share.set.hexadecimal), of which the share is, found "
                        + "\(answer.standing.set)")
            }
            try judging.check(
                answer.evidence, for: challenge, sealingKey: key,
                identity: LockedManager.identityDigest(certificate: digest, set: share.set), run: LockedManager.runName)
            let sealed = try share.sealed(to: key)
            return try await client.unlock(
                UnlockRequest(
                    share: SealedSecret(
                        encapsulatedKey: Base64(sealed.encapsulatedKey), ciphertext: Base64(sealed.ciphertext))))
        }
    }
}

extension ManagerTrust {
    /// The DER of the manager's own certificate; `nil` if there is none.
    fileprivate var certificateBytes: [UInt8]? {
        try? NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).first?.toDERBytes()
    }
}
